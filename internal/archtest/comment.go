package archtest

import (
	"fmt"
	"regexp"
	"strings"
)

// checkComments holds that every package says, in one place, what it is for, what it promises and what it leaves to others.
func checkComments(t *Tree, report func(Violation)) {
	for _, p := range t.Packages {
		doc, at, count := packageComment(p)
		if at == nil {
			continue // generated files only
		}
		bad := func(format string, args ...any) {
			report(Violation{File: at.Path, Line: t.line(at.AST.Package), Name: p.Dir, Text: fmt.Sprintf(format, args...)})
		}
		switch {
		case count == 0:
			bad("package %s has no package comment: say purpose, input, output, promises, non-goals", p.Dir)
		case count > 1:
			bad("package %s has %d package comments: keep one", p.Dir, count)
		case at.AST.Name.Name == "main":
			if !strings.HasPrefix(doc, "Command ") {
				bad(`the comment of a command begins with "Command %s"`, p.Dir[strings.LastIndex(p.Dir, "/")+1:])
			}
		default:
			checkShape(p, at, doc, bad)
		}
	}
}

// checkShape holds the shape of a library's package comment. Packages below test/ and packages of tests only have
// no callers to promise anything to: a comment is enough there.
func checkShape(p *Package, at *File, doc string, bad func(string, ...any)) {
	name := strings.TrimSuffix(at.AST.Name.Name, "_test")
	if !strings.HasPrefix(doc, "Package "+name) {
		bad(`the package comment begins with "Package %s"`, name)
	}
	if at.Test || !p.product() {
		return
	}
	promise, nonGoal := regexp.MustCompile(`(?i)\bpromises?\b`), regexp.MustCompile(`(?i)\bnon-goals?\b|\bdoes not do\b`)
	if !promise.MatchString(doc) {
		bad(`the package comment of %s does not say what it promises ("Promises: …")`, p.Dir)
	}
	if !nonGoal.MatchString(doc) {
		bad(`the package comment of %s does not say what it leaves to others ("Non-goals: …")`, p.Dir)
	}
}

// packageComment returns the comment, the file that has it (or the first file that should), and how many there are.
// Test files count only where a package has no others.
func packageComment(p *Package) (doc string, at *File, count int) {
	onlyTests := true
	for _, f := range p.Files {
		onlyTests = onlyTests && f.Test
	}
	for _, f := range p.Files {
		if f.Generated || f.Test && !onlyTests {
			continue
		}
		text := f.AST.Doc.Text()
		if at == nil || text != "" && count == 0 {
			at, doc = f, text
		}
		if text != "" {
			count++
		}
	}
	return doc, at, count
}
