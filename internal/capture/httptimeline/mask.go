package httptimeline

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/redact"
)

// place is where a string stands in Timeline.text: the strings of a head are masked into one buffer and are parts of one
// string in the end.
type place struct{ from, to int }

func (p place) of(text string) string { return text[p.from:p.to] }

func (t *Timeline) put(s string) place {
	from := len(t.text)
	t.text = append(t.text, s...)
	return place{from, len(t.text)}
}

// putTarget appends a request target, masked.
func (t *Timeline) putTarget(s string) place {
	if t.cfg.Unmask {
		return t.put(s)
	}
	from := len(t.text)
	t.text = t.mask.AppendTarget(t.text, s)
	return place{from, len(t.text)}
}

// putAuthority appends a host; a user name and password before it are masked.
func (t *Timeline) putAuthority(s string) place {
	from := len(t.text)
	if at := strings.LastIndexByte(s, '@'); at > 0 && !t.cfg.Unmask {
		t.text = redact.AppendMask(t.text, at)
		s = s[at:]
	}
	t.text = append(t.text, s...)
	return place{from, len(t.text)}
}

// putFields appends names and values, these masked as their names demand.
func (t *Timeline) putFields(fields []field) {
	t.places = t.places[:0]
	for i := range fields {
		f := &fields[i]
		name, from := t.put(f.name), len(t.text)
		switch {
		case t.cfg.Unmask:
			t.text = append(t.text, f.value...)
		case exchange.EqualFold(f.name, "Host"):
			t.putAuthority(f.value)
		default:
			t.text = t.mask.AppendHeader(t.text, f.name, f.value)
		}
		t.places = append(t.places, name, place{from, len(t.text)})
	}
}

// fieldsOf returns the fields that putFields appended, as parts of text.
func (t *Timeline) fieldsOf(text string) []fact.Field {
	out := make([]fact.Field, len(t.places)/2)
	for i := range out {
		out[i] = fact.Field{Name: t.places[2*i].of(text), Value: t.places[2*i+1].of(text)}
	}
	return out
}

// shown returns the fields of a trailer section as they may be shown.
func (t *Timeline) shown(fields []field) []fact.Field {
	t.text = trimmed(t.text)
	t.putFields(fields)
	return t.fieldsOf(string(t.text))
}

// line is what a head says before its fields.
type line struct {
	proto, method, scheme, authority, target, phrase string
	status                                           int
	stream                                           uint32
	length                                           int64
}

// headOf makes a head that may be shown.
func (t *Timeline) headOf(l line, fields []field) *fact.HTTPHead {
	t.text = trimmed(t.text)
	method, authority, target, phrase := t.put(l.method), t.putAuthority(l.authority), t.putTarget(l.target), t.put(l.phrase)
	t.putFields(fields)
	text := string(t.text)
	return &fact.HTTPHead{
		Stream: l.stream, Proto: l.proto, Method: method.of(text), Scheme: l.scheme, Authority: authority.of(text),
		Target: target.of(text), Status: l.status, Phrase: phrase.of(text), Fields: t.fieldsOf(text), Length: l.length,
	}
}
