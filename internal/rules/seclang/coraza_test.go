package seclang

import (
	"testing"

	"github.com/corazawaf/coraza/v3"
)

// sample is text that Coraza is asked about too. Why says why we are right to answer differently; "" where both must agree.
type sample struct{ text, why string }

// TestLikeCoraza takes what Coraza takes and refuses what it refuses, but where the table says why not.
func TestLikeCoraza(t *testing.T) {
	for _, s := range append(sameSamples(), otherSamples()...) {
		theirs := corazaTakes(s.text)
		_, faults := ParseText(texts{}, "sample", s.text)
		switch {
		case s.why == "" && theirs && len(faults) > 0:
			t.Errorf("Coraza takes %q, we do not:\n%s", s.text, show(faults))
		case s.why == "" && !theirs && len(faults) == 0:
			t.Errorf("we take %q, Coraza does not", s.text)
		case s.why != "" && theirs == (len(faults) == 0):
			t.Errorf("%q: both answer %v, and the table says that they differ: %s", s.text, theirs, s.why)
		}
	}
}

// corazaTakes asks Coraza, whose parser panics on some texts: that is a refusal.
func corazaTakes(text string) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	_, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives(text))
	return err == nil
}

func sameSamples() []sample {
	same := []string{
		// Lines.
		"", "\n\n", "# only a comment", "SecRuleEngine On\r\nSecRuleEngine Off\r\n", "   SecRuleEngine On   ",
		"SecAction \\\n  \"id:1,\\\n  phase:1,\\\n  pass\"", "SecAction \\\n# a comment\n\n  \"id:1,pass\"", "# ends in a backslash \\\nSecRuleEngine On",
		"secruleengine on", "SECRULE args \"@rx a\" \"ID:1,PHASE:1\"", "Unknown a", "SecRuleEngines On", "SecDataset a `\nb\nc\n`", "SecDataset a `",
		"SecDataset a `\n b \n# c\n`\nSecRule ARGS \"@pmFromDataset a\" \"id:1\"", "# a ` b\nSecRuleEngine On",
		// Targets.
		`SecRule ARGS "a" "id:1"`, `SecRule ARGS|REQUEST_URI|&ARGS "a" "id:1"`,
		`SecRule ARGS|!ARGS:foo|REQUEST_COOKIES:/^x|y/|&TX:a|XML:/*|XML://@* "a" "id:1"`,
		`SecRule &REQUEST_COOKIES_NAMES:'/^(?:a|b)$/' "" "id:1"`, `SecRule &REQUEST_COOKIES_NAMES:'/.*/'|ARGS:/a|b/|XML:/*|ARGS "" "id:1"`,
		`SecRule ARGS:/a\/b/ "" "id:1"`, `SecRule ARGS:/a(/ "" "id:1"`, `SecRule REQUEST_URI:a "" "id:1"`, `SecRule NOTHING "" "id:1"`,
		`SecRule ARGS: "" "id:1"`,
		`SecRule REQUEST_URI|!REQUEST_COOKIES: "" "id:1"`, `SecRule ARGS:a.b-c[0] "" "id:1"`, `SecRule REQUEST_HEADERS:User-Agent "" "id:1"`,
		`SecRule | "a" "id:1"`,
		`SecRule JSON:a "" "id:1"`, `SecRule MULTIPART_PART_HEADERS:a|ENV:b|RULE:id|GEO:x|MATCHED_VARS:/^a/ "" "id:1"`,
		`SecRule ARGS_COMBINED_SIZE:a "" "id:1"`,
		`SecRule ARGS_PATH:/^path$/|RESPONSE_ARGS:b|FILES:/\.php$/|FILES_NAMES:x "" "id:1"`, `SecRule SESSIONID:a "" "id:1"`,
		// Operators.
		`SecRule ARGS "" "id:1"`, `SecRule ARGS "!" "id:1"`, `SecRule ARGS "!a" "id:1"`, `SecRule ARGS "!@rx a" "id:1"`, `SecRule ARGS "!@pm a b" "id:1"`,
		`SecRule ARGS "@unconditionalMatch" "id:1"`, `SecRule ARGS "@rx \"a\\" "id:1"`, `SecRule ARGS "@contains \"" "id:1"`,
		`SecRule ARGS "@nothing a" "id:1"`,
		`SecRule ARGS "@rx   a  " "id:1"`, `SecRule ARGS "@eq %{tx.a}" "id:1"`, `SecRule ARGS "@eq %{txx.a}" "id:1"`, `SecRule ARGS "@eq %{tx.a" "id:1"`,
		`SecRule ARGS "@within %{tx.a} %{REQUEST_URI}" "id:1"`, `SecRule ARGS "@streq %{TX.0}" "id:1"`, `SecRule ARGS "@rx %{nothing" "id:1"`,
		`SecRule ARGS`, `SecRule`,
		`SecRule ARGS "@rx a`, `SecRule ARGS "@detectSQLi" "id:1"`, `SecRule ARGS "@detectXSS" "id:1"`,
		`SecRule REMOTE_ADDR "@ipMatch 10.0.0.0/8,::1" "id:1"`,
		`SecRule ARGS "@validateByteRange 1-255" "id:1"`,
		// Actions.
		`SecAction "id:1,phase:1,pass,nolog"`, `SecAction id:1,phase:1,pass`, `SecAction "id:1, phase:1 , pass , msg:'a, b'"`,
		`SecAction "id:'1',phase:'2',pass"`,
		`SecAction "id:1,phase:request,pass"`, `SecAction "id:1,phase:logging,pass"`, `SecAction "id:1,phase:0,pass"`,
		`SecAction "id:1,phase:6,pass"`, `SecAction "id:x,pass"`,
		`SecAction "id:0,pass"`, `SecAction "id:1,pass,,log"`, `SecAction "id:1,pass,"`, `SecAction "id:1,what"`, `SecAction "id:1,deny:403"`,
		`SecAction "id:1,log:1"`,
		`SecAction "id:1,msg:"`, `SecAction "id:1,severity:2"`, `SecAction "id:1,severity:CRITICAL"`, `SecAction "id:1,severity:8"`,
		`SecAction "id:1,severity:x"`,
		`SecAction "id:1,maturity:9,accuracy:1"`, `SecAction "id:1,maturity:10"`, `SecAction "id:1,accuracy:0"`, `SecAction "id:1,status:403"`,
		`SecAction "id:1,status:x"`,
		`SecAction "id:1,skip:1"`, `SecAction "id:1,skip:0"`, `SecAction "id:1,allow"`, `SecAction "id:1,allow:phase"`,
		`SecAction "id:1,allow:request"`, `SecAction "id:1,allow:x"`,
		`SecAction "id:1,msg:'it\'s'"`, `SecAction "id:1,msg:'say \"a\"'"`, `SecAction "id:1,msg:'%{MATCHED_VAR} %{tx.a}'"`,
		`SecAction "id:1,msg:'%{nothing}'"`,
		`SecAction "id:1,logdata:'%{TX.0'"`, `SecAction "id:1,redirect:https://a.example/?b=c"`, `SecAction "id:1,redirect"`,
		`SecAction "id:1,setenv:a=b"`, `SecAction "id:1,setenv:a"`,
		`SecAction "id:1,setvar:tx.a=1"`, `SecAction "id:1,setvar:'tx.a=%{MATCHED_VAR}'"`, `SecAction "id:1,setvar:tx.a=+5"`,
		`SecAction "id:1,setvar:tx.a=-%{tx.b}"`,
		`SecAction "id:1,setvar:!tx.a"`, `SecAction "id:1,setvar:tx.a"`, `SecAction "id:1,setvar:a=1"`, `SecAction "id:1,setvar:tx.=1"`,
		`SecAction "id:1,setvar:args.a=1"`, `SecAction "id:1,setvar:tx.%{rule.id}-a=%{tx.0}"`,
		`SecAction "id:1,initcol:ip=%{REMOTE_ADDR}"`, `SecAction "id:1,initcol:ip"`, `SecAction "id:1,expirevar:ip.a=60"`,
		`SecAction "id:1,t:none,t:lowercase,capture,multiMatch"`,
		`SecAction "id:1,tag:'a/b',tag:c,rev:1,ver:'x/1'"`, `SecAction ""`, `SecAction`, `SecAction "id:1"` + "\n" + `SecAction "id:1"`,
		// ctl.
		`SecAction "id:1,ctl:ruleEngine=Off"`, `SecAction "id:1,ctl:ruleRemoveById=1"`, `SecAction "id:1,ctl:ruleRemoveById=1-99"`,
		`SecAction "id:1,ctl:nothing=1"`, `SecAction "id:1,ctl:ruleEngine"`,
		`SecAction "id:1,ctl:ruleRemoveTargetById=942100;ARGS:/^foo/"`, `SecAction "id:1,ctl:ruleRemoveTargetById=1;ARGS:/(/"`,
		`SecAction "id:1,ctl:ruleRemoveTargetById=1;ARGS://"`,
		`SecAction "id:1,ctl:ruleRemoveTargetByTag=a b;REQUEST_URI"`, `SecAction "id:1,ctl:ruleRemoveTargetByMsg=a b;ARGS:x"`,
		`SecAction "id:1,ctl:ruleRemoveByTag=a/b"`,
		`SecAction "id:1,ctl:auditEngine=Off,ctl:auditLogParts=+E,ctl:debugLogLevel=3,ctl:requestBodyAccess=on,ctl:responseBodyAccess=Off"`,
		`SecAction "id:1,ctl:requestBodyLimit=100,ctl:responseBodyLimit=100,ctl:requestBodyProcessor=JSON,ctl:responseBodyProcessor=xml"`,
		`SecAction "id:1,ctl:forceRequestBodyVariable=On,ctl:forceResponseBodyVariable=On"`,
		// Chains.
		"SecRule ARGS \"a\" \"id:1,deny,chain\"\nSecRule ARGS \"b\" \"chain\"\nSecRule ARGS \"c\"",
		"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule ARGS \"b\" \"deny\"",
		"SecRule ARGS \"a\" \"id:1,chain\"\nSecAction \"setvar:tx.a=1\"", "SecRule ARGS \"a\" \"id:1,chain\"\nSecAction \"block\"",
		// The other directives.
		`SecMarker END`, `SecMarker "BEGIN A"`, `SecMarker`, `SecComponentSignature "a/1"`, `SecComponentSignature a b`, `SecComponentSignature`,
		`SecRuleRemoveById 1 2-3 4`, `SecRuleRemoveById "1-5"`, `SecRuleRemoveById a`, `SecRuleRemoveById 5-1`, `SecRuleRemoveByTag "a b"`,
		`SecRuleRemoveByMsg a b`, `SecRuleRemoveByMsg`,
		"SecAction \"id:1\"\nSecRuleUpdateActionById 1 \"deny,log\"", "SecRule ARGS a \"id:1\"\nSecRuleUpdateTargetById 1",
		"SecRule ARGS \"a\" \"id:1,tag:x\"\nSecRuleUpdateTargetById 1 \"!ARGS:a\"\nSecRuleUpdateTargetByTag x \"!ARGS:/^tagged$/\"",
		`SecRuleUpdateTargetByMsg "a b" "!ARGS:c"`,
		"SecDefaultAction \"phase:1,log,deny,status:403\"\nSecAction \"id:1\"", "SecDefaultAction \"phase:1,log\"\nSecAction \"id:1\"",
		"SecDefaultAction \"log,pass\"\nSecAction \"id:1\"",
		"SecDefaultAction \"phase:1,pass,t:none\"\nSecAction \"id:1\"",
		"SecDefaultAction \"phase:1,pass\"\nSecDefaultAction \"phase:1,deny\"\nSecAction \"id:1\"",
		`Include nothing.conf`, `Include nothing-*.conf`, `SecWebAppId "a"`, `SecResponseBodyMimeType text/html text/xml`,
		`SecResponseBodyMimeTypesClear`, `SecUnicodeMap a 1`, `SecCookieFormat 0`,
		`SecArgumentSeparator "&"`, `SecTmpDir /tmp`, `SecPcreMatchLimit 1000`, `SecCollectionTimeout 600`, `SecRequestBodyLimit 100`,
		`SecArgumentsLimit 100`, `SecRxPreFilter On`,
	}
	out := make([]sample, 0, len(same))
	for _, text := range same {
		out = append(out, sample{text: text})
	}
	return out
}

func otherSamples() []sample {
	const value = "the value has no meaning: Coraza finds that out while it serves a request, or never"
	const promise = "it would do nothing: what is not understood is refused"
	return []sample{
		{"SecRuleEngine On\nSecAction \\", "a directive that the end of the file cuts off is dropped by Coraza without a word"},
		{"SecDataset a `b`", "a block in one line is complete"},
		{"SecRuleEngine\tOn", "a tab is a blank"},
		{`SecRule "ARGS:a b" "a" "id:1"`, "targets may stand in quotes, as in ModSecurity"},
		{`SecRule ARGS 'a' "id:1"`, "single quotes are quotes, as in ModSecurity"},
		{`SecRule ARGS a "id:1"`, "an operator without blanks needs no quotes, as in ModSecurity"},
		{`SecRule ARGS "a" id:1`, "actions without blanks need no quotes, as in ModSecurity"},
		{`SecRule ARGS:/abc "" "id:1"`, "the expression is not closed: Coraza reads /ab"},
		{`SecRule !&ARGS "" "id:1"`, "a target that is counted and excluded has no meaning"},
		{`SecRule ARGS "@containsWord a" "id:1"`, "Coraza lacks it, ModSecurity has it"},
		{`SecRule IP:a "@gt 1" "id:1"`, "Coraza lacks persistent collections"},
		{`SecAction "id:1,msg:'a"`, "the quote is not closed: Coraza warns and takes the rest of the rule for the message"},
		{`SecAction "id:1,msg:'a "b" c'"`, "a quote inside quotes is escaped: so it is in ModSecurity"},
		{`SecComponentSignature "a "b" c"`, "a quote inside quotes is escaped: so it is in ModSecurity"},
		{`SecRule ARGS "@DETECTsqli" "id:1"`, "names have any case everywhere else, and in ModSecurity"},
		{`SecAction "pass"`, "a rule without an id cannot be named in a record or an exclusion: ModSecurity refuses it"},
		{`SecAction "id:1,id:2"`, "a rule has one id"},
		{`SecAction "id:1,status:99"`, "no such status can be sent"},
		{`SecAction "id:1,skipAfter:NOWHERE"`, "all rules behind it would be skipped"},
		{`SecRule ARGS "a" "id:1,chain"`, "the chain has no second rule"},
		{"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule ARGS \"b\" \"id:2\"", "a rule of a chain has the id of the first: so it is in ModSecurity"},
		{"SecRule ARGS \"a\" \"id:1,chain\"\nSecRule ARGS \"b\" \"phase:1\"", "a rule of a chain runs when the first does: so it is in ModSecurity"},
		{"SecDefaultAction \"log\"", "Coraza looks at defaults only when a rule follows"},
		{`SecAction "id:1,setvar:tx.a="`, "an empty value is a value"},
		{`SecAction "id:1,setvar:ip.a=1"`, "Coraza lacks persistent collections"},
		{`SecAction "id:1,setvar:!tx.a=1"`, "what is removed has no value"},
		{`SecAction "id:1,msg:'%{REQUEST_URI.a}'"`, "there are no keys"},
		{`SecAction "id:1,msg:'%{tx:a}'"`, "ModSecurity takes the colon"},
		{`SecAction "id:1,initcol:x=1"`, "there is no such collection"},
		{`SecAction "id:1,expirevar:nothing"`, "Coraza does not look: it lacks it"},
		{`SecAction "id:1,setsid:%{REQUEST_COOKIES.sid},deprecatevar:session.a=60/300"`, "Coraza lacks it"},
		{`SecAction "id:1,exec:/bin/true"`, "Coraza takes no program: it runs none"},
		{`SecAction "id:1,ctl:ruleEngine=Maybe"`, value},
		{`SecAction "id:1,ctl:requestBodyLimit=x"`, value},
		{`SecAction "id:1,ctl:auditLogParts=+Q"`, value},
		{`SecAction "id:1,ctl:ruleRemoveById=9-1"`, value},
		{`SecAction "id:1,ctl:ruleRemoveTargetById=1"`, promise},
		{`SecAction "id:1,ctl:ruleRemoveTargetById=1;AGRS:a"`, promise},
		{`SecAction "id:1,ctl:hashEngine=On"`, promise},
		{`SecAction "id:1,ctl:RULEENGINE=On"`, "names have any case everywhere else"},
		{`SecAction "id:1,ctl:parseXmlIntoArgs=OnlyArgs"`, "Coraza lacks it, ModSecurity has it"},
		{`SecRuleUpdateTargetById 99 "!ARGS:a"`, "which rules there are is known when all are read: package compile says it"},
		{`SecAuditLogFormat nothing`, "what a gateway sets otherwise is refused by name, whatever its value"},
		{`SecXmlExternalEntity Off`, "Coraza lacks it, ModSecurity has it"},
	}
}
