package seclang

import (
	"strconv"
	"strings"
)

// Collection is the value of an action that is about a collection that outlives the request, or about one of its variables.
type Collection struct {
	Variable Variable
	Key      Macro // initcol: of the record; expirevar and deprecatevar: of the variable
	Amount   Macro // expirevar: seconds; deprecatevar: how much less
	Every    int   // deprecatevar: per so many seconds
}

// ParseInitcol reads collection=key. Errors are *SyntaxError.
func ParseInitcol(value string) (Collection, error) { return collectionOf(initcol(value)) }

// ParseExpirevar reads collection.key=seconds. Errors are *SyntaxError.
func ParseExpirevar(value string) (Collection, error) { return collectionOf(expirevar(value)) }

// ParseDeprecatevar reads collection.key=amount/seconds. Errors are *SyntaxError.
func ParseDeprecatevar(value string) (Collection, error) { return collectionOf(deprecatevar(value)) }

func collectionOf(c Collection, err *SyntaxError) (Collection, error) {
	if err != nil {
		return Collection{}, err
	}
	return c, nil
}

func initcol(value string) (c Collection, err *SyntaxError) {
	name, key, ok := strings.Cut(value, "=")
	v, known := LookupVariable(strings.TrimSpace(name))
	switch {
	case !ok || key == "":
		return c, &SyntaxError{Text: "initcol takes a collection and a key, not " + quote(value), Hint: "write initcol:ip=%{REMOTE_ADDR}"}
	case !known || !v.Persistent():
		return c, &SyntaxError{Text: "initcol cannot open " + quote(name), Hint: "collections are IP, GLOBAL, SESSION, USER and RESOURCE"}
	}
	c.Variable = v
	c.Key, err = macro(key)
	return c, err.shifted(len(name) + 1)
}

func expirevar(value string) (c Collection, err *SyntaxError) {
	name, amount, ok := cutAssign(value)
	c.Variable, c.Key, err = keyOf("expirevar", name, 0)
	if !ok {
		return c, err.also(&SyntaxError{Offset: len(name), Text: "expirevar says no time", Hint: "write expirevar:" + name + "=60, in seconds"})
	}
	wrong := checkAmount("expirevar")(amount)
	if wrong == nil {
		c.Amount, wrong = macro(amount)
	}
	return c, err.also(wrong.shifted(len(name) + 1))
}

func deprecatevar(value string) (c Collection, err *SyntaxError) {
	name, rate, _ := cutAssign(value)
	c.Variable, c.Key, err = keyOf("deprecatevar", name, 0)
	amount, seconds, ok := strings.Cut(rate, "/")
	every, bad := strconv.Atoi(seconds)
	if !ok || bad != nil || every < 1 {
		return c, err.also(&SyntaxError{
			Offset: len(name), Text: "deprecatevar takes an amount and a time in seconds, not " + quote(rate), Hint: "write deprecatevar:" + name + "=60/300",
		})
	}
	c.Every = every
	wrong := checkAmount("deprecatevar")(amount)
	if wrong == nil {
		c.Amount, wrong = macro(amount)
	}
	return c, err.also(wrong.shifted(len(name) + 1))
}

// checkAmount takes a number that is not negative, or macros.
func checkAmount(what string) func(string) *SyntaxError {
	return func(value string) *SyntaxError {
		m, err := macro(value)
		if err != nil {
			return err
		}
		if text, fixed := m.Constant(); fixed {
			if n, err := strconv.Atoi(text); err != nil || n < 0 {
				return &SyntaxError{Text: what + " takes a number, not " + quote(value)}
			}
		}
		return nil
	}
}

func checkInitcol(value string) *SyntaxError {
	_, err := initcol(value)
	return err
}

func checkExpirevar(value string) *SyntaxError {
	_, err := expirevar(value)
	return err
}

func checkDeprecatevar(value string) *SyntaxError {
	_, err := deprecatevar(value)
	return err
}

func checkSetenv(value string) *SyntaxError {
	name, text, ok := cutAssign(value)
	if strings.HasPrefix(value, "!") && len(value) > 1 {
		return nil
	}
	if !ok || name == "" || text == "" {
		return &SyntaxError{Text: "setenv takes name=value, not " + quote(value)}
	}
	_, err := macro(text)
	return err.shifted(len(name) + 1)
}

func checkXmlns(value string) *SyntaxError {
	if prefix, uri, ok := strings.Cut(value, "="); !ok || prefix == "" || uri == "" {
		return &SyntaxError{Text: "xmlns takes prefix=address, not " + quote(value)}
	}
	return nil
}
