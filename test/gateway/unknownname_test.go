package gateway_test

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
)

// TestUnknownNames: a TLS client that asks for a name that no site has ends in the handshake. That is the client's side in log
// and metrics, and the names that clients make up are no labels.
func TestUnknownNames(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "a.test")
	g := start(t, listens+"admin: {address: \"127.0.0.1:0\"}\nsites:\n"+p.site("a.test", `
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {mode: "off"}
`))
	const n = 10
	for i := range n {
		c, err := tls.Dial("tcp", g.tls(), &tls.Config{ServerName: fmt.Sprintf("n%d.unknown.test", i), InsecureSkipVerify: true})
		if err == nil {
			_ = c.Close()
			t.Fatal("an unknown name was served")
		}
	}
	for _, r := range g.log.all(t, n, func(r *telemetry.Record) bool { return r.Reason == "config.no_site" }) {
		if r.Status != 0 || r.Side != "client" || r.Site != "" || !strings.HasSuffix(r.Client.TLS.SNI, ".unknown.test") ||
			!strings.Contains(r.Detail, r.Client.TLS.SNI) {
			t.Errorf("logged %d %s, side %q, site %q: %s", r.Status, r.Reason, r.Side, r.Site, r.Detail)
		}
	}
	metrics := g.metrics(t)
	for _, name := range []string{"lunette_requests_total", "lunette_tls_handshakes_total", "lunette_client_connections_refused_total"} {
		counted := 0.0
		for _, m := range metrics[name].GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetValue() == "config.no_site" {
					counted += m.GetCounter().GetValue()
				}
			}
		}
		if counted != n {
			t.Errorf("%s counts %v with config.no_site, want %d", name, counted, n)
		}
	}
	if strings.Contains(fmt.Sprint(metrics), "unknown.test") {
		t.Error("a name that a client made up is a label")
	}
}
