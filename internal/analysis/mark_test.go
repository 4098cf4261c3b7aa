package analysis

import (
	"bytes"
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// TestMarks holds that what a probe made is known again in the file that it wrote: variants have no causes of their own.
func TestMarks(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	made := func(id uint16, purpose string, variant bool) *recording.Recording {
		at := start.Add(time.Duration(id) * time.Second)
		return &recording.Recording{ID: uint64(id), Client: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.9"), 5000+id), Server: netip.MustParseAddrPort("192.0.2.1:80"),
			Purpose: purpose, Variant: variant, Start: at, Connect: time.Millisecond, End: at.Add(time.Second),
			Pieces: []recording.Piece{{At: at.Add(2 * time.Millisecond), Side: fact.SideClient, Data: []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
				{At: at.Add(3 * time.Millisecond), Side: fact.SideServer, End: fact.TCPReset}}}
	}
	recs := []*recording.Recording{made(1, "", false), made(2, "plain", false), made(3, "tls1.0", true), made(4, "Plain\x1b", true)}
	var file bytes.Buffer
	if err := WriteRecordings(&file, recs); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Inputs: []Input{bytesInput("doctor.pcapng", file.Bytes())}}
	report, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	results, err := report.Diagnose(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		purpose string
		variant bool
	}{{"", false}, {"plain", false}, {"tls1.0", true}, {"", false}} {
		f := report.Flows[i]
		if f.Purpose != want.purpose || f.Variant != want.variant {
			t.Errorf("flow %d: %q %v, want %q %v", i, f.Purpose, f.Variant, want.purpose, want.variant)
		}
		if found := len(results[i].Findings) > 0; found == want.variant {
			t.Errorf("flow %d: found %v", i, results[i].Findings)
		}
	}
}
