package findings

import (
	"path/filepath"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/finding"
)

// tcpWant is what is found in a flow, counted from 0, of a capture of testdata.
type tcpWant struct {
	flow       int
	code       finding.Code // "" for nothing above info
	confidence finding.Confidence
}

// TestTCP tries the checks on faults that Linux made: three network namespaces (client, router, server), packet filters that drop,
// reject or rewrite, a narrow link without ICMP, a program that does not read or does not accept; captured at the client.
func TestTCP(t *testing.T) {
	for name, wants := range map[string][]tcpWant{
		"refused":    {{0, "tcp.refused", finding.Certain}},
		"rejected":   {{0, "tcp.syn_dropped", finding.Certain}},
		"dropped":    {{0, "tcp.syn_dropped", finding.Likely}},
		"full":       {{2, "tcp.accept_queue_overflow", finding.Possible}, {3, "tcp.accept_queue_overflow", finding.Possible}},
		"rstnow":     {{0, "tcp.reset_after_accept", finding.Certain}},
		"half":       {{0, "tcp.half_open", finding.Certain}, {1, "", 0}},
		"mtu_upload": {{0, "tcp.mtu_black_hole", finding.Likely}},
		"zero":       {{0, "tcp.zero_window", finding.Likely}},
		"asymmetric": {{0, "tcp.asymmetric_path", finding.Certain}, {1, "tcp.asymmetric_path", finding.Certain}},
		"loss":       {{0, "", 0}},
	} {
		t.Run(name, func(t *testing.T) {
			input, err := analysis.File(filepath.Join("testdata", "tcp_"+name+".pcap.gz"))
			if err != nil {
				t.Fatal(err)
			}
			report, err := analysis.Run(t.Context(), analysis.Config{Inputs: []analysis.Input{input}, Secrets: secrets.New(), Flow: flow.Config{}})
			if err != nil {
				t.Fatal(err)
			}
			all := evidence.Cases(report.Flows)
			for _, w := range wants {
				hold(t, w, diagnosis.Run(all[w.flow]).Findings)
			}
		})
	}
}

func hold(t *testing.T, w tcpWant, found []finding.Finding) {
	t.Helper()
	switch {
	case w.code == "":
		if len(found) > 0 && found[0].Severity != finding.Info {
			t.Errorf("flow %d: found %s: %s, want nothing above info", w.flow, found[0].Code, found[0].Summary)
		}
	case len(found) == 0:
		t.Errorf("flow %d: found nothing, want %s", w.flow, w.code)
	case found[0].Code != w.code || found[0].Confidence != w.confidence:
		t.Errorf("flow %d: found %s %s: %s, want %s %s", w.flow, found[0].Code, found[0].Confidence, found[0].Summary, w.code, w.confidence)
	}
}
