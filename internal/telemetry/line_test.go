package telemetry

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
)

var start = time.Date(2026, 3, 4, 3, 0, 0, 123456000, time.UTC)

// full is an exchange with every part there is.
func full() *exchange.Exchange {
	addr := netip.MustParseAddrPort
	return &exchange.Exchange{
		ID: "01KJVX5Q1GZ8V5M2N7R3T9W4XY", Start: start, Site: "hello.test.domain", Route: "/upload/", Incident: "01KJVX5PZZ8V5M2N7R3T9W4XY0",
		Client: &exchange.Client{
			ConnID: 7, Peer: addr("10.1.2.3:40000"), Addr: addr("198.51.100.7:51234"), Local: addr("10.0.0.1:8443"), Listener: "0.0.0.0:8443",
			TLS: &exchange.ClientTLS{ServerName: "hello.test.domain", Version: tls.VersionTLS13, Cipher: tls.TLS_AES_128_GCM_SHA256,
				ALPN: "h2", Chain: []*x509.Certificate{{Subject: pkix.Name{CommonName: "alice"}}}, Verified: true},
		},
		Request: exchange.Request{
			Method: "POST", Target: "/upload/a?token=s3cret&q=1", Scheme: "https", Authority: "hello.test.domain", Path: "/upload/a",
			Query: "token=s3cret&q=1", HasQuery: true, Proto: exchange.HTTP2, Length: 300,
			Header: exchange.Header{{Name: "user-agent", Value: "curl/8.5.0"}, {Name: "content-type", Value: "application/json"},
				{Name: "cookie", Value: "sid=hunter2"}, {Name: "authorization", Value: "Bearer hunter2"}, {Name: "x-odd", Value: "a\xffb\"\\\x00"}},
		},
		WAF: exchange.WAF{Mode: "detect", Verdict: "detect", Phase: "request_body", Score: 5, Threshold: 5, Spent: 420 * time.Microsecond,
			Inspected: 300, Of: 300, Rules: []int{942100}, Matches: []exchange.Match{{ID: 942100, Message: "SQL Injection Attack Detected via libinjection",
				Severity: "CRITICAL", Score: 5, Target: "ARGS:q", Part: "1' or '1'='1", Data: "Matched Data: s&sos found within ARGS:q: 1' or '1'='1", Tags: []string{"attack-sqli", "paranoia-level/1"},
				Transformations: "t:urlDecodeUni", Paranoia: 1, Scoring: true,
				File: "@owasp_crs/REQUEST-942-APPLICATION-ATTACK-SQLI.conf", Line: 46}}},
		Answer: exchange.Answer{Status: 502, Reason: reason.TLSClientCertRequired, Detail: "40 handshake_failure", BytesIn: 300, BytesOut: 812,
			Duration: 18*time.Millisecond + 7*time.Microsecond, First: 17 * time.Millisecond},
		Attempts: []exchange.Attempt{{
			Start: start.Add(time.Millisecond), URL: "https://10.0.0.227:8443", Address: addr("10.0.0.227:8443"), Local: addr("10.0.0.1:50022"),
			ConnID: 12, DNS: 0, Connect: 800 * time.Microsecond, TLS: 5 * time.Millisecond, Write: 90 * time.Microsecond,
			FirstByte: exchange.NotReached, Body: exchange.NotReached, Proto: exchange.HTTP11, TLSVersion: tls.VersionTLS12,
			Cipher: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, SNI: "hello.test.domain", ALPNSent: []string{"h2", "http/1.1"}, ALPN: "http/1.1",
			Peer:           &exchange.Peer{Subject: "CN=hello.test.domain", Issuer: "CN=Test CA", SANs: []string{"hello.test.domain"}, NotAfter: start.AddDate(1, 0, 0)},
			Renegotiations: 1, CertRequested: true, BytesSent: 512, AlertReceived: 40, AlertSent: -1,
			Reason: reason.TLSClientCertRequired, Detail: "40 handshake_failure", Finding: "tls.client_cert_required", Confidence: "certain", Err: errors.New("remote error"),
			Facts: []fact.Fact{{Kind: fact.TLSHelloRequest, At: start.Add(8 * time.Millisecond), Conn: 12, Side: fact.SideServer}},
		}},
	}
}

// ordinary is what most lines are made of.
func ordinary() *exchange.Exchange {
	x := full()
	x.Route, x.WAF = "", exchange.WAF{Mode: "block", Verdict: "pass", Spent: 300 * time.Microsecond}
	x.Request.Query, x.Request.Path, x.Request.Method = "q=shoes&page=2", "/articles/12345", "GET"
	x.Client.TLS.Chain = nil
	x.Answer = exchange.Answer{Status: 200, Origin: true, BytesOut: 10240, Duration: 3 * time.Millisecond, First: 2 * time.Millisecond}
	a := &x.Attempts[0]
	a.Reused, a.Reason, a.Detail, a.Status, a.Renegotiations, a.Facts, a.AlertReceived = true, "", "", 200, 0, nil, -1
	a.FirstByte, a.Body = time.Millisecond, time.Millisecond
	return x
}

func lineOf(t testing.TB, x *exchange.Exchange) []byte {
	t.Helper()
	mask, err := redact.New(redact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l := &line{mask: mask}
	l.exchange(x)
	return l.b
}

func parse(t testing.TB, b []byte) Record {
	t.Helper()
	var r Record
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return r
}

func TestLineIsWhatRecordReads(t *testing.T) {
	got := parse(t, lineOf(t, full()))
	ms := func(v float64) *float64 { return &v }
	alert := 40
	want := Record{
		Time: start, ID: "01KJVX5Q1GZ8V5M2N7R3T9W4XY", Site: "hello.test.domain", Route: "/upload/", Incident: "01KJVX5PZZ8V5M2N7R3T9W4XY0", Status: 502, From: "lunette",
		Reason: "tls.client_cert_required", Side: "origin", Detail: "40 handshake_failure", DurationMS: 18.007, FirstMS: ms(17),
		BytesIn: 300, BytesOut: 812,
		Client: &RecordClient{Address: "198.51.100.7:51234", Peer: "10.1.2.3:40000", Local: "10.0.0.1:8443", Listener: "0.0.0.0:8443", Connection: 7,
			TLS: &RecordClientTLS{Version: "1.3", Cipher: "TLS_AES_128_GCM_SHA256", SNI: "hello.test.domain", ALPN: "h2", Certificate: "CN=alice", Verified: true}},
		Request: RecordRequest{Method: "POST", Scheme: "https", Host: "hello.test.domain", Path: "/upload/a", Query: "token=[masked 6 bytes]&q=1",
			Proto: "HTTP/2", Length: 300, UserAgent: "curl/8.5.0", ContentType: "application/json",
			Headers: [][2]string{{"user-agent", "curl/8.5.0"}, {"content-type", "application/json"}, {"cookie", "sid=[masked 7 bytes]"},
				{"authorization", "Bearer [masked 7 bytes]"}, {"x-odd", "a\\xffb\"\\\x00"}}},
		WAF: &RecordWAF{Mode: "detect", Verdict: "detect", Phase: "request_body", Score: 5, Threshold: 5, SpentMS: 0.42, Inspected: 300, Of: 300, Matched: []int{942100},
			Rules: []RecordRule{{ID: 942100, Message: "SQL Injection Attack Detected via libinjection", Severity: "CRITICAL", Score: 5, Target: "ARGS:q",
				Part: "1' or '1'='1", Data: "Matched Data: s&sos found within ARGS:q: 1' or '1'='1", Tags: []string{"attack-sqli", "paranoia-level/1"},
				Transformations: "t:urlDecodeUni", Paranoia: 1, Scoring: true,
				File: "@owasp_crs/REQUEST-942-APPLICATION-ATTACK-SQLI.conf", Line: 46}}},
		Attempts: []RecordAttempt{{StartMS: 1, URL: "https://10.0.0.227:8443", Address: "10.0.0.227:8443", Local: "10.0.0.1:50022", Connection: 12,
			IdleMS: ms(0), DNSMS: ms(0), ConnectMS: ms(0.8), TLSMS: ms(5), WriteMS: ms(0.09), Proto: "HTTP/1.1", Reason: "tls.client_cert_required",
			Side: "origin", Detail: "40 handshake_failure", Finding: "tls.client_cert_required", Confidence: "certain", BytesSent: 512,
			TLS: &RecordAttemptTLS{Version: "1.2", Cipher: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", SNI: "hello.test.domain", ALPNSent: []string{"h2", "http/1.1"},
				ALPN: "http/1.1", Renegotiations: 1, CertRequested: true, AlertReceived: &alert,
				Peer: &RecordPeer{Subject: "CN=hello.test.domain", Issuer: "CN=Test CA", SANs: []string{"hello.test.domain"}, NotAfter: start.AddDate(1, 0, 0)}},
			Facts: []RecordFact{{AtMS: 8, Kind: "hello_request", Side: "server"}}}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("line differs (-want +got):\n%s", d)
	}
	again, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, parse(t, again)); d != "" {
		t.Errorf("what Marshal makes of a Record does not read back:\n%s", d)
	}
}

func TestEmptyExchange(t *testing.T) {
	got := parse(t, lineOf(t, &exchange.Exchange{}))
	if got.Client != nil || got.WAF != nil || got.FirstMS != nil || len(got.Attempts) != 0 || got.From != "lunette" {
		t.Errorf("%+v", got)
	}
}

func TestHeadersOnlyWhereSomethingHappened(t *testing.T) {
	if got := parse(t, lineOf(t, ordinary())); got.Request.Headers != nil {
		t.Errorf("headers of an ordinary request: %v", got.Request.Headers)
	}
	mask, _ := redact.New(redact.Config{})
	l := &line{mask: mask, all: true}
	l.exchange(ordinary())
	if got := parse(t, l.b); len(got.Request.Headers) != 5 {
		t.Errorf("headers: %v", got.Request.Headers)
	}
}

func TestLineIsBounded(t *testing.T) {
	x := full()
	x.Request.Path = "/" + strings.Repeat("é", 100000)
	x.Request.Query = strings.Repeat("\x00", 100000)
	for range 1000 {
		x.Request.Header.Add(strings.Repeat("n", 10000), strings.Repeat("\"", 10000))
		x.WAF.Matches = append(x.WAF.Matches, x.WAF.Matches[0])
		x.Attempts = append(x.Attempts, x.Attempts[0])
		x.Attempts[0].Peer.SANs = append(x.Attempts[0].Peer.SANs, strings.Repeat("s", 1000))
	}
	b := lineOf(t, x)
	if len(b) > 256<<10 {
		t.Errorf("line of %d bytes", len(b))
	}
	r := parse(t, b)
	if !strings.HasSuffix(r.Request.Path, "… (+197954 bytes)") || !utf8.ValidString(r.Request.Path) {
		t.Errorf("path ends in %q", r.Request.Path[len(r.Request.Path)-30:])
	}
}

func TestNoSecretShows(t *testing.T) {
	b := lineOf(t, full())
	for _, secret := range []string{"s3cret", "hunter2"} {
		if bytes.Contains(b, []byte(secret)) {
			t.Errorf("%s shows in %s", secret, b)
		}
	}
}

func TestAppendString(t *testing.T) {
	rows := [][2]string{
		{"", `""`}, {"a\"b\\c", `"a\"b\\c"`}, {"\n\r\t\x00\x1b\x7f", `"\n\r\t\u0000\u001b\u007f"`}, {"é€😀", `"é€😀"`},
		{"\xff\xc3", `"\\xff\\xc3"`}, {"\u2028\u0085", `"\u2028\u0085"`}, {"\ufffd", "\"\ufffd\""},
	}
	for _, r := range rows {
		if got := string(appendString(nil, r[0], 100)); got != r[1] {
			t.Errorf("%q: %s, want %s", r[0], got, r[1])
		}
		if got := string(appendString(nil, []byte(r[0]), 100)); got != r[1] {
			t.Errorf("%q as bytes: %s, want %s", r[0], got, r[1])
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("/a", "q=1", "v", int64(1))
	f.Add("\xff\x00", "\u2028&&password=\"", "\\", int64(-5))
	f.Fuzz(func(t *testing.T, path, query, value string, n int64) {
		x := full()
		x.Site, x.Request.Path, x.Request.Query, x.Request.Authority = value, path, query, value
		x.Request.Header.Add(path, value)
		x.WAF.Matches[0].Target, x.WAF.Matches[0].Part = value, query
		x.Answer.Duration, x.Attempts[0].Body, x.Answer.Detail = time.Duration(n), time.Duration(n), value
		b := lineOf(t, x)
		if !json.Valid(b) || !utf8.Valid(b) || bytes.Count(b, []byte("\n")) != 1 {
			t.Fatalf("bad line: %q", b)
		}
	})
}

// docKeys returns every key that a Record can hold, in order.
func docKeys(t reflect.Type, prefix string) (out []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return nil
	}
	for i := range t.NumField() {
		name := prefix + t.Field(i).Tag.Get("json")
		out = append(out, name)
		out = append(out, docKeys(t.Field(i).Type, name+".")...)
	}
	return out
}

func TestDocNamesEveryKey(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "formats", "access-log.md"))
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for row := range bytes.SplitSeq(doc, []byte("\n")) {
		name, ok := bytes.CutPrefix(row, []byte("| `"))
		if name, _, _ = bytes.Cut(name, []byte("`")); ok {
			named = append(named, string(name))
		}
	}
	keys := docKeys(reflect.TypeFor[Record](), "")
	if d := cmp.Diff(keys, named); d != "" {
		t.Errorf("keys of a record (-) and of docs/formats/access-log.md (+) differ:\n%s", d)
	}
	var written []string
	for _, m := range regexp.MustCompile(`"([a-z_]+)":`).FindAllSubmatch(lineOf(t, full()), -1) {
		written = append(written, string(m[1]))
	}
	for i, k := range keys {
		keys[i] = k[strings.LastIndexByte(k, '.')+1:]
	}
	if d := cmp.Diff(keys, written); d != "" {
		t.Errorf("keys of a record (-) and of a line (+) differ:\n%s", d)
	}
	_, example, ok := bytes.Cut(doc, []byte("```json\n"))
	if !ok {
		t.Fatal("no example")
	}
	example, _, _ = bytes.Cut(example, []byte("```"))
	if want := lineOf(t, full()); !bytes.Equal(bytes.TrimSpace(example), bytes.TrimSpace(want)) {
		t.Errorf("the example is not the line of today:\n%s", want)
	}
}

func BenchmarkRecord(b *testing.B) {
	r, err := New(Config{Output: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(b.Context())
	x := ordinary()
	b.ReportAllocs()
	for b.Loop() {
		r.Record(x)
	}
}

func BenchmarkLine(b *testing.B) {
	mask, _ := redact.New(redact.Config{})
	l := &line{mask: mask, b: make([]byte, 0, 8192), scratch: make([]byte, 0, 1024)}
	x := ordinary()
	b.ReportAllocs()
	for b.Loop() {
		l.b = l.b[:0]
		l.exchange(x)
	}
}

func BenchmarkMetrics(b *testing.B) {
	r, err := New(Config{Output: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(b.Context())
	x := ordinary()
	b.ReportAllocs()
	for b.Loop() {
		r.metrics.exchange(x)
	}
}

func TestKeyTimeIsAsTheLibraryWritesIt(t *testing.T) {
	for _, at := range []time.Time{
		{}, start, time.Unix(0, 999_999_999), time.Date(9999, 12, 31, 23, 59, 59, 1000, time.UTC),
		time.Date(2026, 2, 28, 23, 30, 0, 0, time.FixedZone("", -5400)),
	} {
		want := `"t":"` + at.UTC().Format("2006-01-02T15:04:05.000000Z") + `"`
		if got := string(keyTime(nil, "t", at)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
