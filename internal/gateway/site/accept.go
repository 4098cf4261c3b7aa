package site

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// format is what an answer that we make up is written in.
type format uint8

const (
	formatAny format = iota // the client does not care
	formatHTML
	formatJSON
	formatProblem // JSON as RFC 9457 calls it
	formatText
)

// maxAccept bounds how many bytes of each Accept field are looked at.
const maxAccept = 1024

// negotiate returns the format that the client likes best (RFC 9110 section 12.5.1): highest q, then what it named most
// exactly, then HTML before JSON before text.
func negotiate(h exchange.Header) format {
	best, bestQ, bestExact := formatAny, 0, 0
	for want := formatHTML; want <= formatText; want++ {
		if q, exact := quality(h, want.mediaType()); exact > 0 && (q > bestQ || q == bestQ && q > 0 && exact > bestExact) {
			best, bestQ, bestExact = want, q, exact
		}
	}
	return best
}

func (f format) mediaType() string {
	switch f {
	case formatHTML:
		return "text/html"
	case formatJSON:
		return "application/json"
	case formatProblem:
		return "application/problem+json"
	}
	return "text/plain"
}

// quality returns how much the client wants a media type, in thousandths, and how exactly it said so: 2 by name, 1 by
// type/*, 0 by */* or not at all.
func quality(h exchange.Header, media string) (q, exact int) {
	kind, _, _ := strings.Cut(media, "/")
	for i := range h {
		if !exchange.EqualFold(h[i].Name, "Accept") {
			continue
		}
		for item := range strings.SplitSeq(h[i].Value[:min(len(h[i].Value), maxAccept)], ",") {
			name, params, _ := strings.Cut(item, ";")
			name = strings.Trim(name, " \t")
			match := 0
			switch {
			case exchange.EqualFold(name, media):
				match = 2
			case len(name) == len(kind)+2 && strings.HasSuffix(name, "/*") && exchange.EqualFold(name[:len(kind)], kind):
				match = 1
			}
			if match > exact {
				q, exact = weight(params), match
			}
		}
	}
	return q, exact
}

// weight reads the q parameter in thousandths; what is none counts as 1.
func weight(params string) int {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.Trim(p, " \t"), "=")
		if !exchange.EqualFold(name, "q") {
			continue
		}
		whole, part, _ := strings.Cut(strings.Trim(value, " \t"), ".")
		if whole != "0" {
			return 1000
		}
		n := 0
		for i := range 3 {
			n *= 10
			if i < len(part) && part[i] >= '0' && part[i] <= '9' {
				n += int(part[i] - '0')
			}
		}
		return n
	}
	return 1000
}
