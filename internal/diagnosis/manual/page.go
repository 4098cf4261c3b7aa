package manual

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
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
			p.item(escaped(a, "<*"))
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
		for _, line := range wrap(escaped(paragraph, "<"), wide) {
			p.line(line)
		}
	}
}

// itemsOf are the items of a paragraph that is a list, nil for another one. Lines that begin otherwise go on with the item before.
func itemsOf(paragraph string) []string {
	if !strings.HasPrefix(paragraph, "- ") {
		return nil
	}
	var out []string
	for line := range strings.Lines(paragraph) {
		if item, ok := strings.CutPrefix(line, "- "); ok {
			out = append(out, strings.TrimSpace(item))
			continue
		}
		out[len(out)-1] += " " + strings.TrimSpace(line)
	}
	return out
}

// escaped is text with these characters kept from meaning something in Markdown, but within backquotes, where they mean nothing.
func escaped(text, special string) string {
	var b strings.Builder
	code := false
	for _, r := range text {
		if r == '`' {
			code = !code
		}
		if !code && strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// item writes one of a list.
func (p *page) item(text string) {
	for i, line := range wrap(text, wide-2) {
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
		for _, line := range wrap("**"+string(m.On)+":** "+escaped(m.Do, "<*"), wide) {
			p.line(line)
		}
		if m.Lines != "" {
			p.fenced(map[bool]string{true: "yaml"}[m.On == finding.Lunette], m.Lines)
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

func sentence(title string) string {
	if title == "" {
		return ""
	}
	return strings.ToUpper(title[:1]) + title[1:] + "."
}

func numbered(all []int) string {
	var out []string
	for _, n := range all {
		out = append(out, strconv.Itoa(n)+" ("+NameOf(n)+")")
	}
	return strings.Join(out, ", ")
}

func link(c finding.Code) string { return fmt.Sprintf("[%s](%s.md)", c, c) }

func links(all []finding.Code) string {
	var out []string
	for _, c := range all {
		out = append(out, link(c))
	}
	return strings.Join(out, ", ")
}

func reasons(all []reason.Code) string {
	var out []string
	for _, c := range all {
		out = append(out, reasonLink(c))
	}
	return strings.Join(out, ", ")
}

// reasonLink leads to a heading of docs/reasons.md, whose anchor has no dots.
func reasonLink(c reason.Code) string {
	return fmt.Sprintf("[%s](../reasons.md#%s)", c, strings.ReplaceAll(string(c), ".", ""))
}

// wrap breaks text at spaces into lines of at most n characters, but for longer words.
func wrap(text string, n int) []string {
	var out []string
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		w := len([]rune(word))
		switch {
		case line == "":
			line, used = word, w
		case used+1+w <= n:
			line, used = line+" "+word, used+1+w
		default:
			out = append(out, line)
			line, used = word, w
		}
	}
	return append(out, line)
}
