package analysis

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/captures"
)

// TestUntil breaks a capture off while the request waits behind a HelloRequest: where the file says that it saw everything for some seconds
// more, the cause is certain; where it does not, where packets were lost, or where it is too short or too long, nothing is claimed.
func TestUntil(t *testing.T) {
	whole, err := File(captures.Find(t, "dsb_tls12_ecdhe_abnormal_ignored").Path)
	if err != nil {
		t.Fatal(err)
	}
	report := ran(t, whole)
	asked := int64(0)
	for i := range report.Flows[0].Facts {
		if f := &report.Flows[0].Facts[i]; f.Kind == fact.TLSHelloRequest {
			asked = f.Frame
		}
	}
	if asked == 0 {
		t.Fatal("the capture shows no HelloRequest")
	}
	for _, row := range []struct {
		name    string
		quiet   time.Duration // 0: no statistics
		dropped uint64
		want    finding.Confidence
	}{
		{"it saw everything", 4 * time.Second, 0, finding.Certain},
		{"it was ended at once", 500 * time.Millisecond, 0, 0},
		{"it does not say", 0, 0, 0},
		{"packets were lost", 4 * time.Second, 1, 0},
		{"years later", 20000 * time.Hour, 0, 0},
	} {
		var file bytes.Buffer
		brokenOff(t, whole, &file, asked, row.quiet, row.dropped)
		r := ran(t, Input{Name: row.name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil }})
		results, err := r.Diagnose(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		var got finding.Confidence
		for _, f := range results[0].Findings {
			if f.Code == "tls.hello_request_ignored" {
				got = f.Confidence
			}
		}
		if got != row.want {
			t.Errorf("%s: %v, want %v: %+v", row.name, got, row.want, results[0].Findings)
		}
	}
}

func ran(t *testing.T, in Input) *Report {
	t.Helper()
	r, err := Run(t.Context(), Config{Inputs: []Input{in}, Secrets: secrets.New(), Flow: flow.Config{Silence: int64(time.Second)}})
	if err != nil || len(r.Flows) == 0 {
		t.Fatal(r, err)
	}
	return r
}

// brokenOff writes a capture up to a packet, with statistics so long after it.
func brokenOff(t *testing.T, in Input, to io.Writer, last int64, quiet time.Duration, dropped uint64) {
	t.Helper()
	src, err := os.Open(in.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	w, err := pcap.NewWriter(to, "test")
	if err != nil {
		t.Fatal(err)
	}
	r, err := pcap.NewReader(src, pcap.Config{Secrets: func(k pcap.SecretsType, data []byte) {
		if err := w.Secrets(k, data); err != nil {
			t.Error(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var p pcap.Packet
	for p.Number < last {
		if err := r.Next(&p); err != nil {
			t.Fatal(err)
		}
		if p.Number == 1 {
			if _, err := w.Interface(pcap.Interface{Link: p.Link}); err != nil {
				t.Fatal(err)
			}
		}
		p.Interface = 0
		if err := w.Packet(&p); err != nil {
			t.Fatal(err)
		}
	}
	if quiet > 0 {
		if err := w.Statistics(0, p.At+int64(quiet), uint64(last), dropped); err != nil {
			t.Fatal(err)
		}
	}
}
