package origin

import (
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestDeadWaitApacheIgnored: behind a careless proxy that drops the HelloRequest, Apache serves the page all the same once its own timer
// has run out (20 s as it comes, 2 s here). However long before that dead_wait is over, and whatever it is on, nothing is cut.
func TestDeadWaitApacheIgnored(t *testing.T) {
	ca := peer.NewCA(t)
	s := peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Extra: "RequestReadTimeout header=2 body=2",
		Sites: []peer.ApacheSite{{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}}), Locations: []peer.ApacheLocation{{Path: "/", VerifyClient: "optional"}}}}})
	p, err := lab.StartCarelessProxy(t.Context(), lab.ProxyConfig{Origin: s.Addr, ServerName: "a.test"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, on := range []string{"proven", "likely"} {
		o := newOrigin(t, Config{URLs: []string{"http://" + p.Addr()}, DeadWait: 200 * time.Millisecond, DeadWaitOn: on})
		x := newExchange("GET", "/", "")
		x.Request.Authority = "a.test"
		start := time.Now()
		status, page, err := fetch(t, o, x)
		if took := time.Since(start); status != 200 || err != nil || !strings.Contains(page, "apache a.test") || took < time.Second {
			t.Errorf("%s: %d %q %v after %v, attempts %+v", on, status, page, err, took, x.Attempts)
		}
	}
}

// TestDeadWaitApacheUpload: Apache reads the body in before it asks, up to SSLRenegBufferSize, and answers 413 beyond it. Neither is a
// dead wait, on a kept connection either, where the body is not announced.
func TestDeadWaitApacheUpload(t *testing.T) {
	ca := peer.NewCA(t)
	s := peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Sites: []peer.ApacheSite{{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}}),
		Locations: []peer.ApacheLocation{
			{Path: "/first", VerifyClient: "optional", Extra: "SetHandler reflector"},
			{Path: "/echo", Ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", Extra: "SSLRenegBufferSize 200000"},
		}}}})
	for _, on := range []string{"proven", "likely"} {
		for size, want := range map[int]int{150_000: 200, 4_000_000: 413} {
			o := newOrigin(t, Config{URLs: []string{"https://" + s.Addr}, DeadWait: 100 * time.Millisecond, DeadWaitOn: on, TLS: TLS{Roots: ca.Pool()}})
			first := newExchange("POST", "/first", "x")
			first.Request.Authority = "a.test"
			if status, _, err := fetch(t, o, first); status != 200 || err != nil {
				t.Fatalf("first: %d %v", status, err)
			}
			x := newExchange("POST", "/echo", strings.Repeat("x", size))
			x.Request.Authority = "a.test"
			status, _, err := fetch(t, o, x)
			a := x.Attempts[len(x.Attempts)-1]
			if status != want || strings.Contains(a.Detail, "dead_wait") {
				t.Errorf("%s, %d bytes: %d %v, attempts %+v", on, size, status, err, x.Attempts)
			}
			if !a.Reused || a.Announced || want == 200 && a.Renegotiations == 0 {
				t.Errorf("not the case that is meant: %+v", a)
			}
		}
	}
}
