package incident

import (
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
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
