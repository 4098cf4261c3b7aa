package healthy

import (
	"bytes"
	"context"
	"io"
	"strconv"
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
	t.Parallel()
	all := shapes(connections)
	const batch = 50
	for at := 0; at < len(all); at += batch {
		t.Run(strconv.Itoa(at), func(t *testing.T) {
			t.Parallel()
			look(t, all[at:at+batch], uint64(at+1))
		})
	}
}

// look makes connections, numbered from first on, and looks at them.
func look(t *testing.T, shapes []shape, first uint64) {
	t.Helper()
	var recs []*recording.Recording
	of := map[uint64]*shape{} // by recording
	quickly(t, func(t *testing.T) {
		w := newWorld(t)
		for i := range shapes {
			for _, r := range w.play(t, first+uint64(i), &shapes[i]) {
				recs, of[r.ID] = append(recs, r), &shapes[i]
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
	const room = 1 << 30 // connections are given up by the heap of the whole process, which other tests fill too
	report, err := analysis.Run(context.Background(), analysis.Config{Inputs: []analysis.Input{{Name: "made", Open: open}}, Memory: room})
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
