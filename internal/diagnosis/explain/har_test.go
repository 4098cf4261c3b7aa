package explain

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// TestHARValid holds what HAR writes to the fields that HAR 1.2 demands, their types, and what must not be negative.
func TestHARValid(t *testing.T) {
	c := hostile()
	f := c.Flows[0]
	alone := &httptimeline.Exchange{Number: 2, Reset: "reset by the server", Request: httptimeline.Message{Head: &fact.HTTPHead{Proto: "HTTP/2", Method: "GET", Scheme: "https",
		Authority: "a.example", Target: "/x?a=1&b=%20c&d", Fields: []fact.Field{{Name: "cookie", Value: "k=v; l=w"}}}, First: at(30), Last: at(30), Complete: true}}
	f.Exchanges = append(f.Exchanges, alone, &httptimeline.Exchange{Number: 3, Response: evilMessage(&fact.HTTPHead{Status: 200}, 40)})
	var b bytes.Buffer
	if err := HAR(&b, c); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Log map[string]any }
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	wants(t, "log", doc.Log, "version:string creator:object pages:array entries:array")
	wants(t, "creator", doc.Log["creator"], "name:string version:string")
	entries := doc.Log["entries"].([]any)
	if len(entries) != 2 {
		t.Fatalf("%d entries, want 2", len(entries))
	}
	for _, e := range entries {
		e := e.(map[string]any)
		wants(t, "entry", e, "startedDateTime:string time:number request:object response:object cache:object timings:object serverIPAddress:string connection:string _frame:number")
		wants(t, "request", e["request"], "method:string url:string httpVersion:string cookies:array headers:array queryString:array headersSize:number bodySize:number")
		wants(t, "response", e["response"], "status:number statusText:string httpVersion:string cookies:array headers:array content:object redirectURL:string headersSize:number bodySize:number")
		wants(t, "content", e["response"].(map[string]any)["content"], "size:number mimeType:string")
		timings := e["timings"].(map[string]any)
		wants(t, "timings", timings, "blocked:number dns:number connect:number ssl:number send:number wait:number receive:number")
		for _, name := range []string{"send", "wait", "receive"} {
			if timings[name].(float64) < 0 {
				t.Errorf("%s is %v", name, timings[name])
			}
		}
		sum := max(timings["blocked"].(float64), 0) + max(timings["connect"].(float64), 0) + timings["send"].(float64) + timings["wait"].(float64) + timings["receive"].(float64)
		if d := sum - e["time"].(float64); d > 1e-6 || d < -1e-6 {
			t.Errorf("timings add up to %v, not to %v", sum, e["time"])
		}
	}
	last := entries[1].(map[string]any)
	if got := last["request"].(map[string]any); got["url"] != "https://a.example/x?a=1&b=%20c&d" || len(got["queryString"].([]any)) != 3 || len(got["cookies"].([]any)) != 2 {
		t.Errorf("request: %v", got)
	}
	if last["_error"] != "reset by the server" {
		t.Errorf("_error is %v", last["_error"])
	}
}

// wants looks for fields and their types.
func wants(t *testing.T, where string, v any, fields string) {
	t.Helper()
	m, _ := v.(map[string]any)
	for field := range strings.FieldsSeq(fields) {
		name, want, _ := strings.Cut(field, ":")
		got := "nothing"
		switch m[name].(type) {
		case string:
			got = "string"
		case float64:
			got = "number"
		case map[string]any:
			got = "object"
		case []any:
			got = "array"
		}
		if got != want {
			t.Errorf("%s.%s is %s, want %s", where, name, got, want)
		}
	}
}

func TestCookies(t *testing.T) {
	got := cookiesSet([]fact.Field{{Name: "Set-Cookie", Value: "id=[masked 3 bytes]; Path=/; Domain=a.example; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure; HttpOnly"}, {Name: "set-cookie", Value: "nonsense"}})
	want := harCookie{Name: "id", Value: "[masked 3 bytes]", Path: "/", Domain: "a.example", Expires: "2026-10-21T07:28:00Z", HTTPOnly: true, Secure: true}
	if len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
}
