package incident

import (
	"strings"
	"unicode"
)

// code writes commands as a block of Markdown that nothing in them can end.
func code(b *strings.Builder, lines string) {
	if lines == "" {
		return
	}
	b.WriteByte('\n')
	for line := range strings.Lines(lines) {
		b.WriteString("      " + clean(strings.TrimRight(line, "\r\n")) + "\n")
	}
	b.WriteByte('\n')
}

// clean is text on one line, without what steers a terminal or turns text.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
}

// md is clean text that Markdown leaves as it is: no emphasis, no link. What would become one by itself, a URL or the address of a mailbox,
// is put between backticks, where people can read it and nobody can click it.
func md(text string) string {
	words := strings.Split(clean(text), " ")
	for i, w := range words {
		if low := strings.ToLower(w); strings.Contains(low, "://") || strings.Contains(low, "www.") || strings.Contains(w, "@") {
			before, end := ending(w)
			start := strings.TrimLeft(before, `("'[`)
			words[i] = escaped(before[:len(before)-len(start)]) + "`" + strings.ReplaceAll(start, "`", "'") + "`" + escaped(end)
			continue
		}
		words[i] = escaped(w)
	}
	out := strings.Join(words, " ")
	if out != "" && strings.ContainsRune("#>+-=", rune(out[0])) {
		out = `\` + out
	}
	return out
}

// escaped is a word without what Markdown makes something of. An underscore within a word is none of that.
func escaped(word string) string {
	word = strings.NewReplacer(`\`, `\\`, "&", "&amp;", "<", "&lt;", "[", `\[`, "]", `\]`, "`", "'", "|", `\|`, "*", `\*`, "~", `\~`).Replace(word)
	inner := strings.Trim(word, "_")
	if inner == word || inner == "" && word == "" {
		return word
	}
	at := strings.Index(word, inner)
	return strings.ReplaceAll(word[:at], "_", `\_`) + inner + strings.ReplaceAll(word[at+len(inner):], "_", `\_`)
}
