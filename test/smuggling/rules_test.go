package smuggling_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// recordingRules is a file of rules that match everything and let it pass: the log then shows what rules see.
func recordingRules(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "record.conf")
	const rules = `
SecAction "id:100001,phase:1,pass,nolog,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_METHOD|REQUEST_URI_RAW|REQUEST_HEADERS "@unconditionalMatch" "id:100002,phase:1,pass,log,t:none,msg:'seen'"
SecRule REQUEST_BODY "@unconditionalMatch" "id:100003,phase:2,pass,log,t:none,msg:'seen'"
`
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// sawRules are the variables that the rules of a request saw, with their (masked, bounded) values.
func sawRules(x *telemetry.Record) map[string]string {
	out := map[string]string{}
	for _, m := range x.WAF.Rules {
		name := strings.ToLower(m.Target)
		if v, ok := out[name]; ok { // of another spelling
			m.Part = v + ", " + m.Part
		}
		out[name] = m.Part
	}
	return out
}

// checkRules holds what the origin received to what the rules themselves saw.
func (r *row) checkRules(t *testing.T, origin string) {
	for _, x := range r.logged {
		for _, got := range r.origin {
			if got.Get("X-Request-Id") != x.ID {
				continue
			}
			if x.WAF == nil || len(x.WAF.Rules) == 0 {
				t.Errorf("%s %s passed the rules by", got.Method, got.Target)
				continue
			}
			saw := sawRules(x)
			if !sameValue(saw["request_method"], got.Method) {
				t.Errorf("the origin received %s, rules saw %s", got.Method, saw["request_method"])
			}
			uri := saw["request_uri_raw"]
			if _, rest, absolute := strings.Cut(uri, "://"); absolute && uri[0] != '/' {
				uri = strings.TrimPrefix(rest, x.Request.Host)
			}
			if got.Target != "*" && uri != "" && uri[0] == '/' && !sameValue(uri, got.Target) && !(origin == "tomcat" && uri == got.Target+"?") {
				t.Errorf("the origin received %s, rules saw %s", got.Target, saw["request_uri_raw"])
			}
			compareRuleFields(t, saw, got)
			if body, ok := saw["request_body"]; ok && got.Body != nil && !sameValue(body, string(got.Body)) {
				t.Errorf("the origin received the content %q, rules saw %q", got.Body, body)
			} else if len(got.Body) > 0 && !ok {
				t.Errorf("the origin received the content %q, which rules did not see", got.Body)
			}
		}
	}
}

// compareRuleFields: every field at the origin is ours, or one that rules saw.
func compareRuleFields(t *testing.T, saw map[string]string, got peer.Received) {
	t.Helper()
	full := len(saw) >= 60 // the log keeps 64
	for name, value := range grouped(fieldsOf(got.Header)) {
		switch name {
		case "host", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded", "via", "x-request-id",
			"content-length", "transfer-encoding", "connection", "upgrade", "te":
			continue
		}
		seen, ok := saw["request_headers:"+name]
		if !ok && !full {
			t.Errorf("the origin received %s %q, which rules did not see: %q", name, value, saw)
		}
		if ok && !strings.HasPrefix(value, loosely(seen)) && !bounded(seen) {
			t.Errorf("the origin received %s %q, rules saw %q", name, value, seen)
		}
	}
}

func bounded(seen string) bool {
	return strings.Contains(seen, "[masked ") || strings.Contains(seen, "… (+") || strings.Contains(seen, `\x`) || len(seen) >= 120
}

func sameValue(seen, got string) bool {
	return seen == got || bounded(seen) || loosely(seen) == loosely(got)
}
