package app

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
)

func TestUnruled(t *testing.T) {
	for _, c := range []struct{ reason, detail, want string }{
		{"client.path_refused", "encoded slash", "No rule blocked this request: client.path_refused ended it before rules looked at it.\n\n" +
			"What it means  The path holds a form that origins read differently than rules do, and the site's path setting is strict.\n" +
			"Detail         encoded slash\n" +
			"Check first    The detail names the form; if the application needs it, set path: lenient for that site.\n"},
		{"client.bad_request", "method \x1b[31m", `Detail         method \x1b[31m` + "\n"},
		{"client.bad_request", "method PROPFIND", "Check first    If the application needs it, add it to methods of the site: \"PROPFIND\"; the list"},
		{"client.bad_request", "method TRACE", "Check first    Nothing: no site lets this method pass.\n"},
		{"client.bad_request", "no Host", "The request breaks the protocol"},
		{"limit.body_too_big", "", "Check first    The detail says which; if the upload"},
		{"", "", "The rules did not look at this request, and nothing else ended it: it was answered as above.\n"},
	} {
		if got := unruled(&telemetry.Record{Reason: c.reason, Detail: c.detail}); !strings.Contains(got, c.want) {
			t.Errorf("%s %q:\n%s\nlacks\n%s", c.reason, c.detail, got, c.want)
		}
	}
}

func TestUnruledThoughSeen(t *testing.T) {
	rec := &telemetry.Record{Reason: "http1.bad_host", WAF: &telemetry.RecordWAF{Score: 5, Threshold: 5, Rules: []telemetry.RecordRule{{ID: 920280, Target: "REQUEST_HEADERS", Message: "Request Missing a Host Header"}}}}
	if !refused(rec) {
		t.Error("not taken for a refused request")
	}
	got := unruled(rec)
	for _, want := range []string{
		"No rule blocked this request: http1.bad_host ended it, whatever rules say of it.\n",
		"Rules looked at what of it could be read. Score 5, threshold 5:\n  920280  REQUEST_HEADERS: Request Missing a Host Header\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nlacks\n%s", got, want)
		}
	}
	if refused(&telemetry.Record{Reason: "waf.blocked_request"}) || refused(&telemetry.Record{Reason: "http1.bad_cl", Attempts: make([]telemetry.RecordAttempt, 1)}) {
		t.Error("a request that rules or the origin ended is taken for a refused one")
	}
}
