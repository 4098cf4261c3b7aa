package founding

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/peer"
)

// dialect is a way to speak TLS that the founding incident was seen with.
type dialect struct {
	name    string
	apache  string // SSLProtocol
	suites  string // SSLCipherSuite
	version uint16
	lab     []uint16
	tshark  string // tls.handshake.ciphersuite that must have been chosen
}

func dialects() []dialect {
	return []dialect{
		{"TLS 1.0 RSA", "1.0", "AES128-SHA:@SECLEVEL=0", tlswire.VersionTLS10, []uint16{0x002f}, "0x002f"},
		{"TLS 1.2 ECDHE", "1.2", "ECDHE-RSA-AES128-GCM-SHA256", tlswire.VersionTLS12, []uint16{0xc02f}, "0xc02f"},
	}
}

// origins are those that send a HelloRequest for /login, each by how it is started.
func origins() map[string]func(t *testing.T, d dialect) (addr string) {
	return map[string]func(t *testing.T, d dialect) string{
		"Apache": func(t *testing.T, d dialect) string {
			ca := peer.NewCA(t)
			return peer.Apache(t, peer.ApacheConfig{MinTLS: d.apache, MaxTLS: d.apache, Ciphers: d.suites, ClientCA: ca.File, Sites: []peer.ApacheSite{{
				Name: lab.DefaultName, Cert: ca.Issue(peer.Issue{Names: []string{lab.DefaultName}, RSA: 2048}),
				Locations: []peer.ApacheLocation{{Path: "/login", VerifyClient: "optional"}},
			}}}).Addr
		},
		"IIS": func(t *testing.T, d dialect) string {
			ca, err := certs.NewCA("founding", certs.RSA)
			if err != nil {
				t.Fatal(err)
			}
			return iis(t, ca, d)
		},
	}
}

// iis is the lab's origin that behaves as IIS does with SSL Settings > Client certificates: Accept.
func iis(t *testing.T, ca *certs.CA, d dialect) string {
	t.Helper()
	o, err := lab.Start(context.Background(), lab.Config{CA: ca, TLS: tlspeer.Config{MinVersion: d.version, MaxVersion: d.version, Suites: d.lab},
		Renegotiate: lab.Renegotiation{Path: "/login", Auth: tlspeer.Accept}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o.Addr()
}

func site(name, url, more string) string {
	return fmt.Sprintf("  - names: [%s]\n    origin:\n      urls: [%q]\n      host: %s\n%s    waf: {mode: \"off\"}\n", name, url, lab.DefaultName, more)
}

// TestRefused is (a): Lunette is told not to renegotiate. The answer comes at once, and the incident has its packets and its cause.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, origin := range origins() {
		for _, d := range dialects() {
			t.Run(name+" "+d.name, func(t *testing.T) {
				t.Parallel()
				g := start(t, site("shop.test", "https://"+origin(t, d), "      tls: {verify: none, profile: legacy, renegotiation: never}\n"))
				status, header, took, err := g.get("shop.test", "/login/", patience)
				if err != nil || status != 502 || took > 3*time.Second {
					t.Fatalf("%d after %v (%v), want 502 at once", status, took, err)
				}
				if ps := header.Get("Proxy-Status"); !strings.Contains(ps, "tls.renegotiation_refused") {
					t.Errorf("Proxy-Status: %s", ps)
				}
				i := g.incident("tls.hello_request_refused", patience)
				if i.Confidence != "certain" || i.Count != 1 || i.Site != "shop.test" {
					t.Errorf("%+v", i)
				}
				line := g.access.await(t, patience, `"path":"/login/"`)
				if !strings.Contains(line, `"incident":"`+i.ID+`"`) || !strings.Contains(line, `"finding":"tls.hello_request_refused"`) {
					t.Errorf("the access record does not carry incident %s and its cause: %s", i.ID, line)
				}
				g.holdsBundle(i, d)
			})
		}
	}
}

// holdsBundle looks at the exported sample as its reader would.
func (g *gateway) holdsBundle(i listed, d dialect) {
	t := g.t
	t.Helper()
	folder := g.export(i.ID)
	file := filepath.Join(folder, "flow.pcapng")
	if got := tshark(t, file, "tls.handshake.type == 0", "tls.handshake.type"); len(got) != 1 || got[0] != "0" {
		t.Errorf("tshark sees no HelloRequest decrypted: %v", got)
	}
	if got := tshark(t, file, "tls.handshake.type == 2", "tls.handshake.ciphersuite"); len(got) != 1 || got[0] != d.tshark {
		t.Errorf("tshark sees suite %v, want %s", got, d.tshark)
	}
	port := i.Origin[strings.LastIndexByte(i.Origin, ':')+1:]
	// In TLS 1.0 the first record holds one byte (against BEAST), too little for tshark to know HTTP by.
	if got := tshark(t, file, "http.request", "http.request.uri", "-d", "tls.port=="+port+",http"); len(got) != 1 || got[0] != "/login/" {
		t.Errorf("tshark sees request %v", got)
	}
	if got := explained(t, file); got != "tls.hello_request_refused certain" {
		t.Errorf("lunette explain says %q of flow.pcapng, and the live path tls.hello_request_refused certain", got)
	}
	report := read(t, filepath.Join(folder, "report.md"))
	for _, want := range []string{"SSL Settings", "Ignore", "HelloRequest"} {
		if !strings.Contains(report, want) {
			t.Errorf("report.md does not say %q:\n%s", want, report)
		}
	}
	for _, name := range []string{"incident.json", "flow.har"} {
		if !json.Valid([]byte(read(t, filepath.Join(folder, name)))) {
			t.Errorf("%s is no JSON", name)
		}
	}
	if shown := lunette(t, append([]string{"incidents", "show", i.ID, "--folder", g.folder}, g.identity...)...); !strings.Contains(shown, "SSL Settings") || !strings.Contains(shown, "certain") {
		t.Errorf("incidents show has no mend for IIS:\n%s", shown)
	}
}

// explained is the first cause that lunette explain states of a capture.
func explained(t testing.TB, file string) string {
	t.Helper()
	var doc struct {
		Flows []struct {
			Findings []struct{ Code, Confidence string }
		}
	}
	if err := json.Unmarshal([]byte(lunette(t, "explain", file, "--format", "json")), &doc); err != nil {
		t.Fatal(err)
	}
	for _, f := range doc.Flows {
		if len(f.Findings) > 0 {
			return f.Findings[0].Code + " " + f.Findings[0].Confidence
		}
	}
	return ""
}

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
