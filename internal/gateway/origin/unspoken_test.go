package origin

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestSSL3 meets an origin that knows nothing newer: it answers our hello with its own version.
func TestSSL3(t *testing.T) {
	addr := rawServer(t, func(c *net.TCPConn, r *bufio.Reader) {
		_, _ = r.Peek(5)
		hello := tlswire.AppendServerHello(nil, &tlswire.ServerHello{Version: tlswire.VersionSSL30, Suite: 0x002f})
		_, _ = c.Write(tlswire.AppendRecord(nil, tlswire.TypeHandshake, tlswire.VersionSSL30, hello))
		_, _ = r.WriteTo(discard{})
	})
	o := newOrigin(t, Config{URLs: []string{"https://" + addr}, TLS: TLS{Profile: "legacy"}})
	x := request("old.test", "GET", "/", 0)
	_, _, err := fetch(t, o, x)
	wantCode(t, x, err, reason.TLSNoCommonVersion)
	if a := x.Attempts[0]; !strings.Contains(a.Detail, "SSL 3.0") {
		t.Errorf("detail %q does not name the version", a.Detail)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// TestSHA1Signatures meets a real origin that signs its key exchange with SHA-1 only. OpenSSL breaks off with alert 40,
// which an origin without a common suite does too: the reason may not claim more than that, and the detail must name both.
func TestSHA1Signatures(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"old.test"}, RSA: 2048})
	s := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Args: []string{"-tls1_2", "-sigalgs", "RSA+SHA1", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"}})
	o := newOrigin(t, Config{URLs: []string{"https://" + s.Addr}, TLS: TLS{Roots: ca.Pool(), Profile: "legacy"}})
	x := request("old.test", "GET", "/", 0)
	_, _, err := fetch(t, o, x)
	r := reason.Of(err)
	if r == nil || !strings.Contains(r.Detail, "SHA-1") {
		t.Fatalf("got %v, want a reason that names SHA-1 signatures as a possible cause", err)
	}
}
