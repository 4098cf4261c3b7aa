package incident

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/store"
)

// personalFailure is a failure in which a visitor's data stands wherever it may.
func personalFailure(t *testing.T) Failure {
	f := sampled(t, withSecrets)
	f.Detail = "302 to https://a.test/done?ticket=SECRETQUERY"
	f.Finding.Summary = "The origin got GET /close?email=SECRETQUERY and 207 µs later closed; then POST /users/SECRETPATH/edit?x=[masked 3 bytes], and it answered SECRETCUSTOM."
	f.Finding.Settle = `ask for "/close?email=SECRETQUERY" again`
	f.Finding.Proof = []finding.Proof{{Conn: 1, After: 5, Text: "GET /users/SECRETPATH/edit?a=SECRETQUERY… is sent, User: SECRETUSER"}}
	other := *f.Finding
	other.Code = "http1.other"
	f.Sample.Result.Findings = append(f.Sample.Result.Findings, *f.Finding, other)
	f.Sample.URL = "https://a.test/users/SECRETPATH/edit"
	f.Sample.Facts = append(f.Sample.Facts,
		fact.Fact{Kind: fact.RequestHead, At: noon, Conn: 1, Detail: &fact.HTTPHead{Method: "POST", Target: "/users/SECRETPATH/edit?a=SECRETQUERY", Fields: []fact.Field{
			{Name: "X-Custom-Thing", Value: "SECRETCUSTOM"}, {Name: "Accept", Value: "kept"}, {Name: "X-Request-Id", Value: "01REQUEST"}, {Name: "Content-Length", Value: "4711"}}}},
		fact.Fact{Kind: fact.ResponseHead, At: noon, Conn: 1, Code: 403, Detail: &fact.HTTPHead{Status: 403, Phrase: "not for SECRETPHRASE", Fields: []fact.Field{
			{Name: "X-User-Name", Value: "SECRETUSER"}, {Name: "Server", Value: "Microsoft-IIS/10.0"}, {Name: "WWW-Authenticate", Value: "Negotiate SECRETTOKEN"}}}},
		fact.Fact{Kind: fact.TLSCertificate, At: noon, Conn: 2, Side: fact.SideClient, Text: "CN=SECRETUSER", Size: 1, Detail: &fact.Certificates{Chain: []fact.Certificate{{Subject: "CN=SECRETUSER"}}}},
		fact.Fact{Kind: fact.OriginLogged, At: noon, Conn: 1, Text: "AH1", Detail: &fact.OriginLog{Format: "apache_error", Client: "203.0.113.9:2", Target: "/users/SECRETPATH", Message: "[client 203.0.113.9:2] SECRETUSER"}})
	f.Sample.Record = []byte(`{"id":"01REQUEST","detail":"GET /users/SECRETPATH/edit","client":{"address":"203.0.113.9","peer":"203.0.113.9:1","tls":{"certificate":"CN=SECRETUSER"}},"request":{"path":"/users/SECRETPATH/edit","query":"a=SECRETQUERY","headers":[["X-Custom-Thing","SECRETCUSTOM"]]},"waf":null}`)
	f.Sample.HAR = func(w io.Writer) error {
		_, err := io.WriteString(w, `{"log":{"entries":[{"_error":"no end of GET /users/SECRETPATH/edit","request":{"method":"GET","url":"https://a.test/users/SECRETPATH/edit?SECRETQUERY",
			"headers":[{"name":"X-Custom-Thing","value":"SECRETCUSTOM"},{"name":":path","value":"/users/SECRETPATH?SECRETQUERY"}],"queryString":[{"name":"SECRETQUERY","value":""}]},
			"response":{"status":403,"statusText":"SECRETPHRASE","headers":[{"name":"Location","value":"/SECRETPATH"}],"redirectURL":"/SECRETPATH","bodySize":512,"content":{"size":1}}}]}}`)
		return err
	}
	return f
}

// TestRedactedWords finds nothing that a visitor or the origin's answer to him said, and what is needed to understand the failure.
func TestRedactedWords(t *testing.T) {
	f := personalFailure(t)
	b := written(t, &f)
	for _, bad := range []string{"?email", "SECRETQUERY"} {
		if bytes.Contains(b.Report, []byte(bad)) {
			t.Errorf("the report, not redacted, holds %q:\n%s", bad, b.Report)
		}
	}
	r, err := b.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Files()
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, file := range files {
		all += string(file.Data)
		if at := bytes.Index(file.Data, []byte("SECRET")); at >= 0 {
			t.Errorf("%s: …%s", file.Name, file.Data[max(0, at-60):at+30])
		}
		if bytes.Contains(file.Data, []byte("203.0.113.9")) {
			t.Errorf("%s holds the visitor's address", file.Name)
		}
	}
	for _, want := range []string{`"/users/[masked 15 bytes]?[masked 13 bytes]"`, "The origin got GET /close and 207 µs later closed", "POST /users/[masked", `"4711"`, "Microsoft-IIS/10.0",
		`"Negotiate [masked 11 bytes]"`, `"value": "01REQUEST"`, "X-Custom-Thing", `"method": "GET"`, `"bodySize": 512`, "https://o.test"} {
		if !strings.Contains(all, want) {
			t.Errorf("lacks %s", want)
		}
	}
	before, _ := json.Marshal(b.Document)
	if !bytes.Contains(before, []byte("SECRETCUSTOM")) || bytes.Contains(before, []byte("email=")) {
		t.Error("the bundle itself was changed, or its sentences have queries")
	}
	again, err := r.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	one, _ := json.Marshal(r.Document)
	two, _ := json.Marshal(again.Document)
	if !bytes.Equal(one, two) {
		t.Errorf("redacting twice changes more:\n%s\n%s", one, two)
	}
}

// TestWithoutQueries takes queries, whole, and nothing else.
func TestWithoutQueries(t *testing.T) {
	for in, want := range map[string]string{
		"GET /a?b=c was sent":                    "GET /a was sent",
		"GET /a?b=[masked 3 bytes]&c=d was sent": "GET /a was sent",
		"GET /t=[masked 3 bytes]/x?c=d, then":    "GET /t=[masked 3 bytes]/x, then",
		`to "https://a.test/x?y#z", not /b.`:     `to "https://a.test/x", not /b.`,
		"is it so? /a":                           "is it so? /a",
		"":                                       "",
		"GET /" + strings.Repeat("a", 75) + "?bbb… is it": "GET /" + strings.Repeat("a", 75) + " is it",
	} {
		if got := WithoutQueries(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"": "", "*": "*", "/": "/", "/login": "/login", "/users/": "/users/", "/users/jane": "/users/[masked 4 bytes]", "/jane@x/y": "/[masked 6 bytes]/[masked 1 bytes]",
		"/20261122": "/[masked 8 bytes]", "https://a.test": "https://a.test", "https://u:p@a.test/x/y?z": "https://[masked 3 bytes]@a.test/x/[masked 1 bytes]?[masked 1 bytes]",
		"/x?u=http://b/c": "/x?[masked 12 bytes]", "/x/[masked secret bytes]": "/x/[masked 21 bytes]",
	} {
		if got := short(in); got != want || short(got) != got {
			t.Errorf("%q: %q, then %q, want %q", in, got, short(got), want)
		}
	}
}

// TestStoredWithoutQueries holds that neither store nor log know a query.
func TestStoredWithoutQueries(t *testing.T) {
	var log bytes.Buffer
	s, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	k, err := New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, s)
	if err != nil {
		t.Fatal(err)
	}
	k.Add(personalFailure(t))
	k.turn(t.Context())
	n := only(t, s)
	if text := n.Summary + n.Detail + log.String(); strings.Contains(text, "SECRETQUERY") || !strings.Contains(n.Summary, "GET /close and") || !strings.Contains(log.String(), "incident opened") {
		t.Error(text)
	}
}
