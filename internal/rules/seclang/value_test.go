package seclang

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMacro(t *testing.T) {
	tests := []struct {
		text string
		want Macro
		err  *SyntaxError
	}{
		{"", nil, nil},
		{"plain 100% {}", Macro{{Literal: "plain 100% {}"}}, nil},
		{"%{TX.A}", Macro{{Literal: "TX.A", Variable: VarTX, Key: "a"}}, nil},
		{"a%{tx.1}b%{MATCHED_VAR}", Macro{
			{Literal: "a"}, {Literal: "tx.1", Variable: VarTX, Key: "1"}, {Literal: "b"}, {Literal: "MATCHED_VAR", Variable: VarMatchedVar},
		}, nil},
		{"%{ARGS.Foo.Bar}", Macro{{Literal: "ARGS.Foo.Bar", Variable: VarArgs, Key: "Foo.Bar"}}, nil},
		{"%{request_headers:User-Agent}", Macro{{Literal: "request_headers:User-Agent", Variable: VarRequestHeaders, Key: "user-agent"}}, nil},
		{"%{XML}", Macro{{Literal: "XML", Variable: VarRequestXML}}, nil},
		{"ab%{tx.a", nil, &SyntaxError{Offset: 2, Text: "%{ is not closed", Hint: "write } behind the name"}},
		{"ab%{tz.a}", nil, &SyntaxError{Offset: 4, Text: `unknown variable "tz" in a macro`}},
		{"%{MATCHED_VAL}", nil, &SyntaxError{Offset: 2, Text: `unknown variable "MATCHED_VAL" in a macro`, Hint: "did you mean MATCHED_VAR?"}},
		{"%{}", nil, &SyntaxError{Offset: 2, Text: "%{} names no variable"}},
		{"%{tx.}", nil, &SyntaxError{Offset: 2, Text: `"%{tx.}" has an empty key`}},
		{"%{REQUEST_URI.a}", nil, &SyntaxError{Offset: 14, Text: "REQUEST_URI has no keys", Hint: "write %{REQUEST_URI}"}},
	}
	for _, test := range tests {
		got, err := macro(test.text)
		if test.err != nil && test.err.Hint == "" && err != nil {
			err.Hint = "" // the nearest word is not the matter here
		}
		if diff := cmp.Diff(test.want, got) + cmp.Diff(test.err, err); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
	if text, ok := (Macro{{Literal: "a"}}).Constant(); text != "a" || !ok {
		t.Error("a literal is not constant")
	}
	if _, ok := (Macro{{Literal: "tx", Variable: VarTX}}).Constant(); ok {
		t.Error("a variable is constant")
	}
}

func TestParseSetvar(t *testing.T) {
	lit := func(s string) Macro { return Macro{{Literal: s}} }
	score := Macro{{Literal: "tx.b", Variable: VarTX, Key: "b"}}
	tests := []struct {
		text string
		want Setvar
	}{
		{"tx.a=1", Setvar{VarTX, lit("a"), SetvarSet, lit("1")}},
		{"TX.A=b=c", Setvar{VarTX, lit("A"), SetvarSet, lit("b=c")}},
		{"tx.a", Setvar{VarTX, lit("a"), SetvarSet, lit("1")}},
		{"tx.a=", Setvar{VarTX, lit("a"), SetvarSet, nil}},
		{"!tx.a", Setvar{VarTX, lit("a"), SetvarRemove, nil}},
		{"tx.a=+5", Setvar{VarTX, lit("a"), SetvarAdd, lit("5")}},
		{"tx.a=-%{tx.b}", Setvar{VarTX, lit("a"), SetvarSubtract, score}},
		{"tx.a=+", Setvar{VarTX, lit("a"), SetvarAdd, nil}},
		{"tx.a=+b", Setvar{VarTX, lit("a"), SetvarSet, lit("+b")}},
		{"tx.a=-b-", Setvar{VarTX, lit("a"), SetvarSet, lit("-b-")}},
		{"tx.a-%{tx.b}-c=%{tx.b}", Setvar{VarTX, Macro{{Literal: "a-"}, score[0], {Literal: "-c"}}, SetvarSet, score}},
		{"ip.hits=+1", Setvar{VarIP, lit("hits"), SetvarAdd, lit("1")}},
		{"session.a.b=c", Setvar{VarSession, lit("a.b"), SetvarSet, lit("c")}},
	}
	for _, test := range tests {
		got, err := ParseSetvar(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestParseCtl(t *testing.T) {
	id := []IDRange{{1, 1}}
	tests := []struct {
		text string
		want Ctl
	}{
		{"ruleEngine=DetectionOnly", Ctl{Option: CtlRuleEngine, Mode: ModeDetectionOnly}},
		{"RULEENGINE=off", Ctl{Option: CtlRuleEngine}},
		{"auditEngine=RelevantOnly", Ctl{Option: CtlAuditEngine, Mode: ModeRelevantOnly}},
		{"auditLogParts=+ef", Ctl{Option: CtlAuditLogParts, Text: "+EF"}},
		{"auditLogParts=ABIJZ", Ctl{Option: CtlAuditLogParts, Text: "ABIJZ"}},
		{"debugLogLevel=9", Ctl{Option: CtlDebugLogLevel, Number: 9}},
		{"forceRequestBodyVariable=On", Ctl{Option: CtlForceRequestBodyVariable, Mode: ModeOn}},
		{"forceResponseBodyVariable=Off", Ctl{Option: CtlForceResponseBodyVariable}},
		{"parseXmlIntoArgs=OnlyArgs", Ctl{Option: CtlParseXMLIntoArgs, Mode: ModeOnlyArgs}},
		{"requestBodyAccess=On", Ctl{Option: CtlRequestBodyAccess, Mode: ModeOn}},
		{"requestBodyLimit=131072", Ctl{Option: CtlRequestBodyLimit, Number: 131072}},
		{"requestBodyProcessor=json", Ctl{Option: CtlRequestBodyProcessor, Text: "JSON"}},
		{"responseBodyAccess=On", Ctl{Option: CtlResponseBodyAccess, Mode: ModeOn}},
		{"responseBodyLimit=1", Ctl{Option: CtlResponseBodyLimit, Number: 1}},
		{"responseBodyProcessor=XML", Ctl{Option: CtlResponseBodyProcessor, Text: "XML"}},
		{"ruleRemoveById=1", Ctl{Option: CtlRuleRemoveByID, IDs: id}},
		{"ruleRemoveById=1-99", Ctl{Option: CtlRuleRemoveByID, IDs: []IDRange{{1, 99}}}},
		{"ruleRemoveByTag=OWASP_CRS", Ctl{Option: CtlRuleRemoveByTag, Text: "OWASP_CRS"}},
		{"ruleRemoveByMsg=a b", Ctl{Option: CtlRuleRemoveByMsg, Text: "a b"}},
		{"ruleRemoveTargetById=1;ARGS", Ctl{Option: CtlRuleRemoveTargetByID, IDs: id, Targets: []Target{{Variable: VarArgs}}}},
		{"ruleRemoveTargetById=1;ARGS:/^foo;b/", Ctl{Option: CtlRuleRemoveTargetByID, IDs: id, Targets: []Target{
			{Variable: VarArgs, Selector: "^foo;b", Regexp: true},
		}}},
		{"ruleRemoveTargetByTag=a/b;ARGS:x|TX:y", Ctl{Option: CtlRuleRemoveTargetByTag, Text: "a/b", Targets: []Target{
			{Variable: VarArgs, Selector: "x"}, {Variable: VarTX, Selector: "y"},
		}}},
		{"ruleRemoveTargetByMsg=a b; XML:/*", Ctl{Option: CtlRuleRemoveTargetByMsg, Text: "a b", Targets: []Target{
			{Variable: VarRequestXML, Selector: "/*"},
		}}},
	}
	seen := map[CtlOption]bool{}
	for _, test := range tests {
		got, err := ParseCtl(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got, places()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
		seen[test.want.Option] = true
	}
	for o := CtlNone + 1; o < CtlOptions; o++ {
		if !seen[o] || o.String() == "" {
			t.Errorf("no sample of ctl option %d %s", o, o)
		}
	}
}

func TestDirectiveID(t *testing.T) {
	list, faults := ParseText(nil, "a", "SecAction id:5\nSecRule ARGS a \"t:none,id:'7',chain\"\nSecRule ARGS b t:none\nSecMarker 9\n")
	if len(faults) > 0 {
		t.Fatal(show(faults))
	}
	var got []int
	for _, d := range list {
		got = append(got, d.ID())
	}
	if diff := cmp.Diff([]int{5, 7, 0, 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseIDs(t *testing.T) {
	tests := []struct {
		text string
		want []IDRange
		err  string
	}{
		{"1-5 7", []IDRange{{1, 5}, {7, 7}}, ""},
		{"1,2-3, 4", []IDRange{{1, 1}, {2, 3}, {4, 4}}, ""},
		{"", nil, "no id is given"},
		{" , ", nil, "no id is given"},
		{"5-1", nil, `range "5-1" ends before it begins: write an id, such as 942100, or a range, such as 942100-942199`},
		{"-1", nil, `"-1" is no id of a rule: write an id, such as 942100, or a range, such as 942100-942199`},
		{"+1", nil, `"+1" is no id of a rule: write an id, such as 942100, or a range, such as 942100-942199`},
		{"1 0", nil, `"0" is no id of a rule: write an id, such as 942100, or a range, such as 942100-942199`},
		{"99999999999999999999", nil, `"99999999999999999999" is no id of a rule: write an id, such as 942100, or a range, such as 942100-942199`},
	}
	for _, test := range tests {
		got, err := ParseIDs(test.text)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if diff := cmp.Diff(test.want, got) + cmp.Diff(test.err, text); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
	if r := (IDRange{2, 4}); r.Has(1) || !r.Has(2) || !r.Has(4) || r.Has(5) {
		t.Error("bounds of a range are not part of it")
	}
}

func TestParseCollections(t *testing.T) {
	lit := func(s string) Macro { return Macro{{Literal: s}} }
	address := Macro{{Literal: "REMOTE_ADDR", Variable: VarRemoteAddr}}
	tests := []struct {
		read func(string) (Collection, error)
		text string
		want Collection
	}{
		{ParseInitcol, "ip=%{REMOTE_ADDR}", Collection{Variable: VarIP, Key: address}},
		{ParseInitcol, "GLOBAL=global", Collection{Variable: VarGlobal, Key: lit("global")}},
		{ParseExpirevar, "session.a=3600", Collection{Variable: VarSession, Key: lit("a"), Amount: lit("3600")}},
		{ParseExpirevar, "ip.a=%{REMOTE_ADDR}", Collection{Variable: VarIP, Key: lit("a"), Amount: address}},
		{ParseDeprecatevar, "ip.hits=60/300", Collection{Variable: VarIP, Key: lit("hits"), Amount: lit("60"), Every: 300}},
	}
	for _, test := range tests {
		got, err := test.read(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, diff)
		}
	}
}
