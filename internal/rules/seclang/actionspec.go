package seclang

import (
	"strconv"
	"strings"
	"sync"
)

// actionGroup is what an action is for.
type actionGroup uint8

const (
	groupOther      actionGroup = iota
	groupMeta                   // says what the rule is; not inherited
	groupDisruptive             // decides on the request
	groupFlow                   // decides which rule comes next
)

// needs says whether an action takes a value.
type needs uint8

const (
	noValue needs = iota
	aValue
	mayValue
)

// actionSpec is what can be said of an action without the rest of the rule.
type actionSpec struct {
	needs needs
	group actionGroup
	check func(value string) *SyntaxError // nil for any text
}

// actionSpecs is built once: it is asked about each action of each rule, more than once.
var actionSpecs = sync.OnceValue(func() *[Actions]actionSpec {
	return &[Actions]actionSpec{
		ActId:                     {aValue, groupMeta, checkID},
		ActPhase:                  {aValue, groupMeta, checkPhase},
		ActMsg:                    {aValue, groupMeta, checkMacro},
		ActLogdata:                {aValue, groupOther, checkMacro},
		ActSeverity:               {aValue, groupMeta, checkSeverity},
		ActTag:                    {aValue, groupMeta, nil},
		ActRev:                    {aValue, groupMeta, nil},
		ActVer:                    {aValue, groupMeta, nil},
		ActMaturity:               {aValue, groupMeta, numberFrom("maturity", 1, 9)},
		ActAccuracy:               {aValue, groupMeta, numberFrom("accuracy", 1, 9)},
		ActStatus:                 {aValue, groupOther, numberFrom("status", 100, 599)},
		ActPass:                   {noValue, groupDisruptive, nil},
		ActBlock:                  {noValue, groupDisruptive, nil},
		ActDeny:                   {noValue, groupDisruptive, nil},
		ActDrop:                   {noValue, groupDisruptive, nil},
		ActAllow:                  {mayValue, groupDisruptive, checkAllow},
		ActRedirect:               {aValue, groupDisruptive, checkMacro},
		ActProxy:                  {aValue, groupDisruptive, checkMacro},
		ActLog:                    {noValue, groupOther, nil},
		ActNolog:                  {noValue, groupOther, nil},
		ActAuditlog:               {noValue, groupOther, nil},
		ActNoauditlog:             {noValue, groupOther, nil},
		ActCapture:                {noValue, groupOther, nil},
		ActMultiMatch:             {noValue, groupOther, nil},
		ActChain:                  {noValue, groupFlow, nil},
		ActSkip:                   {aValue, groupFlow, numberFrom("skip", 1, 1_000_000)},
		ActSkipAfter:              {aValue, groupFlow, nil},
		ActT:                      {aValue, groupOther, nil},
		ActCtl:                    {aValue, groupOther, checkCtl},
		ActSetvar:                 {aValue, groupOther, checkSetvar},
		ActSetenv:                 {aValue, groupOther, checkSetenv},
		ActExpirevar:              {aValue, groupOther, checkExpirevar},
		ActDeprecatevar:           {aValue, groupOther, checkDeprecatevar},
		ActInitcol:                {aValue, groupOther, checkInitcol},
		ActSetsid:                 {aValue, groupOther, checkMacro},
		ActSetuid:                 {aValue, groupOther, checkMacro},
		ActSetrsc:                 {aValue, groupOther, checkMacro},
		ActExec:                   {mayValue, groupOther, nil},
		ActSanitiseArg:            {aValue, groupOther, nil},
		ActSanitiseMatched:        {noValue, groupOther, nil},
		ActSanitiseMatchedBytes:   {mayValue, groupOther, nil},
		ActSanitiseRequestHeader:  {aValue, groupOther, nil},
		ActSanitiseResponseHeader: {aValue, groupOther, nil},
		ActAppend:                 {aValue, groupOther, checkMacro},
		ActPrepend:                {aValue, groupOther, checkMacro},
		ActPause:                  {aValue, groupOther, checkAmount("pause")},
		ActXmlns:                  {aValue, groupOther, checkXmlns},
	}
})

// Disruptive reports whether a decides on the request: pass, block, deny, drop, allow, redirect and proxy.
func (a ActionID) Disruptive() bool { return actionSpecs()[a].group == groupDisruptive }

// Metadata reports whether a says what the rule is, and is never inherited from SecDefaultAction.
func (a ActionID) Metadata() bool { return actionSpecs()[a].group == groupMeta }

// starterOnly reports whether only the first rule of a chain may carry a.
func (a ActionID) starterOnly() bool {
	return a == ActId || a == ActPhase || a == ActSkip || a == ActSkipAfter || a.Disruptive()
}

func checkID(value string) *SyntaxError {
	if _, ok := ruleID(value); !ok {
		return &SyntaxError{Text: "id takes a positive number, not " + quote(value)}
	}
	return nil
}

// ParsePhase reads the value of a phase action: 1 to 5, request, response or logging; 0 is none of them.
func ParsePhase(value string) int {
	switch strings.ToLower(value) {
	case "1", "2", "3", "4", "5":
		return int(value[0] - '0')
	case "request":
		return 2
	case "response":
		return 4
	case "logging":
		return 5
	}
	return 0
}

func checkPhase(value string) *SyntaxError {
	if ParsePhase(value) == 0 {
		return &SyntaxError{Text: "phase takes 1 to 5, request, response or logging, not " + quote(value)}
	}
	return nil
}

// ParseSeverity reads the value of a severity action: 0 (emergency) to 7 (debug), or the name; -1 is none of them.
func ParseSeverity(value string) int {
	if len(value) == 1 && value[0] >= '0' && value[0] <= '7' {
		return int(value[0] - '0')
	}
	for i, name := range severities() {
		if strings.EqualFold(name, value) {
			return i
		}
	}
	return -1
}

func severities() []string {
	return []string{"EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"}
}

func checkSeverity(value string) *SyntaxError {
	if ParseSeverity(value) >= 0 {
		return nil
	}
	hint := didYouMean(value, "", severities())
	if hint == "" {
		hint = "severities are " + oneOf(severities()) + ", or 0 to 7"
	}
	return &SyntaxError{Text: "unknown severity " + quote(value), Hint: hint}
}

func numberFrom(name string, least, most int) func(string) *SyntaxError {
	return func(value string) *SyntaxError {
		if n, err := strconv.Atoi(value); err != nil || n < least || n > most {
			return &SyntaxError{Text: name + " takes a number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most) + ", not " + quote(value)}
		}
		return nil
	}
}

func checkMacro(value string) *SyntaxError {
	_, err := macro(value)
	return err
}

func checkAllow(value string) *SyntaxError {
	if value == "" || strings.EqualFold(value, "phase") || strings.EqualFold(value, "request") {
		return nil
	}
	return &SyntaxError{Text: "allow takes phase, request or no value, not " + quote(value)}
}

func checkCtl(value string) *SyntaxError {
	_, err := ctl(value)
	return err
}

func checkSetvar(value string) *SyntaxError {
	_, err := setvar(value)
	return err
}
