package transaction_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// TestSameAsCoraza runs small files of rules in both engines and compares which rules matched, in their order, the final TX
// variables, and how the exchange ended.
func TestSameAsCoraza(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		name, rules string
		x           *exchange.Exchange
		body        string
	}{
		{"order of rules and values", `
SecRule ARGS "@rx b" "id:#,phase:2,setvar:tx.a=%{tx.a}|%{MATCHED_VAR_NAME}=%{MATCHED_VAR}"
SecRule ARGS_NAMES|ARGS "@rx ^x" "id:#,phase:2,setvar:tx.b=%{tx.b}|%{MATCHED_VAR_NAME}=%{MATCHED_VAR}"
SecRule REQUEST_HEADERS:User-Agent|REQUEST_HEADERS:user-agent "@contains fire" "id:#,phase:1,t:lowercase,setvar:tx.c=+1"`,
			get("/?x=abc"), ""},
		{"chains", `
SecRule ARGS:a "@rx (\w+)" "id:#,phase:2,capture,chain,setvar:tx.first=%{tx.1}"
  SecRule ARGS:b "@streq %{tx.1}" "setvar:tx.same=1"
SecRule ARGS:a "@rx ." "id:#,phase:2,chain,setvar:tx.half=+1"
  SecRule ARGS:none "@rx ." "setvar:tx.never=1"
SecRule ARGS:a "@rx ." "id:#,phase:2,chain"
  SecRule MATCHED_VAR "@streq foo" "chain,setvar:tx.mv=%{MATCHED_VAR_NAME}"
    SecRule MATCHED_VARS "@rx foo" "chain,setvar:tx.mvs=+1"
      SecRule MATCHED_VARS_NAMES "@rx ^ARGS:a" "setvar:tx.mvn=%{MATCHED_VAR}"`,
			get("/?a=foo&b=foo"), ""},
		{"numbers", `
SecAction "id:#,phase:1,setvar:tx.n=5,setvar:tx.n=+3,setvar:tx.n=-1,setvar:tx.m=+2,setvar:tx.k=-2,setvar:'tx.t=+x y',setvar:tx.u=+%{tx.n},setvar:tx.v=+%{tx.missing},setvar:tx.w=%{tx.Missing}"
SecAction "id:#,phase:1,setvar:tx.text=abc,setvar:tx.text=+1,setvar:tx.empty=+"
SecRule TX:n "@eq 7" "id:#,phase:1"
SecRule &TX:m "@eq 1" "id:#,phase:1"
SecRule TX:missing "@eq 0" "id:#,phase:1"
SecRule &TX:/^n/ "@eq 1" "id:#,phase:1"
SecRule TX:N "@gt 6" "id:#,phase:1,setvar:TX.Upper=1"
SecRule TX:upper "@eq 1" "id:#,phase:1"`,
			get("/"), ""},
		{"dynamic names", `
SecRule ARGS "@rx ^(.)" "id:#,phase:2,capture,setvar:'tx.seen_%{MATCHED_VAR_NAME}=/%{tx.0}/',setvar:'tx.count_%{tx.1}=+1'"
SecRule TX:/^seen_/ "@rx /f/" "id:#,phase:2,setvar:tx.found=%{MATCHED_VAR_NAME}"
SecRule TX:/^count_/ "@gt 1" "id:#,phase:2"`,
			get("/?A=foo&b=bar&c=baz"), ""},
		{"skip and skipAfter", `
SecAction "id:#,phase:2,skip:1"
SecAction "id:#,phase:2,setvar:tx.skipped=1"
SecRule ARGS "@rx ." "id:#,phase:2,skipAfter:HERE"
SecAction "id:#,phase:2,setvar:tx.after=1"
SecRule ARGS "@rx ." "id:#,phase:2"
SecMarker HERE
SecRule ARGS "@rx ." "id:#,phase:2"`,
			get("/?a=b"), ""},
		{"deny ends", `
SecRule ARGS "@rx ." "id:#,phase:1,deny,status:451"
SecAction "id:#,phase:1,setvar:tx.never=1"
SecAction "id:#,phase:2,setvar:tx.never=1"
SecAction "id:#,phase:5,setvar:tx.logged=1"`,
			get("/?a=b"), ""},
		{"detection only", `
SecAction "id:#,phase:1,nolog,ctl:ruleEngine=DetectionOnly"
SecRule ARGS "@rx ." "id:#,phase:1,deny,status:451"
SecAction "id:#,phase:1,deny,status:452"
SecAction "id:#,phase:1,allow"
SecAction "id:#,phase:2,setvar:tx.still=1"`,
			get("/?a=b"), ""},
		{"engine off", `
SecAction "id:#,phase:1,nolog,ctl:ruleEngine=Off"
SecAction "id:#,phase:1,deny"
SecAction "id:#,phase:2,setvar:tx.never=1"`,
			get("/?a=b"), ""},
		{"allow a phase", `
SecAction "id:#,phase:1,allow:phase"
SecAction "id:#,phase:1,setvar:tx.never=1"
SecAction "id:#,phase:2,setvar:tx.still=1"`,
			get("/?a=b"), ""},
		{"allow the request", `
SecAction "id:#,phase:1,allow:request"
SecAction "id:#,phase:1,setvar:tx.never=1"
SecAction "id:#,phase:2,setvar:tx.never=1"`,
			get("/?a=b"), ""},
		{"exceptions", `
SecRule ARGS|!ARGS:a|!ARGS:/^b/ "@rx ." "id:#,phase:2,setvar:'tx.e=%{tx.e},%{MATCHED_VAR_NAME}'"
SecRule &ARGS|!ARGS:a "@eq 2" "id:#,phase:2"
SecRule REQUEST_HEADERS_NAMES|!REQUEST_HEADERS_NAMES:HOST "@rx ^Ho" "id:#,phase:2"`,
			get("/?a=1&b2=2&c=3"), ""},
		{"removals", `
SecAction "id:#,phase:1,nolog,ctl:ruleRemoveById=4,ctl:ruleRemoveByTag=gone,ctl:ruleRemoveByMsg=bye,ctl:ruleRemoveTargetById=7;ARGS:a,ctl:ruleRemoveTargetByTag=some;ARGS:/^a/"
SecAction "id:3,phase:2"
SecAction "id:4,phase:2"
SecAction "id:5,phase:2,tag:gone"
SecAction "id:6,phase:2,msg:'bye'"
SecRule ARGS "@rx ." "id:7,phase:2,setvar:'tx.r=%{tx.r},%{MATCHED_VAR_NAME}'"
SecRule ARGS "@rx ." "id:8,phase:2,tag:some,chain"
  SecRule ARGS "@rx ." "setvar:'tx.s=%{tx.s},%{MATCHED_VAR_NAME}'"`,
			get("/?a=1&b=2"), ""},
		{"variables of the line", `
SecRule REQUEST_LINE|REQUEST_URI|REQUEST_URI_RAW|REQUEST_FILENAME|REQUEST_BASENAME|QUERY_STRING|REQUEST_METHOD|REQUEST_PROTOCOL|SERVER_NAME|REMOTE_ADDR|REMOTE_PORT|SERVER_ADDR|SERVER_PORT|ARGS_COMBINED_SIZE|UNIQUE_ID|URI_PARSE_ERROR|FILES_COMBINED_SIZE|HIGHEST_SEVERITY "@rx (?s)^.*$" "id:#,phase:2,setvar:'tx.v=%{tx.v}\n%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"`,
			get("/a/b%20c/d+e.php?x=1&y=%41#frag"), ""},
		{"a line that is no URI", `
SecRule REQUEST_LINE|REQUEST_URI|REQUEST_URI_RAW|REQUEST_FILENAME|REQUEST_BASENAME|QUERY_STRING|ARGS|URI_PARSE_ERROR "@unconditionalMatch" "id:#,phase:1,setvar:'tx.v=%{tx.v}\n%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"`,
			get("/a\x01b?x=1"), ""},
		{"uri whole", `
SecRule REQUEST_URI|REQUEST_FILENAME|REQUEST_BASENAME|QUERY_STRING "@unconditionalMatch" "id:#,phase:1,setvar:'tx.v=%{tx.v}\n%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"`,
			get("http://other.test/x;y?a=b"), ""},
		{"form", `
SecRule ARGS_POST "@rx ." "id:#,phase:2,setvar:'tx.p=%{tx.p}\n%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"
SecRule ARGS "@rx ." "id:#,phase:2,setvar:tx.n=+1"
SecRule REQBODY_PROCESSOR "@streq URLENCODED" "id:#,phase:1"
SecRule REQUEST_BODY "@rx ^a=" "id:#,phase:2"
SecRule REQUEST_BODY_LENGTH "@eq 7" "id:#,phase:2"
SecRule ARGS_COMBINED_SIZE "@unconditionalMatch" "id:#,phase:2,setvar:tx.size=%{MATCHED_VAR}"`,
			post("/?q=1", form), "a=b+c%21"},
		{"json", `
SecRule REQUEST_HEADERS:Content-Type "@contains json" "id:#,phase:1,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS:json.a.0 "@streq x" "id:#,phase:2"
SecRule &ARGS "@unconditionalMatch" "id:#,phase:2,setvar:tx.n=%{MATCHED_VAR}"`,
			post("/", "application/json"), `{"a":["x",2]}`},
		{"multiMatch", `
SecRule ARGS "@rx ^.$|%" "id:#,phase:2,multiMatch,t:urlDecodeUni,t:lowercase,setvar:'tx.m=%{tx.m},%{MATCHED_VAR}'"`,
			get("/?a=%2541"), ""},
		{"negated", `
SecRule ARGS "!@rx ^[0-9]+$" "id:#,phase:2,setvar:'tx.m=%{tx.m},%{MATCHED_VAR_NAME}'"
SecRule ARGS "!@within 1 2" "id:#,phase:2,setvar:'tx.k=%{tx.k},%{MATCHED_VAR_NAME}'"
SecRule REQUEST_METHOD "!@within %{tx.methods}" "id:#,phase:2"`,
			get("/?a=1&b=x&c=2"), ""},
		{"severity", `
SecAction "id:#,phase:1,severity:WARNING"
SecAction "id:#,phase:1,severity:CRITICAL"
SecAction "id:#,phase:1,severity:NOTICE"
SecRule HIGHEST_SEVERITY "@eq 2" "id:#,phase:1"`,
			get("/"), ""},
		{"rule variables", `
SecRule ARGS "@rx ." "id:2,phase:2,msg:'m %{REQUEST_METHOD}',logdata:'d',severity:CRITICAL,setvar:'tx.r=%{RULE.id} %{rule.severity} %{rule.msg} %{rule.logdata}'"`,
			get("/?a=1"), ""},
		{"cookies", `
SecRule REQUEST_COOKIES:sid|REQUEST_COOKIES_NAMES "@unconditionalMatch" "id:#,phase:1,setvar:'tx.c=%{tx.c},%{MATCHED_VAR_NAME}=%{MATCHED_VAR}'"`,
			get("/", "Cookie", "sid=abc%41"), ""},
		{"captures stay", `
SecRule ARGS:a "@rx (.)(.)" "id:#,phase:2,capture"
SecRule ARGS:b "@rx (z)" "id:#,phase:2,capture"
SecAction "id:#,phase:2,setvar:'tx.all=%{tx.0} %{tx.1} %{tx.2}'"
SecRule ARGS:b "@pm x yy" "id:#,phase:2,capture,setvar:'tx.pm=%{tx.0} %{tx.1} %{tx.2}'"`,
			get("/?a=uv&b=yyx"), ""},
		{"transformations", `
SecRule ARGS "@streq a b" "id:#,phase:2,t:none,t:urlDecodeUni,t:compressWhitespace,t:lowercase"
SecRule ARGS "@rx ^[0-9]+$" "id:#,phase:2,t:none,t:length,setvar:'tx.len=%{tx.len},%{MATCHED_VAR}'"
SecRule ARGS "@rx ^0CC175B9" "id:#,phase:2,t:none,t:md5,t:hexEncode,t:uppercase"`,
			get("/?a=A%2520%2520B"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules := numbered(c.rules)
			e := open(t, rules, transaction.Config{})
			got := run(e, c.x, c.body)
			want := ask(newOracle(t, rules), c.x, c.body)
			if d := cmp.Diff(want.rules, got.waf.Rules); d != "" {
				t.Errorf("rules (-coraza +ours):\n%s", d)
			}
			if d := cmp.Diff(want.tx, got.tx); d != "" {
				t.Errorf("TX (-coraza +ours):\n%s", d)
			}
			if (want.status != 0) != (got.waf.Phase != "") || got.answer != nil && got.answer.Status != want.status {
				t.Errorf("ended with %d by rule %d, ours %+v in %q", want.status, want.rule, got.answer, got.waf.Phase)
			}
		})
	}
}
