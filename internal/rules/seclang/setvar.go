package seclang

import (
	"strconv"
	"strings"
)

// SetvarOp is what setvar does to a variable.
type SetvarOp uint8

// The operations of setvar.
const (
	SetvarSet      SetvarOp = iota // tx.a=b; tx.a alone sets "1"
	SetvarAdd                      // tx.a=+b
	SetvarSubtract                 // tx.a=-b
	SetvarRemove                   // !tx.a
)

// Setvar is the value of a setvar action.
type Setvar struct {
	Collection Variable // TX or a collection that outlives the request
	Key        Macro
	Op         SetvarOp
	Value      Macro // without the sign of SetvarAdd and SetvarSubtract; empty for SetvarRemove
}

// ParseSetvar reads the value of a setvar action. A sign makes a sum only where a number or a macro follows, or nothing, which counts as 0;
// any other value with a sign is text, as in Coraza. Errors are *SyntaxError.
func ParseSetvar(value string) (Setvar, error) {
	s, err := setvar(value)
	if err != nil {
		return Setvar{}, err
	}
	return s, nil
}

func setvar(value string) (Setvar, *SyntaxError) {
	var s Setvar
	text, at := value, 0
	if strings.HasPrefix(text, "!") {
		s.Op, text, at = SetvarRemove, text[1:], 1
	}
	name, val, assigned := cutAssign(text)
	var wrong, err *SyntaxError
	s.Collection, s.Key, wrong = keyOf("setvar", name, at)
	if s.Op == SetvarRemove {
		if assigned && wrong == nil {
			return s, &SyntaxError{Offset: at + len(name), Text: "setvar with ! removes and takes no value", Hint: "write setvar:!" + name}
		}
		return s, wrong
	}
	if !assigned {
		s.Value = Macro{{Literal: "1"}}
		return s, wrong
	}
	at += len(name) + 1
	if val != "" && (val[0] == '+' || val[0] == '-') && isAmount(val[1:]) {
		s.Op = SetvarAdd
		if val[0] == '-' {
			s.Op = SetvarSubtract
		}
		val, at = val[1:], at+1
	}
	s.Value, err = macro(val)
	return s, wrong.also(err.shifted(at))
}

// isAmount reports whether text can be added: nothing, a number, or what macros will give.
func isAmount(text string) bool {
	if text == "" || strings.Contains(text, "%{") {
		return true
	}
	_, err := strconv.Atoi(text)
	return err == nil
}

// cutAssign cuts text at the = that stands outside macros.
func cutAssign(text string) (name, value string, assigned bool) {
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '%' && i+1 < len(text) && text[i+1] == '{':
			inside = true
		case text[i] == '}':
			inside = false
		case text[i] == '=' && !inside:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// keyOf reads collection.key, which begins at offset in the value of the action called what.
func keyOf(what, name string, offset int) (Variable, Macro, *SyntaxError) {
	collection, key, ok := strings.Cut(name, ".")
	v, known := LookupVariable(collection)
	switch {
	case !ok && strings.Contains(name, ":"):
		return 0, nil, &SyntaxError{
			Offset: offset, Text: what + " takes a name such as tx.score, not " + quote(name), Hint: "write a dot instead of the colon",
		}
	case !ok && known && (v == VarTX || v.Persistent()):
		return 0, nil, &SyntaxError{Offset: offset, Text: what + " names no key of " + v.String(), Hint: "write a name such as tx.score"}
	case !ok:
		return 0, nil, &SyntaxError{Offset: offset, Text: what + " takes a name such as tx.score, not " + quote(name)}
	case !known || v != VarTX && !v.Persistent():
		return 0, nil, &SyntaxError{
			Offset: offset, Text: what + " cannot write to " + quote(collection),
			Hint: "collections that can be written are TX, IP, GLOBAL, SESSION, USER and RESOURCE",
		}
	case strings.TrimSpace(key) == "":
		return 0, nil, &SyntaxError{Offset: offset + len(collection), Text: what + " names no key of " + v.String(), Hint: "write a name such as tx.score"}
	}
	m, err := macro(key)
	return v, m, err.shifted(offset + len(collection) + 1)
}
