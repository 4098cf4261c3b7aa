package config

import "strings"

// mappingHint says how n is written where the mapping o is meant.
func (o *object) mappingHint(d *decoder, n *node) string {
	if word, _, more := strings.Cut(n.text, " "); n.form == words && more && o.field(word) != nil {
		return "a colon after " + word + "?"
	}
	if s := o.around(d, n); s != "" {
		return "write " + s
	}
	return "its keys are " + strings.Join(o.keys(), ", ")
}

// listHint says how n is written where a list of f is meant.
func (f *field) listHint(d *decoder, n *node) string {
	switch {
	case n.form == mapping:
		return "begin each item with a dash"
	case f.object == nil:
		return "write [" + quote(n.text) + "]"
	}
	if s := f.object.around(d, n); s != "" {
		return "write [" + s + "]"
	}
	return "write one item a line, each after a dash, with the keys " + strings.Join(f.object.keys(), ", ")
}

// around is the mapping o with n as the value of its first key, where that may have been meant; else "".
func (o *object) around(d *decoder, n *node) string {
	f := &o.fields[0]
	if n.form != words && n.form != number || f.kind == nil || f.kind.name == "duration" || f.kind.name == "host name" {
		return ""
	}
	text := n.text
	if f.kind.name == "address" && isNumber(text) {
		text = ":" + text
	}
	if _, p := f.kind.parse(d, text); p != nil || outside(text, f) != nil {
		return ""
	}
	if f.kind.types[0] != "integer" {
		text = quote(text)
	}
	if f.shape == list {
		text = "[" + text + "]"
	}
	for _, other := range o.fields[1:] {
		if other.need {
			text += ", " + other.key + ": …"
		}
	}
	return "{" + f.key + ": " + text + "}"
}
