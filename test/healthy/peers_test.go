package healthy

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestPeers lets real clients talk to real servers that are well, and looks at the packets with and without the secrets.
func TestPeers(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred runs of clients")
	}
	t.Parallel()
	ca := peer.NewCA(t)
	p := newPlace(t, ca)
	sites := allSites(t, ca)
	servers, of := addressed(sites)
	path := peer.Capture(t, servers, func() {
		each(sites, 4, func(s *site) { p.ask(t, s) })
	})
	keys, err := os.ReadFile(p.keys)
	must(t, err)
	who := map[netip.AddrPort]string{}
	keyed := cases(t, path, keys)
	for _, c := range keyed {
		who[c.Flow.Client] = asked(c.Flow)
	}
	for view, all := range map[string][]*check.Case{"with secrets": keyed, "sealed": cases(t, path, nil)} {
		if len(all) < 20*len(sites) {
			t.Errorf("%s: only %d connections for %d sites", view, len(all), len(sites))
		}
		for _, c := range all {
			quiet(t, fmt.Sprintf("%s: %s, %s", view, of[c.Flow.Server.String()].what, who[c.Flow.Client]), c)
		}
		t.Logf("%s: %d connections", view, len(all))
	}
}

// ask lets all clients call one site.
func (p *place) ask(t *testing.T, s *site) {
	t.Helper()
	for _, c := range calls() {
		if c.suits(s) {
			p.run(t, s, &c)
		}
	}
	if c, err := net.Dial("tcp", s.addr); err == nil { // a check of health that says nothing
		_ = c.Close()
	}
}

// cases reads a capture.
func cases(t *testing.T, path string, keys []byte) []*check.Case {
	t.Helper()
	in, err := analysis.File(path)
	must(t, err)
	store := secrets.New()
	if _, err := store.AddKeyLog("clients", bytes.NewReader(keys)); err != nil {
		t.Fatal(err)
	}
	report, err := analysis.Run(t.Context(), analysis.Config{Inputs: []analysis.Input{in}, Secrets: store, Memory: 1 << 30})
	must(t, err)
	for _, w := range report.Warnings {
		t.Log(w)
	}
	return evidence.Cases(report.Flows)
}

// asked says what a connection was for.
func asked(f *check.Flow) string {
	var out []string
	for i := range f.Exchanges() {
		out = append(out, f.Exchanges()[i].Line())
	}
	if len(out) == 0 {
		return "nothing that was read"
	}
	return strings.Join(out, ", ")
}

// quiet fails for each finding above info.
func quiet(t *testing.T, what string, c *check.Case) {
	t.Helper()
	for _, x := range diagnosis.Run(c).Findings {
		if x.Severity > finding.Info {
			t.Errorf("%s: %s %s %s: %s\n%q", what, x.Code, x.Severity, x.Confidence, x.Summary, tell(c.Flow))
		}
	}
}

// tell shows the facts of a connection.
func tell(f *check.Flow) []string {
	var out []string
	for i := range f.Facts {
		x := &f.Facts[i]
		out = append(out, fmt.Sprintf("%.4f %s %s %d %d %s", x.At.Sub(f.Start).Seconds(), x.Side, x.Kind, x.Code, x.Size, x.Text))
		if len(out) == 60 {
			break
		}
	}
	return out
}
