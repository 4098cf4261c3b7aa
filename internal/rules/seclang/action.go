package seclang

import "strings"

// maxActions is how many actions a rule may have.
const maxActions = 1000

// ParseActions reads a list of actions, such as id:1,phase:2,msg:'a, b', which begins at a place: the argument of SecDefaultAction and
// SecRuleUpdateActionById. Faults name the column as if the text stood there in one line.
func ParseActions(at Position, text string) ([]Action, []Fault) {
	l := newLine(at, text)
	r := actionReader{line: l, end: len(text)}
	actions := r.read()
	return actions, l.faults(r.faults)
}

// actionReader reads actions from line.text[at:end].
type actionReader struct {
	line    *line
	at, end int
	quote   byte       // around the whole list
	places  []int      // offset of each action that was read
	missing []ActionID // that were meant, but have faults
	cut     bool       // a quote is not closed: what stands behind it is lost
	faults  []problem
}

func (r *actionReader) fault(at int, text, hint string) {
	r.faults = append(r.faults, problem{at, text, hint})
}

func (r *actionReader) read() []Action {
	out := make([]Action, 0, 1+strings.Count(r.line.text[r.at:r.end], ","))
	if strings.TrimSpace(r.line.text[r.at:r.end]) == "" {
		return out[:0:0]
	}
	for {
		if len(out) == maxActions {
			r.fault(r.at, "more than 1000 actions", "split the rule")
			r.cut = true
			return out
		}
		end, more := r.element()
		if a, ok := r.action(r.at, end); ok {
			out = append(out, a)
		}
		if !more {
			return out
		}
		r.at = end + 1
	}
}

// element finds the end of the action that begins at r.at: the next comma outside single quotes.
func (r *actionReader) element() (end int, more bool) {
	text, opened := r.line.text, -1
	for i := r.at; i < r.end; i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '\'' && opened < 0:
			opened = i
		case c == '\'':
			opened = -1
		case c == ',' && opened < 0:
			return i, true
		}
	}
	if opened >= 0 {
		r.fault(opened, "quote is not closed", "write ' behind the value; a quote inside is written \\'")
		r.cut = true
	}
	return r.end, false
}

// action reads the action that stands from one offset to another.
func (r *actionReader) action(from, to int) (Action, bool) {
	from, to = r.trim(from, to)
	text := r.line.text[from:to]
	if text == "" {
		r.fault(from, "an action is missing", "take one comma away")
		return Action{}, false
	}
	name, valueAt, given := text, to, false
	if i := strings.IndexByte(text, ':'); i >= 0 {
		name, valueAt, given = strings.TrimRight(text[:i], " \t\n"), from+i+1, true
	}
	id, ok := LookupAction(name)
	if !ok {
		near, hint := nearestAction(name)
		if near != ActNone {
			r.missing = append(r.missing, near)
			hint = "did you mean " + hint + "?"
		}
		r.fault(from, "unknown action "+quote(name), hint)
		return Action{}, false
	}
	valueAt, to = r.trim(valueAt, to)
	if n := to - valueAt; n >= 2 && (r.line.text[valueAt] == '\'' || r.line.text[valueAt] == '"') && r.line.text[to-1] == r.line.text[valueAt] {
		valueAt, to = valueAt+1, to-1
	}
	a := Action{Position: r.line.at(from), ID: id, Value: r.value(r.line.text[valueAt:to])}
	if !r.check(a, from, valueAt, to, given) {
		r.missing = append(r.missing, id)
		return Action{}, false
	}
	r.places = append(r.places, from)
	return a, true
}

// value takes away the escapes of quotes: those around the value and those around the list.
func (r *actionReader) value(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return unescape(unescape(s, '\''), '"')
}

func (r *actionReader) check(a Action, from, valueAt, to int, given bool) bool {
	spec := actionSpecs()[a.ID]
	switch {
	case spec.needs == aValue && a.Value == "":
		r.fault(from, a.ID.String()+" needs a value", "write "+a.ID.String()+":…")
		return false
	case spec.needs == noValue && given:
		r.fault(valueAt, a.ID.String()+" takes no value", "write "+a.ID.String())
		return false
	case spec.check == nil:
		return true
	}
	wrong := spec.check(a.Value)
	for err := wrong; err != nil; err = err.Next {
		r.fault(min(valueAt+err.Offset, max(valueAt, to-1)), err.Text, err.Hint)
	}
	return wrong == nil
}

func (r *actionReader) trim(from, to int) (int, int) {
	for from < to && blank(r.line.text[from]) {
		from++
	}
	for to > from && blank(r.line.text[to-1]) {
		to--
	}
	return from, to
}
