package httptimeline

import (
	"strconv"
	"strings"
)

// field is one field line as it was read.
type field struct{ name, value string }

// rawHead is a head as a tolerant recipient reads it: lines may end with LF alone, folded lines are joined, whitespace around
// names is dropped, lines without a colon are passed over. Strings are parts of the one that was parsed.
type rawHead struct {
	method, target, version, phrase string
	status                          int
	fields                          []field
	omitted                         int // fields beyond maxFields
	folds                           int
	lengths                         lengths
	coding                          coding
	host, upgrade                   string
	expect, deflate                 bool
	closes, upgrades                bool // options of Connection
}

// lengths is what Content-Length says.
type lengths struct {
	seen, several   bool
	n               int64 // the first valid one, -1 when there is none
	differ, invalid bool
}

// coding is what Transfer-Encoding says.
type coding struct {
	seen    bool // of something else than identity
	chunked bool // chunked is the last
}

// maxFolds bounds the work of joining: each fold copies what was folded before.
const maxFolds = 100

// lineEnd returns the index of the line's end and of the next line; b holds a whole head.
func lineEnd(b string) (end, next int) {
	lf := strings.IndexByte(b, '\n')
	if lf < 0 {
		return len(b), len(b)
	}
	end = lf
	for end > 0 && b[end-1] == '\r' {
		end--
	}
	return end, lf + 1
}

// parse reads the head in b, its empty line included. It returns false where the first line is none.
func (r *rawHead) parse(b string, response bool) bool {
	*r = rawHead{fields: r.fields[:0], lengths: lengths{n: -1}}
	end, next := lineEnd(b)
	ok := false
	if response {
		ok = r.statusLine(b[:end])
	} else {
		ok = r.requestLine(b[:end])
	}
	if ok {
		r.lines(b[next:])
	}
	return ok
}

// requestLine reads "GET /path HTTP/1.1"; a target may hold spaces, a version may be missing.
func (r *rawHead) requestLine(line string) bool {
	line = strings.TrimRight(line, " \t")
	sp := strings.IndexAny(line, " \t")
	if sp <= 0 {
		return false
	}
	for i := range sp {
		if c := line[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	r.method = line[:sp]
	rest := strings.TrimLeft(line[sp:], " \t")
	if last := strings.LastIndexAny(rest, " \t"); last >= 0 && strings.HasPrefix(rest[last+1:], "HTTP/") {
		r.version = rest[last+1:]
		rest = strings.TrimRight(rest[:last], " \t")
	}
	r.target = rest
	return len(rest) > 0
}

// statusLine reads "HTTP/1.1 200 OK".
func (r *rawHead) statusLine(line string) bool {
	version, rest, _ := strings.Cut(line, " ")
	if !strings.HasPrefix(version, "HTTP/") {
		return false
	}
	rest = strings.TrimLeft(rest, " ")
	digits, phrase, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(digits[:min(len(digits), 4)])
	if err != nil || status < 0 || len(digits) > 3 {
		status = 0
	}
	r.version, r.status, r.phrase = version, status, phrase
	return true
}

// lines reads field lines up to the empty one.
func (r *rawHead) lines(b string) {
	for len(b) > 0 {
		end, next := lineEnd(b)
		line := b[:end]
		b = b[next:]
		if len(line) == 0 {
			return
		}
		if line[0] == ' ' || line[0] == '\t' {
			r.fold(line)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		f := field{strings.Trim(name, " \t"), strings.Trim(value, " \t")}
		if len(f.name) == 0 {
			continue
		}
		if len(r.fields) == maxFields {
			r.omitted++
			continue
		}
		r.fields = append(r.fields, f)
	}
}

// fold joins a folded line to the field before it (RFC 9112 section 5.2).
func (r *rawHead) fold(line string) {
	if r.folds++; len(r.fields) == 0 || r.folds > maxFolds {
		return
	}
	f := &r.fields[len(r.fields)-1]
	f.value += " " + strings.Trim(line, " \t")
}
