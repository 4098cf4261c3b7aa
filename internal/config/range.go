package config

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// mistyped says why n cannot be what f wants before its text is looked at.
func mistyped(n *node, f *field) *problem {
	if n.form == empty {
		return wrong("", "has no value")
	}
	if n.form == mapping || n.form == sequence {
		return wrong("", "must be %s, not %s", wanted(f), n.what())
	}
	switch f.kind.types[0] {
	case "boolean":
		if n.form != boolean {
			return wrong(boolHint(n.text), "must be true or false, not %s", n.what())
		}
		return nil
	case "integer":
		if n.form == words && !slices.Contains(f.kind.types, "string") {
			hint := ""
			if isNumber(n.text) {
				hint = "leave the quotes out"
			}
			return wrong(hint, "must be a number, not %s", n.what())
		}
		return nil
	}
	if n.form == words || f.kind.name == "duration" || f.kind.name == "size" {
		return nil
	}
	return unquoted(n, f)
}

// unquoted is about a number or boolean where text is wanted.
func unquoted(n *node, f *field) *problem {
	if n.form == boolean {
		return wrong("", "must be %s, not %s", wanted(f), n.what())
	}
	if f.kind.name == "address" {
		return wrong(`write ":`+n.text+`" for every address of the machine`, "must be host:port, not %s", n.what())
	}
	version := f.kind.name == "version" || slices.Contains(f.enum, "1.1")
	if !version {
		return wrong(`quote it: "`+n.text+`"`, "must be %s, not %s", wanted(f), n.what())
	}
	text := n.text
	if f.kind.name == "version" && !strings.Contains(text, ".") {
		text += ".0"
	}
	return wrong(`write "`+text+`": YAML reads a version without quotes as a number, in which 1.0 is 1`,
		"must be a version in quotes, not %s", n.what())
}

// wanted names what f takes, with its article.
func wanted(f *field) string {
	switch f.kind.name {
	case "enum":
		return alternatives(f.enum)
	case "bool":
		return "true or false"
	case "int":
		return "a number"
	case "text":
		return "text"
	case "address":
		return "an address"
	case "log target":
		return "a file, stdout, stderr or off"
	case "status":
		return "a status or a range of them"
	case "hash_key":
		return f.kind.form
	case "url":
		return "a URL"
	}
	return "a " + f.kind.name
}

func boolHint(s string) string {
	switch strings.ToLower(s) {
	case "yes", "on", "y", "1", "true", "enabled":
		return "write true"
	case "no", "off", "n", "0", "false", "disabled":
		return "write false"
	}
	return ""
}

// outside says why a well-formed text is not one that f takes.
func outside(text string, f *field) *problem {
	if len(f.enum) > 0 && !slices.Contains(f.enum, text) {
		return wrong(nearest(text, f.enum), "must be %s, not %s", alternatives(f.enum), quote(text))
	}
	if f.shape == byStatus || f.shape == list { // there the range is of keys, or of how many
		return nil
	}
	if f.kind.order == nil {
		if least, _ := strconv.Atoi(f.min); utf8.RuneCountInString(text) < least {
			return wrong("", "must have at least %d characters", least)
		}
		return nil
	}
	v, _ := f.kind.order(text)
	least, bounded := f.kind.order(f.min)
	if most, ok := f.kind.order(f.max); ok && v > most || bounded && v < least {
		return wrong("", "must be %s, not %s", f.span(), text)
	}
	return nil
}

// span is the range of f in words, "" when it has none.
func (f *field) span() string {
	least := f.min
	if least == "" && f.kind != nil && f.kind.name == "duration" {
		least = "0s"
	}
	switch {
	case least != "" && f.max != "":
		return "from " + least + " to " + f.max
	case least != "":
		return "at least " + least
	}
	return ""
}

func alternatives(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
