package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis"
)

// TestFinding prints the page of one cause, and lists by phase, reason and number.
func TestFinding(t *testing.T) {
	for args, want := range map[string][]string{
		"tls.hello_request_ignored":    {"tls.hello_request_ignored · critical\nThe origin asked to renegotiate and got no answer.\n\n", "\nWhat to look at\n", "\nMends\n  IIS: ", "appcmd.exe", "\n  RFC 5246 section 7.4.1.1\n", "33 (A HelloRequest is ignored)"},
		"TLS.hello_request_ignored.md": {"tls.hello_request_ignored · critical\n"},
		"":                             {"dns.name_not_found", "tls.hello_request_ignored", "critical  the origin asked to renegotiate and got no answer\n"},
		"tls":                          {"tls.hello_request_ignored"},
		"33":                           {"tls.hello_request_ignored"},
		"tls.renegotiation_failed":     {"tls.hello_request_ignored"},
		"504":                          {"tls.hello_request_ignored", "http1.slow_first_byte"},
		"499":                          {"tls.hello_request_ignored", "client.gone"},
	} {
		out, errs, code := run(t, strings.Fields("finding "+args)...)
		if code != exitOK || errs != "" {
			t.Errorf("%q: exit %d: %s", args, code, errs)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%q: no %q in\n%s", args, w, out)
			}
		}
		if args != "" && strings.Contains(out, "dns.name_not_found") {
			t.Errorf("%q lists what does not belong to it:\n%s", args, out)
		}
	}
}

// TestFindingJSON gives programs the same, as one object or a list.
func TestFindingJSON(t *testing.T) {
	out, _, code := run(t, "finding", "tls.hello_request_ignored", "--format", "json")
	var one struct {
		Code, Severity string
		Catalogue      []int
		Mends          []struct{ On, Do, Lines string }
		Silences       []string
	}
	if err := json.Unmarshal([]byte(out), &one); err != nil || code != exitOK || one.Code != "tls.hello_request_ignored" || one.Severity != "critical" || len(one.Mends) == 0 || one.Silences == nil {
		t.Errorf("exit %d, %v: %+v", code, err, one)
	}
	out, _, code = run(t, "finding", "--format", "json")
	var all []map[string]any
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != exitOK || len(all) != len(diagnosis.Checks()) {
		t.Errorf("exit %d, %v: %d entries", code, err, len(all))
	}
	for _, one := range all {
		for field, v := range one {
			if v == nil {
				t.Errorf("%v: %s is null", one["code"], field)
			}
		}
	}
}

// TestFindingUnknown names what is near.
func TestFindingUnknown(t *testing.T) {
	for args, want := range map[string]string{
		"tls.helo_request_ignored":           "did you mean tls.hello_request_ignored?",
		"hello_request_ignord":               "did you mean tls.hello_request_ignored",
		"http1.hello_request_ignored":        "did you mean tls.hello_request_ignored?",
		"quite.another":                      `no finding is called "quite.another"; "lunette finding" lists them`,
		"a b":                                "finding takes at most one CODE, got 2",
		"tls.x\x1b[2J":                       `"tls.x?[2j"`,
		"tls.hello_request_ignored --format": "flag needs an argument",
		"--format xml":                       `unknown format "xml"; there are text and json`,
	} {
		out, errs, code := run(t, strings.Fields("finding "+args)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: exit %d, %q, no %q", args, code, errs, want)
		}
	}
}
