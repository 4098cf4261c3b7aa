package transaction_test

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// unreadable refuses as the rules do that stand before the Core Rule Set.
const unreadable = `SecRule REQUEST_HEADERS:Content-Type "json" "id:1,phase:1,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "xml" "id:2,phase:1,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "grpc" "id:3,phase:1,nolog,ctl:requestBodyProcessor=GRPC"
SecRule REQUEST_HEADERS:Content-Type "other" "id:4,phase:1,nolog,ctl:requestBodyProcessor=GRAPHQL"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,log,deny,status:400,chain"
  SecRule INBOUND_DATA_ERROR "!@eq 1" "t:none"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,log,deny,status:400"
SecRule ARGUMENTS_LIMIT_REACHED "@eq 1" "id:200007,phase:2,log,deny,status:413"
`

// The record and the answer's detail name the parser and the cause, or the setting and its number, in both modes.
func TestCause(t *testing.T) {
	many := strings.Repeat("a=1&", 101)
	const form = "multipart/form-data; boundary=B"
	part := "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
	file := "--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n1\r\n"
	for _, c := range []struct{ name, target, mime, body, code, data string }{
		{"json", "/", "application/json", `{"a":nope}`, "waf.parse_error", "JSON: read JSON: a value that is none at byte 5"},
		{"deep json", "/", "application/json", strings.Repeat("[", 20), "waf.parse_error", "waf.depth: JSON: read JSON: nested deeper than 8 at byte 8"},
		{"deep xml", "/", "text/xml", strings.Repeat("<a>", 20), "waf.parse_error", "waf.depth: XML: read XML: nested deeper than 8 at byte 24"},
		{"xml with control characters", "/", "text/xml", "<a></\x1b[2J>", "waf.parse_error", ""},
		{"entities", "/", "text/xml", `<!DOCTYPE a [<!ENTITY b "c">]><a/>`, "waf.parse_error", "XML: read XML: it declares entities at byte 0"},
		{"grpc", "/", "application/grpc", "\x00\x00\x00\x00\x09abc", "waf.parse_error", "GRPC: read protobuf: no field at byte 5"},
		{"strict multipart", "/", form, part + "--B--\r\n\r\nmore", "waf.parse_error", "MULTIPART: MULTIPART_DATA_AFTER"},
		{"query", "/?" + many, "text/plain", "x", "limit.too_many_arguments", "waf.arguments: rules look at 100 values of the query"},
		{"form", "/", "application/x-www-form-urlencoded", many, "limit.too_many_arguments", "waf.arguments: rules look at 100 values of a form"},
		{"parts", "/", form, strings.Repeat(part, 101) + "--B--\r\n", "limit.too_many_arguments", "waf.arguments: rules look at 100 values of a form"},
		{"files", "/", form, strings.Repeat(file, 60) + "--B--\r\n", "waf.parse_error", "MULTIPART: MULTIPART_FILE_LIMIT_EXCEEDED"},
		{"json leaves", "/", "application/json", "[1" + strings.Repeat(",1", 50) + "]", "limit.too_many_arguments", "waf.leaves: rules look at 50 values of a body of type JSON"},
		{"xml leaves", "/", "text/xml", "<a>" + strings.Repeat("<b>1</b>", 60) + "</a>", "limit.too_many_arguments", "waf.leaves: rules look at 50 values of a body of type XML"},
	} {
		for _, detect := range []bool{false, true} {
			cfg := transaction.Config{Detect: detect, Arguments: 100, Body: body.Limits{Values: 50, Depth: 8, Files: 50}}
			o := run(open(t, unreadable, cfg), post(c.target, c.mime), c.body)
			if len(o.waf.Matches) == 0 {
				t.Errorf("%s: nothing matched", c.name)
				continue
			}
			data := o.waf.Matches[0].Data
			if c.data != "" && data != c.data || data == "" || strings.ContainsFunc(data, func(r rune) bool { return r < ' ' }) {
				t.Errorf("%s, detect %v: says %q, want %q", c.name, detect, data, c.data)
			}
			r := reason.Of(o.err)
			if detect != (r == nil) {
				t.Errorf("%s, detect %v: %v", c.name, detect, o.err)
			} else if r != nil && (string(r.Code) != c.code || !strings.HasSuffix(r.Detail, data)) {
				t.Errorf("%s: %v, want %s with %q", c.name, r, c.code, data)
			}
		}
	}
}

// A count is recorded as what it is, so that nobody takes it for a value.
func TestCountInRecord(t *testing.T) {
	o := run(open(t, `SecRule &REQUEST_HEADERS:X-Api-Key "@eq 0" "id:1,phase:1,log,pass"
SecRule &ARGS "@gt 0" "id:2,phase:1,log,pass"
SecRule ARGS "@rx ." "id:3,phase:1,log,pass"
`, transaction.Config{}), get("/?a=7"), "")
	got := ""
	for _, m := range o.waf.Matches {
		got += m.Target + "=" + m.Part + " "
	}
	if want := "&REQUEST_HEADERS:x-api-key=0 &ARGS=1 ARGS:a=7 "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A rule about a rate says how far the counter was; texts of other members, which could be secret, are left out.
func TestCountersInRecord(t *testing.T) {
	cfg := transaction.Config{Store: persist.New(persist.Config{})}
	o := run(open(t, `SecAction "id:1,phase:1,nolog,initcol:ip=%{REMOTE_ADDR},setvar:ip.logins=+11,setvar:ip.word=abc"
SecRule REQUEST_METHOD "@streq GET" "id:2,phase:1,deny,chain"
  SecRule IP:logins "@gt 10" "chain"
  SecRule IP:word "@rx ." "chain"
  SecRule ARGS:password "@rx ." "chain"
  SecRule &ARGS "@gt 0" "t:none"
`, cfg), get("/?password=1234"), "")
	if m := o.waf.Matches; len(m) != 1 || m[0].Target != "REQUEST_METHOD" || m[0].Data != "IP:logins = 11, &ARGS = 1" {
		t.Errorf("%+v", m)
	}
}

// Who reads the record sees that rules did not look.
func TestSwitchedOff(t *testing.T) {
	for phase, inspected := range map[string]int64{"1": 0, "2": 3} {
		o := run(open(t, `SecAction "id:1,phase:`+phase+`,nolog,ctl:ruleEngine=Off"`+"\n", transaction.Config{}), post("/", "text/plain"), "abc")
		if len(o.waf.Matches) != 1 || o.waf.Matches[0].ID != 0 || !strings.Contains(o.waf.Matches[0].Message, "ctl:ruleEngine=Off") || o.waf.Inspected != inspected {
			t.Errorf("phase %s: %d bytes inspected, %+v", phase, o.waf.Inspected, o.waf.Matches)
		}
	}
	if o := run(open(t, `SecAction "id:1,phase:1,nolog"`+"\n", transaction.Config{}), get("/"), ""); len(o.waf.Matches) != 0 {
		t.Errorf("%+v", o.waf.Matches)
	}
}
