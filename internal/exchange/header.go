package exchange

import "strings"

// Field is one header or trailer field line, its name spelled as received (RFC 9110 section 5.1 makes names case-insensitive).
type Field struct {
	Name  string
	Value string
}

// Header is a field section in the order of arrival. Duplicate names stay apart, as rules must see them.
type Header []Field

// Get returns the value of the first field called name, or "".
func (h Header) Get(name string) string {
	for i := range h {
		if EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// Has reports whether a field called name is present.
func (h Header) Has(name string) bool {
	for i := range h {
		if EqualFold(h[i].Name, name) {
			return true
		}
	}
	return false
}

// Values returns every value of name in order; nil when there is none.
func (h Header) Values(name string) []string {
	var out []string
	for i := range h {
		if EqualFold(h[i].Name, name) {
			out = append(out, h[i].Value)
		}
	}
	return out
}

// Count returns how many fields are called name.
func (h Header) Count(name string) int {
	n := 0
	for i := range h {
		if EqualFold(h[i].Name, name) {
			n++
		}
	}
	return n
}

// HasToken reports whether the comma-separated list field name holds token (case-insensitive, RFC 9110 section 5.6.1).
func (h Header) HasToken(name, token string) bool {
	for i := range h {
		if !EqualFold(h[i].Name, name) {
			continue
		}
		for part := range strings.SplitSeq(h[i].Value, ",") {
			if EqualFold(strings.Trim(part, " \t"), token) {
				return true
			}
		}
	}
	return false
}

// Add appends one field.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Set replaces the first field called name in place, drops further ones, and appends when there was none.
func (h *Header) Set(name, value string) {
	for i := range *h {
		if EqualFold((*h)[i].Name, name) {
			(*h)[i].Value = value
			rest := (*h)[i+1:]
			kept := rest[:0]
			for _, f := range rest {
				if !EqualFold(f.Name, name) {
					kept = append(kept, f)
				}
			}
			*h = (*h)[:i+1+len(kept)]
			return
		}
	}
	h.Add(name, value)
}

// Del removes every field called name.
func (h *Header) Del(name string) {
	kept := (*h)[:0]
	for _, f := range *h {
		if !EqualFold(f.Name, name) {
			kept = append(kept, f)
		}
	}
	*h = kept
}

// Clone returns a copy that shares nothing with h.
func (h Header) Clone() Header {
	if h == nil {
		return nil
	}
	return append(Header(nil), h...)
}

// EqualFold compares two ASCII names without regard to case; unlike strings.EqualFold it never folds non-ASCII.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}
