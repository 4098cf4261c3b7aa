package certainty

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// soak reports whether everything is tried.
func soak() bool { return os.Getenv("LUNETTE_SOAK") != "" }

// subject is a capture, to be changed and looked at.
type subject struct {
	name    string
	frames  []frame
	keyLog  []byte
	rsa     []byte // PEM
	healthy bool
	whole   map[bool]view // by whether secrets are given
}

// view is what the checks say about a capture.
type view struct {
	flows []said
}

// said is what they say about one connection.
type said struct {
	client, server netip.AddrPort
	findings       []finding.Finding
}

// subjects are all captures of the set.
func subjects(t testing.TB) []*subject {
	t.Helper()
	key := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(captures.RSAKey(t))})
	var out []*subject
	for _, c := range captures.All(t) {
		s := &subject{name: c.Name, whole: map[bool]view{}}
		s.frames, s.keyLog = recorded.Frames(t, c.Path)
		if c.KeyLog != "" {
			text, err := os.ReadFile(filepath.Clean(c.KeyLog))
			if err != nil {
				t.Fatal(err)
			}
			s.keyLog = append(s.keyLog, text...)
		}
		if c.RSA {
			s.rsa = key
		}
		for _, keyed := range s.views() {
			s.whole[keyed] = s.look(t, s.frames, keyed)
		}
		s.healthy = s.isHealthy()
		out = append(out, s)
	}
	return out
}

// views are the ways to look: without secrets, and with them where there are any.
func (s *subject) views() []bool {
	if s.keyLog == nil && s.rsa == nil {
		return []bool{false}
	}
	return []bool{false, true}
}

// isHealthy reports whether nothing above info is found in the whole capture.
func (s *subject) isHealthy() bool {
	for _, v := range s.whole {
		for _, f := range v.flows {
			if slices.ContainsFunc(f.findings, func(x finding.Finding) bool { return x.Severity > finding.Info }) {
				return false
			}
		}
	}
	return true
}

// look runs all checks on frames.
func (s *subject) look(t testing.TB, frames []frame, keyed bool) view {
	t.Helper()
	store := secrets.New()
	if keyed && s.keyLog != nil {
		if _, err := store.AddKeyLog("keys", bytes.NewReader(s.keyLog)); err != nil {
			t.Fatal(err)
		}
	}
	if keyed && s.rsa != nil {
		if err := store.AddPrivateKey("server", s.rsa, nil); err != nil {
			t.Fatal(err)
		}
	}
	report, err := analysis.Run(t.Context(), analysis.Config{Inputs: []analysis.Input{written(t, frames)}, Secrets: store, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var v view
	for _, c := range evidence.Cases(report.Flows) {
		v.flows = append(v.flows, said{c.Flow.Client, c.Flow.Server, diagnosis.Run(c).Findings})
	}
	return v
}

// knows reports how sure v is of a code about the connections with a client's port: 0 not at all; a symptom of another cause counts
// as certain.
func (v *view) knows(port uint16, code finding.Code) finding.Confidence {
	best := finding.Confidence(0)
	for _, f := range v.flows {
		if f.client.Port() != port && f.server.Port() != port {
			continue
		}
		for _, x := range f.findings {
			if x.Code == code {
				best = max(best, x.Confidence)
			}
			if slices.Contains(x.Hides, code) {
				best = finding.Certain
			}
		}
	}
	return best
}

// hold fails for what is certain in part and not in whole, and for what is above info in part of a healthy capture and at all likely.
func (s *subject) hold(t *testing.T, frames []frame, keyed bool, what string) {
	t.Helper()
	part, whole := s.look(t, frames, keyed), s.whole[keyed]
	for _, f := range part.flows {
		for _, x := range f.findings {
			known := whole.knows(f.client.Port(), x.Code)
			switch {
			case x.Code == "client.gone" && x.Severity == finding.Info: // a FIN of the server's that the capture lacks leaves no trace
			case x.Confidence == finding.Certain && known < finding.Certain:
				t.Errorf("%s, %s, %s: %s (%s) is certain, in whole %q:\n%s", s.name, keys(keyed), what, x.Code, x.Severity, known, words(&x))
			case s.healthy && x.Severity > finding.Info && known == 0:
				t.Errorf("%s, %s, %s: %s (%s) is %s, and the whole is healthy:\n%s", s.name, keys(keyed), what, x.Code, x.Severity, x.Confidence, words(&x))
			}
		}
	}
}

func keys(keyed bool) string {
	if keyed {
		return "with secrets"
	}
	return "sealed"
}

// words are the sentence and the proof of a finding.
func words(x *finding.Finding) string {
	lines := x.Lines()
	return strings.Join(lines[:min(len(lines), 3+len(x.Proof))], "\n")
}

// some are at most n of the numbers below all, all of them in a soak; chance is fixed.
func some(all, n int, seed string) []int {
	out := make([]int, all)
	for i := range out {
		out[i] = i
	}
	if soak() || all <= n {
		return out
	}
	r := rand.New(rand.NewPCG(uint64(len(seed)), uint64(all))) //nolint:gosec // chance, not secrecy
	r.Shuffle(all, func(i, j int) { out[i], out[j] = out[j], out[i] })
	out = out[:n]
	slices.Sort(out)
	return out
}
