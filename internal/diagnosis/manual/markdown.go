package manual

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

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

// prose is wrap for Markdown: no line but the first may begin as a list, a heading or a quotation does.
func prose(text string, n int) []string {
	lines := broken(unspanned(text), n)
	for i := 1; i < len(lines); i++ {
		word, _, _ := strings.Cut(lines[i], " ")
		switch number := strings.TrimRight(word, ".)"); {
		case word == "-" || word == "+" || word == "*" || strings.Trim(word, "#") == "" || strings.HasPrefix(word, ">"):
			lines[i] = `\` + lines[i]
		case len(word) == len(number)+1 && number != "" && strings.Trim(number, "0123456789") == "":
			lines[i] = number + `\` + lines[i][len(number):]
		}
	}
	return lines
}

// wrap breaks text at spaces into lines of at most n characters, but for longer words.
func wrap(text string, n int) []string { return broken(strings.Fields(text), n) }

// unspanned are the words of text, where a code span is part of one: commands are copied from the file as well.
func unspanned(text string) []string {
	code := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '`' {
			code = !code
		}
		return !code && unicode.IsSpace(r)
	})
}

// broken are words in lines of at most n characters, but for longer words.
func broken(words []string, n int) []string {
	var out []string
	line, used := "", 0
	for _, word := range words {
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
