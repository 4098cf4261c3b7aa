package incident

import (
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
)

// TestReportCured asks nothing of the origin's owner where the gateway's side can cure it, and tells that first.
func TestReportCured(t *testing.T) {
	f := sampled(t, withSecrets)
	for _, on := range []finding.System{finding.Apache, finding.Nginx, finding.Java} {
		f.Finding.Mends = append(f.Finding.Mends, finding.Mend{On: on, Do: "Ask for no certificate."})
	}
	f.Finding.Summary = "The origin sent a HelloRequest and the client refused."
	d := document(&f)
	if report := d.Report(); strings.Count(report, "\n- **IIS**") != 1 || !strings.Contains(report, "**Apache httpd**: Ask") || !strings.Contains(report, "This is likely") || strings.Contains(report, "demonstrated") {
		t.Errorf("without a trial:\n%s", report)
	}
	d.Incident.Proven, d.Incident.Cure = "With renegotiation: auto it was answered 6 times.", "origin:\n  tls:\n    renegotiation: auto"
	report := d.Report()
	at := func(text string) int {
		i := strings.Index(report, text)
		if i < 0 {
			t.Errorf("lacks %q:\n%s", text, report)
		}
		return i
	}
	if cure := at("          renegotiation: auto"); cure < at("With renegotiation: auto it was answered 6 times.") || cure > at("## When, and how often") {
		t.Error("the cure does not stand first")
	}
	at("you need not change anything")
	at(`"The client", here and below, is the gateway`)
	for _, bad := range []string{"This is likely", "How to mend it on your side", "Apache httpd", "Allow it."} {
		if strings.Contains(report, bad) {
			t.Errorf("holds %q:\n%s", bad, report)
		}
	}
}

// TestReportOneClock tells a moment by one number, wherever it stands.
func TestReportOneClock(t *testing.T) {
	f := sampled(t, withSecrets)
	begun := noon.Add(-190 * time.Microsecond) // the connection; its first line comes later
	f.Sample.Facts = f.Sample.Facts[:3]
	f.Finding.Proof = []finding.Proof{{Conn: 1, At: f.Sample.Facts[2].At, After: f.Sample.Facts[2].At.Sub(begun).Nanoseconds(), Text: "the origin sends HelloRequest"}}
	report := document(&f).Report()
	if f.Sample.Facts[2].Kind != fact.TLSHelloRequest || !strings.Contains(report, "2.000000 s  server: asks for another handshake") || !strings.Contains(report, "after 2.000000 s: the origin sends HelloRequest") {
		t.Error(report)
	}
}

// TestReportTrue states nothing that cannot be: of a request that was never sent, of packets that are not there, of a timeout that has not run.
func TestReportTrue(t *testing.T) {
	f := sampled(t, withSecrets)
	f.Finding.Confidence = finding.Certain
	if report := string(written(t, &f).Report); !strings.Contains(report, "your server got that number") || !strings.Contains(report, "flow.pcapng beside it") || !strings.Contains(report, "recorded bytes") {
		t.Error(report)
	}
	f.Sample.Facts, f.Sample.Packets = []fact.Fact{{Kind: fact.TCPFailed, At: noon, Conn: 1, Text: "ECONNREFUSED"}}, nil
	if report := string(written(t, &f).Report); strings.Contains(report, "your server got that number") || !strings.Contains(report, "did not get as far") || strings.Contains(report, "pcapng") || strings.Contains(report, "packets prove") {
		t.Error(report)
	}
	f.Finding, f.Stall, f.Reason, f.Detail = nil, true, reason.WriteTimeout, "for 1.04 s so far"
	f.Sample.Result = nil
	if report := string(written(t, &f).Report); strings.Contains(report, "the whole") || !strings.Contains(report, "The origin takes nothing of the request, for 1.04 s so far") {
		t.Error(report)
	}
	s, err := store.Open(store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	k, err := New(Config{}, s)
	if err != nil {
		t.Fatal(err)
	}
	f.Judged = true
	k.Add(f)
	k.turn(t.Context())
	if n := only(t, s); n.Title != "The origin takes nothing of the request; it may yet go on." || n.Severity != "warning" {
		t.Errorf("%+v", n)
	}
	f.Stall = false
	k.Add(f)
	k.turn(t.Context())
	if n := only(t, s); n.Title != reason.Lookup(reason.WriteTimeout).Means || n.Severity != "critical" || n.Count != 1 {
		t.Errorf("%+v", n)
	}
	if CureWarning("origin: {tls: {renegotiation: auto}}") != "" || !strings.Contains(CureWarning("origin:\n  tls:\n    profile: legacy"), "beware: profile: legacy") {
		t.Error("warned of the wrong thing")
	}
}

// TestHostileDocument is refused before it takes memory.
func TestHostileDocument(t *testing.T) {
	if _, err := readDocument([]byte(`{"facts":[` + strings.Repeat("{},", mostValues/2) + `{}]}`)); err == nil || !strings.Contains(err.Error(), "no sample of Lunette") {
		t.Errorf("%v", err)
	}
	f := sampled(t, withSecrets)
	fields := make([]fact.Field, 50)
	f.Sample.Facts = nil
	for range mostFacts + 1 {
		f.Sample.Facts = append(f.Sample.Facts, fact.Fact{Kind: fact.RequestHead, At: noon, Conn: 1, Detail: &fact.HTTPHead{Method: "GET", Target: "/", Fields: fields}})
	}
	if b := written(t, &f); len(b.Document.Facts) != mostFacts || b.Document.Omitted != 1 {
		t.Errorf("%d facts of the largest document were read", len(b.Document.Facts))
	}
}
