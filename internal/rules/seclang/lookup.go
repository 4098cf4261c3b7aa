package seclang

import "strings"

// LookupVariable finds a variable by its name in any case. XML is REQUEST_XML, as in Coraza.
func LookupVariable(name string) (Variable, bool) {
	if strings.EqualFold(name, "XML") {
		return VarRequestXML, true
	}
	names := variableNames()
	i := find(names[:], name)
	return Variable(i), i > 0
}

// LookupOperator finds an operator by its name without @, in any case.
func LookupOperator(name string) (OperatorID, bool) {
	switch {
	case strings.EqualFold(name, "pmf"):
		return OpPmFromFile, true
	case strings.EqualFold(name, "ipMatchF"):
		return OpIpMatchFromFile, true
	}
	names := operatorNames()
	i := find(names[:], name)
	return OperatorID(i), i > 0
}

// LookupAction finds an action by its name in any case; sanitize… is sanitise….
func LookupAction(name string) (ActionID, bool) {
	if len(name) > 8 && strings.EqualFold(name[:8], "sanitize") {
		name = "sanitise" + name[8:]
	}
	names := actionNames()
	i := find(names[:], name)
	return ActionID(i), i > 0
}

// find returns the index of name in names, in any case, 0 without one. The tables are short and lengths differ: a walk costs less than
// building a map, and needs no state.
func find(names []string, name string) int {
	if name == "" {
		return 0
	}
	for i, n := range names {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return i
		}
	}
	return 0
}
