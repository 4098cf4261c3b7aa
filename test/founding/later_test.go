package founding

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

// TestLater is (c): a TLS 1.3 origin that fails in another way. A real nginx closes the connection instead of answering.
func TestLater(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"shop.test"}})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.3; location /gone { return 444; } }", cert.File, cert.Key)})
	g := start(t, strings.Replace(site("shop.test", "https://"+s.Addr, "      tls: {verify: none}\n"), "host: hello.test.domain", "host: shop.test", 1))
	status, _, _, err := g.get("shop.test", "/gone", patience)
	if err != nil || status != 502 {
		t.Fatal(status, err)
	}
	i := g.incident("http1.closed_before_answer", patience)
	if i.Confidence != "certain" {
		t.Errorf("%+v", i)
	}
	file := filepath.Join(g.export(i.ID), "flow.pcapng")
	if got := tshark(t, file, "http.request", "http.request.uri"); len(got) != 1 || got[0] != "/gone" {
		t.Errorf("tshark sees request %v", got)
	}
	if got := tshark(t, file, "tls.handshake.type == 11", "tls.handshake.type"); len(got) == 0 {
		t.Error("tshark sees no certificate: the handshake is not decrypted")
	}
	if got := explained(t, file); got != "http1.closed_before_answer certain" {
		t.Errorf("lunette explain says %q", got)
	}
}

// TestAnErrorOfTheOrigins: what the origin answers with 500 of its own is an incident too, and passes unchanged.
func TestAnErrorOfTheOrigins(t *testing.T) {
	t.Parallel()
	s := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}}; location /broken { return 500; } }"})
	g := start(t, site("shop.test", "http://"+s.Addr, ""))
	for range 3 {
		if status, _, _, err := g.get("shop.test", "/broken", patience); err != nil || status != 500 {
			t.Fatal(status, err)
		}
	}
	if status, _, _, err := g.get("shop.test", "/missing", patience); err != nil || status != 404 {
		t.Fatal(status, err)
	}
	if !until(patience, func() bool { return g.incident("origin.status_5xx", patience).Count == 3 }) {
		t.Errorf("%+v", g.incidents())
	}
	if all := g.incidents(); len(all) != 1 {
		t.Errorf("a 404 became an incident: %+v", all)
	}
}
