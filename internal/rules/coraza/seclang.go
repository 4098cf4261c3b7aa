package coraza

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// directive is one SecLang directive with where it stands.
type directive struct {
	file string // as the user named it; "" for our own
	line int    // of its first line
	text string // joined to one line; a back-quoted block keeps its lines
}

// Bounds of the SecLang that is read. The engine's own scanner drops, without a word, everything after a longer line.
const (
	maxLine     = 60 << 10
	maxFile     = 16 << 20
	maxIncludes = 100
	maxFaults   = 20
)

// name returns the directive's name in lower case.
func (d directive) name() string {
	n, _, _ := strings.Cut(d.text, " ")
	return strings.ToLower(n)
}

// args returns what stands behind the name, without quotes around the whole.
func (d directive) args() string {
	_, a, _ := strings.Cut(d.text, " ")
	return strings.Trim(strings.TrimSpace(a), `"`)
}

// chained reports whether the directive is a rule that the next rule continues.
func (d directive) chained() bool {
	for _, a := range actions(d.text) {
		if a == "chain" {
			return true
		}
	}
	return false
}

// ruleID returns the id of the rule or action that d declares, 0 without one.
func (d directive) ruleID() int {
	for _, a := range actions(d.text) {
		if v, ok := strings.CutPrefix(a, "id:"); ok {
			n, _ := strconv.Atoi(strings.Trim(v, "'"))
			return n
		}
	}
	return 0
}

// actions splits the action list of a SecRule or SecAction: its last quoted string.
func actions(text string) []string {
	name, _, _ := strings.Cut(text, " ")
	name = strings.ToLower(name)
	if name != "secrule" && name != "secaction" {
		return nil
	}
	text = strings.TrimSpace(text)
	if !strings.HasSuffix(text, `"`) {
		if name != "secaction" {
			return nil
		}
		_, list, _ := strings.Cut(text, " ")
		return splitActions(list)
	}
	start := strings.LastIndexByte(text[:len(text)-1], '"')
	for start > 0 && text[start-1] == '\\' {
		start = strings.LastIndexByte(text[:start], '"')
	}
	if start < 0 {
		return nil
	}
	return splitActions(text[start+1 : len(text)-1])
}

// splitActions splits at commas that stand outside single quotes.
func splitActions(list string) []string {
	var out []string
	quoted, from := false, 0
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '\\':
			i++
		case list[i] == '\'':
			quoted = !quoted
		case list[i] == ',' && !quoted:
			out = append(out, strings.TrimSpace(list[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(list[from:]))
}

// split cuts SecLang text into directives as the engine does: blank lines and comments count for nothing wherever they
// stand, a backslash at the end of a line continues it, a back quote at the end of a line opens a block.
func split(file, text string) ([]directive, []Fault) {
	var out []directive
	var faults []Fault
	var b strings.Builder
	start, n, block := 0, 0, false
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if start == 0 {
			start = n
		}
		if !block && line[len(line)-1] == '`' {
			block = true
		} else if block && line[0] == '`' {
			block = false
		}
		if block {
			b.WriteString(line + "\n")
			continue
		}
		if rest, more := strings.CutSuffix(line, `\`); more {
			b.WriteString(rest)
			continue
		}
		b.WriteString(line)
		d := directive{file: file, line: start, text: b.String()}
		if len(line) > maxLine || !strings.Contains(d.text, "\n") && b.Len() > maxLine {
			faults = append(faults, d.fault(fmt.Sprintf("directive is longer than %d bytes", maxLine)))
		}
		out = append(out, d)
		b.Reset()
		start = 0
	}
	switch {
	case block:
		faults = append(faults, Fault{File: file, Line: start, Text: "back quote is never closed"})
	case b.Len() > 0:
		faults = append(faults, Fault{File: file, Line: start, Text: `directive is never ended: the file's last line ends in a backslash`})
	}
	return out, faults
}

// reader gathers the directives of files and of what they include.
type reader struct {
	includes int
	faults   []Fault
	out      []directive
}

// read appends the directives of path. from is the directive that includes it, or a zero one.
func (r *reader) read(path string, from directive) {
	text, err := readBounded(path)
	if err != nil {
		f := from.fault(fmt.Sprintf("read rules: %v", err))
		if from.file == "" {
			f.File = path
		}
		r.faults = append(r.faults, f)
		return
	}
	list, faults := split(path, text)
	r.faults = append(r.faults, faults...)
	for _, d := range list {
		if d.name() != "include" {
			r.out = append(r.out, d)
			continue
		}
		r.include(d)
	}
}

func (r *reader) include(d directive) {
	pattern := d.args()
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(d.file), pattern)
	}
	paths := []string{pattern}
	if strings.Contains(pattern, "*") {
		var err error
		if paths, err = filepath.Glob(pattern); err != nil || len(paths) == 0 {
			r.faults = append(r.faults, d.fault(fmt.Sprintf("include %s: no such file", pattern)))
			return
		}
	}
	for _, p := range paths {
		if r.includes++; r.includes > maxIncludes {
			if r.includes == maxIncludes+1 {
				r.faults = append(r.faults, d.fault(fmt.Sprintf("include %s: more than %d files, do they include one another?", p, maxIncludes)))
			}
			return
		}
		r.read(p, d)
	}
}

func readBounded(path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if st.Size() > maxFile {
		return "", fmt.Errorf("open %s: larger than %d bytes", path, maxFile)
	}
	b, err := os.ReadFile(path)
	return string(b), err
}
