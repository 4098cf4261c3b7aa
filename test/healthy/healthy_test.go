package healthy

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/recording"
)

// connections is how many are made; those that resume need one more each.
const connections = 1000

// TestNoFindings looks at each connection in three ways: as a recording, as a capture with its secrets, as one without.
func TestNoFindings(t *testing.T) {
	all := shapes(connections)
	const batch = 50
	for at := 0; at < len(all); at += batch {
		var recs []*recording.Recording
		of := map[uint64]*shape{} // by recording
		quickly(t, func(t *testing.T) {
			w := newWorld(t)
			for i := at; i < at+batch; i++ {
				for _, r := range w.play(t, uint64(i+1), &all[i]) {
					recs, of[r.ID] = append(recs, r), &all[i]
				}
			}
		})
		flows, err := analysis.Recorded(context.Background(), recs, analysis.Config{})
		if err != nil {
			t.Fatal(err)
		}
		asRecorded(t, recs, flows, of)
		asCaptured(t, recs, of, true)
		asCaptured(t, recs, of, false)
	}
}

func asRecorded(t *testing.T, recs []*recording.Recording, flows []*flow.Flow, of map[uint64]*shape) {
	t.Helper()
	for i, f := range flows {
		s := of[recs[i].ID]
		if f.TLS != nil && f.TLS.Why != "" {
			t.Errorf("not decrypted: %s: %s", f.TLS.Why, s)
		}
		answered := 0
		for _, x := range f.Exchanges {
			if x.Response.Complete {
				answered++
			}
		}
		if want := len(s.asks); answered != want && recs[i].ID <= connections {
			t.Errorf("%d answers were read, not %d: %s", answered, want, s)
		}
		c := &check.Case{Flow: evidence.FromRecorded(f, recs[i])}
		for j, o := range recs {
			if j != i && o.Server == recs[i].Server {
				c.Others = append(c.Others, evidence.FromRecorded(flows[j], o))
			}
		}
		silent(t, "recorded", c, s)
	}
}

// asCaptured writes the recordings as packets and reads those.
func asCaptured(t *testing.T, recs []*recording.Recording, of map[uint64]*shape, keyed bool) {
	t.Helper()
	view, byPort := "captured with secrets", map[uint16]*shape{}
	sealed := make([]*recording.Recording, len(recs))
	for i, r := range recs {
		byPort[r.Client.Port()] = of[r.ID]
		one := *r
		if sealed[i] = &one; !keyed {
			one.KeyLog, view = nil, "captured without secrets"
		}
	}
	var file bytes.Buffer
	if err := analysis.WriteRecordings(&file, sealed); err != nil {
		t.Fatal(err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil }
	report, err := analysis.Run(context.Background(), analysis.Config{Inputs: []analysis.Input{{Name: "made", Open: open}}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Flows) != len(recs) {
		t.Errorf("%d flows were read, not %d", len(report.Flows), len(recs))
	}
	for _, c := range evidence.Cases(report.Flows) {
		silent(t, view, c, byPort[c.Flow.Client.Port()])
	}
}

// silent fails for each finding above info.
func silent(t *testing.T, view string, c *check.Case, s *shape) {
	t.Helper()
	for _, x := range diagnosis.Run(c).Findings {
		if x.Severity > finding.Info {
			t.Errorf("%s: %s\n%q", view, s, x.Lines())
		}
	}
}
