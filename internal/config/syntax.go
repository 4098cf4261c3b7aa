package config

import (
	"strings"

	"github.com/goccy/go-yaml"
)

// syntaxHint says what is mostly behind a fault of the YAML library. It knows the faults by their words, because they
// have nothing else; with other words there would be no hint, which a test would tell.
func syntaxHint(fault *yaml.SyntaxError) string {
	message, text := firstLine(fault.Message), ""
	if t := fault.Token; t != nil {
		text = strings.TrimSpace(firstLine(t.Value))
		if strings.ContainsRune(t.Origin, '\t') {
			return "indent with spaces, YAML takes no tabs"
		}
	}
	for _, h := range []struct{ begin, hint string }{
		{"unexpected key name", colonHint(text)},
		{"non-map value is specified", colonHint(text)},
		{"value is not allowed in this context", "keys of one mapping start in the same column, and so do the dashes of one list; a space follows a dash"},
		{"mapping value is not allowed in this context", "one key on a line; the next line is indented too far, or a mapping must begin on a line of its own: keys of one mapping start in the same column"},
		{"block sequence entries are not allowed", "the list begins on the line below its key"},
		{"',' or ", "a bracket, a brace or a quote that was opened above is not closed"},
		{"could not find flow mapping end token", "close the brace"},
		{"sequence end token", "close the bracket"},
		{"could not find end character of", "close the quote"},
		{"unexpected scalar value type", "a value that begins with * & ! @ or % stands in quotes"},
		{"undefined alias name", "a value that begins with * stands in quotes"},
		{"'@' is a reserved character", "put the value into quotes"},
		{"'`' is a reserved character", "put the value into quotes"},
	} {
		if strings.HasPrefix(message, h.begin) {
			return h.hint
		}
	}
	return ""
}

// colonHint is about a line that should be a key and its value.
func colonHint(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if key, _, found := strings.Cut(word, ":"); found && key != "" {
		return "a space after the colon of " + key + "?"
	}
	if word == "" || len(word) > 40 {
		return "a key is followed by a colon and a space"
	}
	return "a colon after " + word + "?"
}
