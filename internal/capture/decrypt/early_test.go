package decrypt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// 0-RTT data that the server refuses is passed over, and shown where its secret is known.
func TestRefusedEarlyData(t *testing.T) {
	cert := peer.NewCA(t).Issue(peer.Issue{Names: []string{"origin.test"}, RSA: 2048})
	dir := t.TempDir()
	session, early, log := filepath.Join(dir, "session.pem"), filepath.Join(dir, "early"), filepath.Join(dir, "keys.txt")
	if err := os.WriteFile(early, []byte(strings.Repeat("too early ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	first := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Raw: true, Args: []string{"-tls1_3", "-rev", "-max_early_data", "16384"}})
	opensslClient(t, first.Addr, []string{"-sess_out", session}, []string{"hello"})
	second := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Raw: true, Args: []string{"-tls1_3", "-rev"}})
	at, taken := tap(t, second.Addr)
	opensslClient(t, at, []string{"-sess_in", session, "-early_data", early, "-keylogfile", log}, []string{"hello", "again"})
	conv := (<-taken).out
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	s, l := play(conv, storeFrom(t, string(text)))
	if i := s.Info(); i.Closed > 0 || i.Why != WhyNot || i.EarlyData || len(l.early) != 1000 || string(l.plain[1]) != "hello\nagain\n" {
		t.Errorf("%d early bytes, %+v", len(l.early), i)
		l.dump(t)
	}
	var rest strings.Builder
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "CLIENT_EARLY") {
			rest.WriteString(line)
		}
	}
	s, l = play(conv, storeFrom(t, rest.String()))
	if i := s.Info(); i.Closed != 1 || len(l.early) != 0 || string(l.plain[1]) != "hello\nagain\n" || l.count(fact.TLSBadRecord) > 0 || !i.Established || i.Why != WhyNot || l.count(fact.TLSUndecryptable) != 1 {
		t.Errorf("without its secret: %+v", i)
		l.dump(t)
	}
}
