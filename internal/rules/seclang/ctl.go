package seclang

import (
	"strconv"
	"strings"
)

// CtlOption is what a ctl action changes for one request.
type CtlOption uint8

// The options of ctl.
const (
	CtlNone CtlOption = iota
	CtlAuditEngine
	CtlAuditLogParts
	CtlDebugLogLevel
	CtlForceRequestBodyVariable
	CtlForceResponseBodyVariable
	CtlParseXMLIntoArgs
	CtlRequestBodyAccess
	CtlRequestBodyLimit
	CtlRequestBodyProcessor
	CtlResponseBodyAccess
	CtlResponseBodyLimit
	CtlResponseBodyProcessor
	CtlRuleEngine
	CtlRuleRemoveByID
	CtlRuleRemoveByTag
	CtlRuleRemoveByMsg
	CtlRuleRemoveTargetByID
	CtlRuleRemoveTargetByTag
	CtlRuleRemoveTargetByMsg
	CtlOptions // how many there are
)

func ctlNames() [CtlOptions]string {
	return [CtlOptions]string{
		CtlAuditEngine:               "auditEngine",
		CtlAuditLogParts:             "auditLogParts",
		CtlDebugLogLevel:             "debugLogLevel",
		CtlForceRequestBodyVariable:  "forceRequestBodyVariable",
		CtlForceResponseBodyVariable: "forceResponseBodyVariable",
		CtlParseXMLIntoArgs:          "parseXmlIntoArgs",
		CtlRequestBodyAccess:         "requestBodyAccess",
		CtlRequestBodyLimit:          "requestBodyLimit",
		CtlRequestBodyProcessor:      "requestBodyProcessor",
		CtlResponseBodyAccess:        "responseBodyAccess",
		CtlResponseBodyLimit:         "responseBodyLimit",
		CtlResponseBodyProcessor:     "responseBodyProcessor",
		CtlRuleEngine:                "ruleEngine",
		CtlRuleRemoveByID:            "ruleRemoveById",
		CtlRuleRemoveByTag:           "ruleRemoveByTag",
		CtlRuleRemoveByMsg:           "ruleRemoveByMsg",
		CtlRuleRemoveTargetByID:      "ruleRemoveTargetById",
		CtlRuleRemoveTargetByTag:     "ruleRemoveTargetByTag",
		CtlRuleRemoveTargetByMsg:     "ruleRemoveTargetByMsg",
	}
}

// String is the option's name in rules.
func (o CtlOption) String() string { return ctlNames()[o] }

// Mode is the setting of an engine or a switch.
type Mode uint8

// The modes. DetectionOnly is of ruleEngine, RelevantOnly of auditEngine, OnlyArgs of parseXmlIntoArgs.
const (
	ModeOff Mode = iota
	ModeOn
	ModeDetectionOnly
	ModeRelevantOnly
	ModeOnlyArgs
)

// Ctl is the value of a ctl action. Which fields it fills is said behind each.
type Ctl struct {
	Option  CtlOption
	Mode    Mode      // engines, …Access, force…Variable, parseXmlIntoArgs
	Number  int64     // …BodyLimit, in bytes, positive; debugLogLevel, 0 to 9
	Text    string    // …BodyProcessor in upper case, auditLogParts with its sign; the tag or message of rule…ByTag and rule…ByMsg
	IDs     []IDRange // rule…ById
	Targets []Target  // ruleRemoveTarget…; none excludes or counts
}

// ParseCtl reads the value of a ctl action: option=value. Which processors there are is not known here. Errors are *SyntaxError.
func ParseCtl(value string) (Ctl, error) {
	c, err := ctl(value)
	if err != nil {
		return Ctl{}, err
	}
	return c, nil
}

func ctl(value string) (Ctl, *SyntaxError) {
	name, val, ok := strings.Cut(value, "=")
	names := ctlNames()
	c := Ctl{Option: CtlOption(find(names[:], strings.TrimSpace(name)))}
	switch {
	case strings.EqualFold(name, "hashEngine"), strings.EqualFold(name, "hashEnforcement"):
		return c, &SyntaxError{Text: "ctl:" + name + " is not supported: no engine but ModSecurity 2 signs links", Hint: "take it out"}
	case c.Option == CtlNone:
		return c, &SyntaxError{Text: "unknown option of ctl " + quote(name), Hint: didYouMean(name, "", names[:])}
	case !ok || strings.TrimSpace(val) == "":
		return c, &SyntaxError{Text: "ctl:" + c.Option.String() + " needs a value", Hint: "write ctl:" + c.Option.String() + "=…"}
	}
	return c, c.fill(strings.TrimSpace(val)).shifted(len(name) + 1)
}

// fill reads val, the value of c.Option.
func (c *Ctl) fill(val string) *SyntaxError {
	switch c.Option {
	case CtlRuleEngine:
		return c.mode(val, "On", "Off", "DetectionOnly")
	case CtlAuditEngine:
		return c.mode(val, "On", "Off", "RelevantOnly")
	case CtlParseXMLIntoArgs:
		return c.mode(val, "On", "Off", "OnlyArgs")
	case CtlRequestBodyAccess, CtlResponseBodyAccess, CtlForceRequestBodyVariable, CtlForceResponseBodyVariable:
		return c.mode(val, "On", "Off")
	case CtlRequestBodyLimit, CtlResponseBodyLimit:
		return c.number(val, 1, 1<<40)
	case CtlDebugLogLevel:
		return c.number(val, 0, 9)
	case CtlRequestBodyProcessor, CtlResponseBodyProcessor:
		c.Text = strings.ToUpper(val)
		if strings.ContainsAny(val, " \t,;%") {
			return &SyntaxError{Text: quote(val) + " is no name of a body processor"}
		}
	case CtlAuditLogParts:
		return c.parts(val)
	case CtlRuleRemoveByID:
		return c.ids(val)
	case CtlRuleRemoveByTag, CtlRuleRemoveByMsg:
		c.Text = val
	case CtlRuleRemoveTargetByID, CtlRuleRemoveTargetByTag, CtlRuleRemoveTargetByMsg:
		return c.targets(val)
	}
	return nil
}

func (c *Ctl) mode(val string, words ...string) *SyntaxError {
	modes := map[string]Mode{
		"On": ModeOn, "Off": ModeOff, "DetectionOnly": ModeDetectionOnly, "RelevantOnly": ModeRelevantOnly, "OnlyArgs": ModeOnlyArgs,
	}
	for _, w := range words {
		if strings.EqualFold(w, val) {
			c.Mode = modes[w]
			return nil
		}
	}
	return &SyntaxError{Text: "ctl:" + c.Option.String() + " takes " + oneOf(words) + ", not " + quote(val)}
}

func (c *Ctl) number(val string, least, most int64) *SyntaxError {
	n, err := strconv.ParseInt(val, 10, 64)
	if err != nil || n < least || n > most {
		bounds := strconv.FormatInt(least, 10) + " to " + strconv.FormatInt(most, 10)
		return &SyntaxError{Text: "ctl:" + c.Option.String() + " takes a number from " + bounds + ", not " + quote(val)}
	}
	c.Number = n
	return nil
}

// parts reads the letters of SecAuditLogParts, with a sign where they come on top of, or go from, what is set.
func (c *Ctl) parts(val string) *SyntaxError {
	c.Text = strings.ToUpper(val)
	letters := strings.TrimLeft(c.Text, "+-")
	signed := len(c.Text) - len(letters)
	switch {
	case letters == "" || signed > 1 || strings.Trim(letters, "ABCDEFGHIJKZ") != "":
		return &SyntaxError{Text: quote(val) + " are no parts of an audit log", Hint: "write letters from A to K, or some with + or - before them"}
	case signed == 1 && strings.ContainsAny(letters, "AZ"):
		return &SyntaxError{Text: "parts A and Z of an audit log are always there", Hint: "take them out"}
	case signed == 0 && (letters[0] != 'A' || letters[len(letters)-1] != 'Z'):
		return &SyntaxError{Text: "parts of an audit log begin with A and end with Z, not " + quote(val)}
	}
	return nil
}

func (c *Ctl) ids(val string) *SyntaxError {
	var err *SyntaxError
	c.IDs, err = idRanges(val)
	return err
}

// targets reads which;TARGET|TARGET.
func (c *Ctl) targets(val string) *SyntaxError {
	which, list, ok := strings.Cut(val, ";")
	if !ok || strings.TrimSpace(list) == "" {
		return &SyntaxError{
			Offset: len(which), Text: "ctl:" + c.Option.String() + " names no target", Hint: "write a semicolon and a target, such as ;ARGS:name",
		}
	}
	var wrong *SyntaxError
	if c.Option == CtlRuleRemoveTargetByID {
		wrong = c.ids(which)
	} else if c.Text = which; which == "" {
		return &SyntaxError{Text: "ctl:" + c.Option.String() + " does not say of which rules"}
	}
	l := newLine(Position{Line: 1, Column: 1}, list)
	r := targetReader{line: l, at: len(list) - len(strings.TrimLeft(list, " ")), end: len(strings.TrimRight(list, " "))}
	c.Targets = r.read()
	for _, f := range r.faults {
		wrong = wrong.also(&SyntaxError{Offset: len(which) + 1 + f.at, Text: f.text, Hint: f.hint})
	}
	for _, t := range c.Targets {
		if t.Exclude || t.Count {
			wrong = wrong.also(&SyntaxError{Offset: len(which) + t.Column, Text: "a target of ctl stands without ! and &: it is taken out in any case"})
		}
	}
	return wrong
}

// oneOf writes "a, b or c".
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
