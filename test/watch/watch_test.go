package watch

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/test/peer"
)

const (
	name    = "shop.test"
	ignored = "tls.hello_request_ignored"
	soon    = 5 * time.Second // after the request
)

// apache asks for a certificate in mid-connection below /optional/.
func apache(t *testing.T) *peer.Server {
	t.Helper()
	ca := peer.NewCA(t)
	return peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Sites: []peer.ApacheSite{
		{Name: name, Cert: ca.Issue(peer.Issue{Names: []string{name}, RSA: 2048}), Locations: []peer.ApacheLocation{{Path: "/optional/", VerifyClient: "optional"}}},
	}})
}

// iis is the lab's origin that asks as IIS does with client certificates on Accept.
func iis(t *testing.T) string {
	t.Helper()
	o, err := lab.Start(t.Context(), lab.Config{Renegotiate: lab.Renegotiation{Path: "/optional/", Auth: tlspeer.Accept}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o.Addr()
}

func careless(t *testing.T, origin string) string {
	t.Helper()
	p, err := lab.StartCarelessProxy(t.Context(), lab.ProxyConfig{Origin: origin, ServerName: name, Patience: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p.Addr()
}

// TestStallsOfOthersAreNamed watches the leg of proxies that are not Lunette, without a key and without touching them: the founding incident is
// named, certain, within 5 s of the request.
func TestStallsOfOthersAreNamed(t *testing.T) {
	for _, c := range []struct {
		name   string
		origin func(t *testing.T) string
		proxy  func(t *testing.T, origin string) string
	}{
		{"careless proxy, Apache", func(t *testing.T) string { return apache(t).Addr }, careless},
		{"careless proxy, as IIS", iis, careless},
		{"mitmproxy, Apache", func(t *testing.T) string { return apache(t).Addr }, func(t *testing.T, origin string) string { return peer.Mitmproxy(t, origin).Addr }},
		{"mitmproxy, as IIS", iis, func(t *testing.T, origin string) string { return peer.Mitmproxy(t, origin).Addr }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := c.origin(t)
			proxy := c.proxy(t, origin)
			w := start(t, "--host", origin)
			asked := time.Now()
			ask(t, "http://"+proxy+"/optional/", name)
			l := w.until(t, ignored)
			took := time.Since(asked)
			t.Logf("named %v after the request: %s", took, l.Finding.Summary)
			if l.Finding.Confidence != "certain" || !l.New || !l.Lasts || l.Origin != origin || took > soon {
				t.Errorf("after %v: %+v", took, l)
			}
			if s := w.summary(t); s.Incidents != 1 || s.Packets == 0 || s.Dropped != 0 {
				t.Errorf("in the end: %+v", s)
			}
		})
	}
}
