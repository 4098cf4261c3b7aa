package incident

import (
	"regexp"
	"strconv"
	"strings"
)

// targets finds in sentences where requests went: a method and a path, or a URL. What is masked already has spaces in it.
type targets struct{ path, url *regexp.Regexp }

const toItsEnd = `(?:\[masked \d+ bytes\]|\S)*`

func newTargets() *targets {
	return &targets{path: regexp.MustCompile(`\b[A-Z][A-Z-]{2,30} /` + toItsEnd), url: regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://` + toItsEnd)}
}

// WithoutQueries is a sentence without the queries of what was asked for: "GET /x?a=b was sent" becomes "GET /x was sent".
func WithoutQueries(text string) string {
	if !strings.Contains(text, "?") {
		return text
	}
	asked := regexp.MustCompile(`(?:/|[A-Za-z][A-Za-z0-9+.-]*://)(?:\[masked \d+ bytes\]|[^\s?])*\?` + toItsEnd)
	return asked.ReplaceAllStringFunc(text, func(t string) string {
		t, end := ending(t)
		t, _, _ = strings.Cut(t, "?")
		return t + end
	})
}

// ending parts what ends a sentence from what stands before it.
func ending(text string) (before, end string) {
	before = strings.TrimRight(text, `.,;:)"'`)
	return before, text[len(before):]
}

// shortened is a sentence in which paths show no more than their first part.
func (t *targets) shortened(text string) string {
	text = t.url.ReplaceAllStringFunc(text, func(u string) string {
		u, end := ending(u)
		return short(u) + end
	})
	return t.path.ReplaceAllStringFunc(text, func(line string) string {
		line, end := ending(line)
		method, target, _ := strings.Cut(line, " ")
		return method + " " + short(target) + end
	})
}

// short is a request target or URL that shows the first part of its path, where that looks like nobody's data, and the length of the rest.
func short(target string) string {
	origin, rest := "", target
	if at := strings.Index(target, "://"); at > 0 && !strings.ContainsAny(target[:at], "/?#") {
		end := len(target)
		if i := strings.IndexAny(target[at+3:], "/?#"); i >= 0 {
			end = at + 3 + i
		}
		origin, rest = target[:end], target[end:]
		if user := strings.LastIndexByte(origin, '@'); user >= 0 {
			origin = origin[:at+3] + masked(origin[at+3:user]) + origin[user:]
		}
	}
	path, query, asked := strings.Cut(rest, "?")
	out := origin + shortPath(path)
	if asked {
		out += "?" + masked(query)
	}
	return out
}

func shortPath(path string) string {
	if path == "" || path == "*" {
		return path
	}
	from, ok := strings.CutPrefix(path, "/")
	if !ok {
		return masked(path)
	}
	first, rest, more := strings.Cut(from, "/")
	if !harmless(first) {
		first = masked(first)
	}
	out := "/" + first
	if more {
		out += "/" + masked(rest)
	}
	return out
}

// harmless reports whether a part of a path is a short word with few digits.
func harmless(part string) bool {
	const most, mostDigits = 24, 4
	digits := 0
	for i := range len(part) {
		switch c := part[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte("-_.", c) >= 0:
		default:
			return false
		}
	}
	return len(part) <= most && digits <= mostDigits
}

// masked is what stands for a text; for one that is masked already, or empty, itself.
func masked(text string) string {
	if text == "" || isMask(text) {
		return text
	}
	return "[masked " + strconv.Itoa(len(text)) + " bytes]"
}

// isMask reports whether text is what masked makes, and nothing else.
func isMask(text string) bool {
	rest, begins := strings.CutPrefix(text, "[masked ")
	n, ends := strings.CutSuffix(rest, " bytes]")
	_, err := strconv.ParseUint(n, 10, 32)
	return begins && ends && err == nil
}
