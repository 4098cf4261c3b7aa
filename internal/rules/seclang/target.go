package seclang

import (
	"errors"
	"regexp/syntax"
	"strings"
)

// maxTargets is how many targets a rule may have.
const maxTargets = 1000

// ParseTargets reads a list of targets, such as ARGS|!ARGS:foo|&TX:a, which begins at a place: the argument of SecRuleUpdateTargetById
// and its like. Faults name the column as if the text stood there in one line.
func ParseTargets(at Position, text string) ([]Target, []Fault) {
	l := newLine(at, text)
	r := targetReader{line: l, end: len(text)}
	targets := r.read()
	return targets, l.faults(r.faults)
}

// targetReader reads targets from line.text[at:end].
type targetReader struct {
	line    *line
	at, end int
	quote   byte // around the whole list
	cut     bool // a key is not closed: nobody knows where the list ends
	faults  []problem
}

func (r *targetReader) fault(at int, text, hint string) {
	r.faults = append(r.faults, problem{at, text, hint})
}

func (r *targetReader) read() []Target {
	var out []Target
	for {
		if len(out) == maxTargets {
			r.fault(r.at, "more than 1000 targets", "split the rule")
			return out
		}
		if t, ok := r.one(); ok {
			out = append(out, t)
		}
		if r.at >= r.end {
			return out
		}
		r.at++ // the | behind it
	}
}

// one reads a target and stops at the | behind it, or at the end.
func (r *targetReader) one() (Target, bool) {
	start := r.at
	t := Target{Position: r.line.at(start)}
	text := r.line.text
	for ; r.at < r.end && (text[r.at] == '!' || text[r.at] == '&'); r.at++ {
		if text[r.at] == '!' {
			t.Exclude = true
		} else {
			t.Count = true
		}
	}
	name := r.at
	for r.at < r.end && text[r.at] != ':' && text[r.at] != '|' {
		r.at++
	}
	ok := r.variable(&t, name, text[name:r.at])
	if name-start > 1 {
		r.fault(start, quote(text[start:name])+" before "+text[name:r.at]+": a target takes one ! or one &", "")
		ok = false
	}
	if r.at < r.end && text[r.at] == ':' {
		r.at++
		ok = r.selector(&t, ok) && ok
	}
	return t, ok
}

func (r *targetReader) variable(t *Target, at int, name string) bool {
	v, ok := LookupVariable(name)
	switch {
	case name == "":
		r.fault(at, "a variable is missing", "write one, or take the | away")
		return false
	case !ok:
		names := variableNames()
		r.fault(at, "unknown variable "+quote(name), didYouMean(name, "", names[:]))
		return false
	}
	t.Variable = v
	return true
}

// selector reads what stands behind the colon. Where the variable is not known it only finds the end.
func (r *targetReader) selector(t *Target, known bool) bool {
	at := r.at
	raw, kind, ok := r.rawSelector(t.Variable.path())
	switch {
	case !known || !ok:
		return false
	case !t.Variable.Collection():
		r.fault(at, t.Variable.String()+" has no keys: nothing can stand behind a colon", "write "+t.Variable.String())
		return false
	case raw == "":
		r.fault(at, "a key is missing behind "+t.Variable.String()+":", "write one, or take the colon away")
		return false
	}
	t.Selector, t.Regexp = raw, kind == '/'
	if !t.Regexp {
		return true
	}
	if _, err := syntax.Parse(t.Selector, syntax.Perl); err != nil {
		r.fault(at, "regular expression "+quote(t.Selector)+" does not compile: "+reason(err), "")
		return false
	}
	return true
}

// rawSelector reads a selector: '…' may hold any byte; /…/ is a regular expression; anything else ends at |. Kind is '/' for an expression.
func (r *targetReader) rawSelector(path bool) (raw string, kind byte, ok bool) {
	text, at := r.line.text, r.at
	if at < r.end && text[at] == '\'' {
		return r.quotedSelector(path)
	}
	if path || at == r.end || text[at] != '/' {
		for r.at < r.end && text[r.at] != '|' {
			r.at++
		}
		return r.unquote(text[at:r.at]), 0, true
	}
	end := closing(text[:r.end], at, '/')
	if end < 0 {
		r.at = r.end
		r.cut = true
		r.fault(at, "regular expression is not closed", "write / behind it; a key that begins with / stands in single quotes")
		return "", 0, false
	}
	r.at = end + 1
	return unescape(r.unquote(text[at+1:end]), '/'), '/', r.ends(at)
}

func (r *targetReader) quotedSelector(path bool) (raw string, kind byte, ok bool) {
	text, at := r.line.text, r.at
	end := closing(text[:r.end], at, '\'')
	if end < 0 {
		r.at = r.end
		r.cut = true
		r.fault(at, "quote is not closed", "write ' behind the key")
		return "", 0, false
	}
	r.at = end + 1
	inner := r.unquote(unescape(text[at+1:end], '\''))
	if !path && len(inner) > 1 && inner[0] == '/' && inner[len(inner)-1] == '/' {
		return unescape(inner[1:len(inner)-1], '/'), '/', r.ends(at)
	}
	return inner, 0, r.ends(at)
}

// ends reports whether the target is over behind what began at offset at, and goes to its end.
func (r *targetReader) ends(at int) bool {
	if r.at == r.end || r.line.text[r.at] == '|' {
		return true
	}
	r.fault(r.at, quote(r.line.text[r.at:min(r.at+10, r.end)])+" behind a key: only | can follow", "a / inside the expression is written \\/")
	for r.at < r.end && r.line.text[r.at] != '|' {
		r.at++
	}
	return false
}

// unquote takes away the escapes of the quotes around the list.
func (r *targetReader) unquote(s string) string {
	if r.quote == 0 {
		return s
	}
	return unescape(s, r.quote)
}

// closing returns where the delimiter that opens at offset closes, -1 where it does not. A backslash escapes.
func closing(text string, offset int, delimiter byte) int {
	for i := offset + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case delimiter:
			return i
		}
	}
	return -1
}

// reason is the sentence of an error of a regular expression, without the expression.
func reason(err error) string {
	var e *syntax.Error
	if errors.As(err, &e) {
		return strings.ReplaceAll(e.Code.String(), "invalid or unsupported", "unsupported") + " " + quote(e.Expr)
	}
	return err.Error()
}
