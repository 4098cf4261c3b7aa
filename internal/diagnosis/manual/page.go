package manual

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// generated is the first line of each file.
const generated = "<!-- Code generated from the checks by \"go generate ./internal/diagnosis\"; DO NOT EDIT. -->\n"

// Widths of generated Markdown, in characters.
const (
	wide      = 120 // text that is broken here
	mostFacts = 24  // lines of a sample
)

// Sample is a case of a check and what is said about it: as they stand in the check's sample file.
type Sample struct{ Facts, Words string }

// Page is the page of one check in Markdown.
func Page(k *check.Check, s Sample) []byte {
	p := page{}
	p.line(generated)
	p.line("# " + string(k.Code))
	p.line("")
	p.text(sentence(k.Title))
	p.line("- severity: " + k.Severity.String() + " as a rule")
	if len(k.Catalogue) > 0 {
		p.item("[catalogue](catalogue.md): " + numbered(k.Catalogue))
	}
	if len(k.Refines) > 0 {
		p.item("refines: " + reasons(k.Refines))
	}
	if len(k.Silences) > 0 {
		p.item("explains these symptoms, which then stand beside it: " + links(k.Silences))
	}
	if how := k.Needs.How(); len(how) > 0 {
		p.item("can be told from: " + strings.Join(how, "; "))
	}
	p.prose(k.Text)
	p.sample(s)
	if len(k.Asks) > 0 {
		p.line("\n## What to look at\n")
		for _, a := range k.Asks {
			p.item(escaped(check.Example(a), "<*"))
		}
	}
	p.mends(k.Mends)
	if len(k.Sources) > 0 {
		p.line("\n## Sources\n")
		for _, src := range k.Sources {
			p.item(escaped(src, "<*"))
		}
	}
	return []byte(p.b.String())
}

// page is a file that is being written.
type page struct{ b strings.Builder }

func (p *page) line(text string) { p.b.WriteString(text + "\n") }

// text writes a paragraph.
func (p *page) text(text string) {
	for _, line := range wrap(text, wide) {
		p.line(line)
	}
	p.line("")
}

// prose writes paragraphs of Markdown, broken anew but for lists, tables and code.
func (p *page) prose(text string) {
	for _, paragraph := range paragraphs(text) {
		p.line("")
		if items := itemsOf(paragraph); items != nil {
			for _, item := range items {
				p.item(escaped(item, "<"))
			}
			continue
		}
		if asWritten(paragraph) {
			p.line(paragraph)
			continue
		}
		for _, line := range prose(escaped(paragraph, "<"), wide) {
			p.line(line)
		}
	}
}

// item writes one of a list.
func (p *page) item(text string) {
	for i, line := range prose(text, wide-2) {
		p.line([]string{"- ", "  "}[min(i, 1)] + line)
	}
}

func (p *page) mends(all []finding.Mend) {
	if len(all) == 0 {
		return
	}
	p.line("\n## Mends")
	for _, m := range all {
		p.line("")
		for _, line := range prose("**"+string(m.On)+":** "+escaped(check.Example(m.Do), "<*"), wide) {
			p.line(line)
		}
		if m.Lines != "" {
			p.fenced(map[bool]string{true: "yaml"}[m.On == finding.Lunette], check.Example(m.Lines))
		}
	}
}

func (p *page) fenced(language, text string) {
	p.line("\n```" + language)
	p.line(strings.TrimRight(text, "\n"))
	p.line("```")
}

// sample writes what a case looks like, and the words for it.
func (p *page) sample(s Sample) {
	if s.Facts == "" {
		return
	}
	p.line("\n## What it looks like")
	p.fenced("", shortened(s.Facts))
	if words := withoutMends(s.Words); words != "" {
		p.line("\nand what is said about it:")
		p.fenced("", words)
	}
}

// shortened are the facts of a case without what messages said in detail, at most mostFacts lines.
func shortened(facts string) string {
	var out []string
	for line := range strings.Lines(facts) {
		line, _, _ = strings.Cut(strings.TrimRight(line, "\n"), " detail={")
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		if len(out) == mostFacts {
			out = append(out, "…")
			break
		}
		if runes := []rune(line); len(runes) > wide {
			line = string(runes[:wide]) + "…"
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// withoutMends are the words of the first finding, up to its mends.
func withoutMends(words string) string {
	var out []string
	for line := range strings.Lines(words) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  mend on ") || strings.HasPrefix(line, "  manual: ") || strings.HasPrefix(line, "  explains also: ") {
			break
		}
		for i, part := range wrap(strings.TrimLeft(line, " "), wide) {
			indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))
			out = append(out, indent+[]string{"", "  "}[min(i, 1)]+part)
		}
	}
	return strings.Join(out, "\n")
}
