package founding

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/test/peer"
)

// refused is the cause where Lunette is told not to renegotiate.
const refused = "tls.hello_request_refused"

// refusing is a site whose origin behaves as IIS does, and that must not renegotiate.
func refusing(t *testing.T, d dialect, more string) string {
	t.Helper()
	ca, err := certs.NewCA("founding", certs.RSA)
	if err != nil {
		t.Fatal(err)
	}
	return site("shop.test", "https://"+iis(t, ca, d), "      tls: {verify: none, profile: legacy, renegotiation: never}\n"+more)
}

// fails asks the gateway for the page that the origin wants a certificate for.
func (g *gateway) fails() {
	g.t.Helper()
	if status, _, _, err := g.get("shop.test", "/login/", patience); err != nil || status != 502 {
		g.t.Fatal(status, err)
	}
}

// TestRefusedOverHTTP2 is (a) for a client that speaks HTTP/2: the origin leg is the same, and so is all that is said of it.
func TestRefusedOverHTTP2(t *testing.T) {
	t.Parallel()
	for _, d := range dialects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ca := peer.NewCA(t)
			g := startAs(t, settings{sites: refusing(t, d, ""), ca: ca})
			resp, err := get(g.Addrs()[0], ca.Pool(), "https://shop.test/login/", patience)
			if err != nil || resp.StatusCode != 502 || resp.ProtoMajor != 2 || !strings.Contains(resp.Header.Get("Proxy-Status"), "tls.renegotiation_refused") {
				t.Fatalf("%+v %v", resp, err)
			}
			i := g.incident(refused, patience)
			if i.Confidence != "certain" || i.Count != 1 {
				t.Errorf("%+v", i)
			}
			g.holdsBundle(i, d)
		})
	}
}

// TestRefusedByFacts is (a) where no byte is kept: the cause is as certain, and whoever exports it learns why there are no packets.
func TestRefusedByFacts(t *testing.T) {
	t.Parallel()
	for _, d := range dialects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			g := start(t, refusing(t, d, "    flight: facts\n"))
			g.fails()
			i := g.incident(refused, patience)
			if i.Confidence != "certain" || i.Count != 1 {
				t.Errorf("%+v", i)
			}
			folder := g.export(i.ID)
			if _, err := os.Stat(filepath.Join(folder, "flow.pcapng")); err == nil {
				t.Error("there are packets, though the site keeps facts alone")
			}
			var out, errs bytes.Buffer
			if code := cli.Main(context.Background(), []string{"incidents", "export", i.ID, "--folder", g.folder, "-o", filepath.Join(t.TempDir(), "again")}, &out, &errs); code != 0 || !strings.Contains(errs.String(), "no packets") || !strings.Contains(errs.String(), "flight: packets") {
				t.Errorf("export, exit %d, does not say that there are no packets and what would bring them:\n%s%s", code, &out, &errs)
			}
			for _, want := range []string{"SSL Settings", "Ignore", "HelloRequest"} {
				if report := read(t, filepath.Join(folder, "report.md")); !strings.Contains(report, want) {
					t.Errorf("report.md does not say %q:\n%s", want, report)
				}
			}
		})
	}
}

// TestRefusedEncrypted is (a) with samples that only the owner of a key reads.
func TestRefusedEncrypted(t *testing.T) {
	t.Parallel()
	d := dialects()[1]
	key := filepath.Join(t.TempDir(), "key.txt")
	_, recipient, _ := strings.Cut(lunette(t, "incidents", "key", "-o", key), "[")
	recipient = strings.TrimSuffix(strings.TrimSpace(recipient), "]")
	g := startAs(t, settings{sites: refusing(t, d, ""), keep: "recipients: [" + recipient + "]"})
	g.identity = []string{"--identity", key}
	g.fails()
	i := g.incident(refused, patience)
	g.holdsBundle(i, d)
	var out, errs bytes.Buffer
	if code := cli.Main(context.Background(), []string{"incidents", "export", i.ID, "--folder", g.folder, "-o", filepath.Join(t.TempDir(), "x")}, &out, &errs); code == 0 || !strings.Contains(errs.String(), "the sample is encrypted") {
		t.Errorf("exported without the key: %d %s%s", code, &out, &errs)
	}
	g.stop() // everything is written
	samples := 0
	err := filepath.WalkDir(g.folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.HasPrefix(b, []byte("age-encryption.org/")) {
			samples++
		}
		for _, secret := range []string{"CLIENT_RANDOM", "flow.pcapng"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %q in clear", path, secret)
			}
		}
		return err
	})
	if err != nil || samples == 0 {
		t.Errorf("%d encrypted samples: %v", samples, err)
	}
}

// TestRefusedAfterRestart: the gateway is stopped and started again, and what goes on failing is the same incident.
func TestRefusedAfterRestart(t *testing.T) {
	t.Parallel()
	d := dialects()[0]
	s := settings{sites: refusing(t, d, "")}
	g := startAs(t, s)
	g.fails()
	first := g.incident(refused, patience)
	g.stop()
	s.folder = g.folder
	g = startAs(t, s)
	g.fails()
	again := incident(t, g.folder, refused, 2, patience)
	if again.ID != first.ID || again.Count != 2 || again.State == "resolved" || len(g.incidents()) != 1 {
		t.Errorf("before %+v, after %+v", first, g.incidents())
	}
	g.holdsBundle(again, d)
}
