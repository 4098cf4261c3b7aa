//go:build linux && amd64

package uprobe_test

import (
	"crypto/tls"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestMitmproxyOriginLeg reads the OpenSSL that Python's cryptography brings, or the system's.
func TestMitmproxyOriginLeg(t *testing.T) {
	origin, log := server(t, tls.VersionTLS12) // the version that peer.Mitmproxy speaks
	proxy := peer.Mitmproxy(t, origin.Listener.Addr().String())
	r := open(t, uprobe.Config{PIDs: []int{proxy.PID}})
	if res := peer.Curl(t, "http://"+proxy.Addr+"/"); string(res.Body) != "hello from the origin" {
		t.Fatalf("curl got %d %q", res.Status, res.Body)
	}
	s := same(t, r, programOf(t, proxy.PID), log.lines(), 1)
	if len(s) != 1 {
		t.Errorf("%d lines of one connection", len(s))
	}
}

// TestCaddyOriginLeg reads Go's TLS in a proxy as distributions ship it.
func TestCaddyOriginLeg(t *testing.T) {
	versions(t, func(t *testing.T, version uint16, _ string) {
		origin, log := server(t, version)
		caddy := peer.Caddy(t, "{{addr}} {\n reverse_proxy "+origin.URL+" {\n  transport http {\n   tls_insecure_skip_verify\n  }\n }\n}\n")
		r := open(t, uprobe.Config{PIDs: []int{caddy.PID}})
		if res := peer.Curl(t, "http://"+caddy.Addr+"/"); string(res.Body) != "hello from the origin" {
			t.Fatalf("curl got %d %q %s", res.Status, res.Body, res.Stderr)
		}
		same(t, r, "caddy", log.lines(), 1)
	})
}
