package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestVia is the founding incident seen from outside: directly it works, through the proxy it does not.
func TestVia(t *testing.T) {
	t.Parallel()
	o, err := lab.Start(t.Context(), lab.Config{Fault: "renegotiate-accept", Renegotiate: lab.Renegotiation{Patience: 3 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	p, err := lab.StartCarelessProxy(t.Context(), lab.ProxyConfig{Origin: o.Addr(), Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	got := examine(t, 1, append(args(o, lab.Fault{}, rootOf(t, o), nil), "--via", "http://"+p.Addr())...)
	if got.first() != "tls.hello_request_ignored" || !got.said("gateway", "status: 200 directly, 504 through the gateway") {
		t.Errorf("%s %+v", got.all(), got.Lines)
	}
}

// TestViaNothing holds that a gateway whose origin is well and who fails all the same is told apart.
func TestViaNothing(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"well.test"}})
	tls := fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;", cert.File, cert.Key)
	origin := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; " + tls + " }"})
	front := peer.Nginx(t, peer.NginxConfig{Listeners: 2, HTTP: "server { listen {{addr}} ssl http2; " + tls + " location / { proxy_pass https://{{addr 1}}; } } server { listen {{addr 1}}; return 200 x; }"})
	got := examine(t, -1, ask("well.test", "/", origin.Addr, "--ca", ca.File, "--via", front.Addr)...)
	if got.Verdict == "healthy" || !got.said("gateway", "status: 200 directly, 502 through the gateway") || !got.Settings.Proven {
		t.Errorf("%s %+v", got.all(), got.Lines)
	}
	got = examine(t, 0, ask("well.test", "/", origin.Addr, "--ca", ca.File, "--via", origin.Addr)...)
	if got.said("gateway", "directly") {
		t.Errorf("a gateway that is the origin differs from it: %+v", got.Lines)
	}
}

// TestCompareWith holds that the difference between a failing site and its sound sister is told.
func TestCompareWith(t *testing.T) {
	t.Parallel()
	ca, err := certs.NewCA("Lunette lab root", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	start := func(fault string) *lab.Origin {
		o, err := lab.Start(t.Context(), lab.Config{Fault: fault, CA: ca, Renegotiate: lab.Renegotiation{Patience: 2 * time.Second}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = o.Close() })
		return o
	}
	sick, sound := start("renegotiate-accept"), start("")
	got := examine(t, 1, append(args(sick, lab.Fault{}, rootOf(t, sick), nil), "--compare-with", "https://"+sound.Addr()+"/")...)
	if got.first() != "tls.hello_request_ignored" || !slices.ContainsFunc(got.Differences, func(d struct{ What, A, B string }) bool {
		return strings.HasSuffix(d.What, ": HelloRequest") && d.A == "1" && d.B == "none"
	}) {
		t.Errorf("%s %+v", got.all(), got.Differences)
	}
}

// said reports whether a line of this step holds text.
func (s *seen) said(step, text string) bool {
	return slices.ContainsFunc(s.Lines, func(l struct{ Step, What, Text, Mark string }) bool {
		return l.Step == step && strings.Contains(l.What+" "+l.Text, text)
	})
}
