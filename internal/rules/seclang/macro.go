package seclang

import "strings"

// Macro is a text with variables in it, such as "score %{TX.anomaly_score}".
type Macro []Part

// Part is a piece of a Macro: a literal, where Variable is VarNone, or the value of a variable.
type Part struct {
	Literal  string   // the text; of a variable what stands between the braces, as written
	Variable Variable // VarNone for a literal
	Key      string   // "" for none; in lower case unless keys of Variable are told apart by case
}

// Constant returns the text of a macro without variables.
func (m Macro) Constant() (string, bool) {
	switch {
	case len(m) == 0:
		return "", true
	case len(m) == 1 && m[0].Variable == VarNone:
		return m[0].Literal, true
	}
	return "", false
}

// ParseMacro reads text with %{VAR}, %{VAR.key} and %{VAR:key} in it; names may have any case. A variable that is not known, or
// a brace that is not closed, is a *SyntaxError. An empty text gives an empty Macro.
func ParseMacro(text string) (Macro, error) {
	m, err := macro(text)
	if err != nil {
		return nil, err
	}
	return m, nil
}

func macro(text string) (Macro, *SyntaxError) {
	var m Macro
	var wrong *SyntaxError
	for at := 0; at < len(text); {
		open := strings.Index(text[at:], "%{")
		if open < 0 {
			m = append(m, Part{Literal: text[at:]})
			break
		}
		if open > 0 {
			m = append(m, Part{Literal: text[at : at+open]})
		}
		at += open
		end := strings.IndexByte(text[at:], '}')
		if end < 0 {
			return nil, wrong.also(&SyntaxError{Offset: at, Text: "%{ is not closed", Hint: "write } behind the name"})
		}
		p, err := variablePart(text[at+2:at+end], at+2)
		wrong = wrong.also(err)
		m = append(m, p)
		at += end + 1
	}
	if wrong != nil {
		return nil, wrong
	}
	return m, nil
}

// variablePart reads what stands between the braces; offset is where in the text it begins.
func variablePart(inner string, offset int) (Part, *SyntaxError) {
	name, key, keyed := inner, "", false
	if i := strings.IndexAny(inner, ".:"); i >= 0 {
		name, key, keyed = inner[:i], inner[i+1:], true
	}
	v, ok := LookupVariable(name)
	switch {
	case name == "":
		return Part{}, &SyntaxError{Offset: offset, Text: "%{} names no variable"}
	case !ok:
		names := variableNames()
		return Part{}, &SyntaxError{Offset: offset, Text: "unknown variable " + quote(name) + " in a macro", Hint: didYouMean(name, "", names[:])}
	case keyed && key == "":
		return Part{}, &SyntaxError{Offset: offset, Text: quote("%{"+inner+"}") + " has an empty key"}
	case keyed && !v.Collection():
		return Part{}, &SyntaxError{Offset: offset + len(name) + 1, Text: v.String() + " has no keys", Hint: "write %{" + name + "}"}
	}
	if !v.CaseSensitive() {
		key = strings.ToLower(key)
	}
	return Part{Literal: inner, Variable: v, Key: key}, nil
}
