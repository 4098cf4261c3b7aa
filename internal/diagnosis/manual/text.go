package manual

import (
	"regexp"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// List is one line for each check, by phase, for a terminal of so many columns.
func List(all []check.Check, columns int) string {
	var b strings.Builder
	longest := 0
	for i := range all {
		longest = max(longest, len(all[i].Code))
	}
	for _, phase := range phases(all) {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		for i := range all {
			if k := &all[i]; k.Code.Phase() == phase {
				head := string(k.Code) + strings.Repeat(" ", longest-len(k.Code)) + "  " + (k.Severity.String() + "        ")[:8] + "  "
				indented(&b, head, k.Title, columns)
			}
		}
	}
	return b.String()
}

// Text is the page of one check for a terminal of so many columns. Commands are not broken.
func Text(k *check.Check, columns int) string {
	var b strings.Builder
	b.WriteString(string(k.Code) + " · " + k.Severity.String() + "\n")
	indented(&b, "", sentence(k.Title), columns)
	for _, paragraph := range paragraphs(k.Text) {
		b.WriteString("\n")
		if items := itemsOf(paragraph); items != nil {
			for _, item := range items {
				indented(&b, "  ", "- "+unmarked(item), columns)
			}
			continue
		}
		if asWritten(paragraph) {
			b.WriteString(paragraph + "\n")
			continue
		}
		indented(&b, "", unmarked(paragraph), columns)
	}
	listed(&b, "What to look at", examples(k.Asks), unbroken)
	if len(k.Mends) > 0 {
		b.WriteString("\nMends\n")
	}
	for _, m := range k.Mends {
		indented(&b, "  ", string(m.On)+": "+check.Example(m.Do), columns)
		for line := range strings.Lines(check.Example(m.Lines)) {
			b.WriteString("        " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	listed(&b, "Explains also", words(k.Silences), columns)
	listed(&b, "Refines the reasons", words(k.Refines), columns)
	listed(&b, "Can be told from", k.Needs.How(), columns)
	var numbers []string
	for _, n := range k.Catalogue {
		numbers = append(numbers, numbered([]int{n}))
	}
	listed(&b, "In the catalogue", numbers, columns)
	listed(&b, "Sources", k.Sources, columns)
	return b.String()
}

func words[T finding.Code | reason.Code](all []T) []string {
	var out []string
	for _, c := range all {
		out = append(out, string(c))
	}
	return out
}

// examples are texts with their blanks filled.
func examples(all []string) []string {
	out := []string{}
	for _, text := range all {
		out = append(out, check.Example(text))
	}
	return out
}

// unbroken is the width of what may be a command, which is left to the terminal to break.
const unbroken = 1 << 20

// unmarked is Markdown without its emphasis.
func unmarked(text string) string {
	return regexp.MustCompile(`\*\*(.+?)\*\*|\*([^*\s](?:[^*]*[^*\s])?)\*`).ReplaceAllString(text, "$1$2")
}

// paragraphs are the parts of a text between empty lines.
func paragraphs(text string) []string { return strings.Split(strings.TrimSpace(text), "\n\n") }

// asWritten reports whether a paragraph of Markdown is a list, a table or code, whose lines are not joined.
func asWritten(paragraph string) bool {
	for line := range strings.Lines(paragraph) {
		for _, begins := range []string{"- ", "* ", "|", "    ", "```", "1. ", "2. ", "#"} {
			if strings.HasPrefix(line, begins) {
				return true
			}
		}
	}
	return false
}

func listed(b *strings.Builder, title string, items []string, columns int) {
	if len(items) == 0 {
		return
	}
	b.WriteString("\n" + title + "\n")
	for _, text := range items {
		indented(b, "  ", text, columns)
	}
}

// indented writes text behind head, with further lines two columns deeper.
func indented(b *strings.Builder, head, text string, columns int) {
	n := len([]rune(head))
	deeper := n
	if strings.TrimSpace(head) == "" && n > 0 {
		deeper += 2
	}
	for _, line := range wrap(text, max(columns-deeper, 20)) {
		b.WriteString(head + line + "\n")
		head = strings.Repeat(" ", deeper)
	}
}
