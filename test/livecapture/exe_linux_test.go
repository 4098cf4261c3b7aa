package livecapture_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestExe holds that the origin leg of an nginx that runs, without a restart or a setting, is captured with its secrets, and that those of
// its other leg, which the same process has, are not taken.
func TestExe(t *testing.T) {
	needRoot(t)
	if err := uprobe.Allowed(); err != nil {
		t.Skip("needs uprobes: ", err)
	}
	for _, version := range []string{"TLSv1.2", "TLSv1.3"} {
		t.Run(version, func(t *testing.T) {
			ca := peer.NewCA(t)
			cert := ca.Issue(peer.Issue{Names: []string{"shop.test", "127.0.0.1"}})
			tls := fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s; ssl_protocols %s;", cert.File, cert.Key, version)
			origin := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; " + tls + " location / { return 200 \"origin\\n\"; } }"})
			front := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; " + tls + " location / { proxy_ssl_protocols " + version + "; proxy_ssl_session_reuse off; proxy_pass https://" + origin.Addr + "; } }"})
			file := filepath.Join(t.TempDir(), "x.pcapng")
			c := command(t, "capture", "--host", origin.Addr, "--exe", "nginx", "-w", file)
			c.stderr.await(t, "an interrupt ends it")
			for i := range 3 {
				if got := peer.Curl(t, "-k", fmt.Sprintf("https://%s/wanted%d", front.Addr, i)); got.Status != 200 {
					t.Fatal(got.Status, got.Stderr)
				}
			}
			if code := c.interrupt(); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, c.stderr)
			}
			if got := tshark(t, file, "http.request", "http.request.uri"); got != "/wanted0\n/wanted1\n/wanted2\n" {
				t.Errorf("requests: %q\n%s", got, c.stderr)
			}
			onlySecretsOf(t, file)
			if strings.Contains(c.stderr.String(), "no process of") {
				t.Errorf("nginx runs:\n%s", c.stderr)
			}
			if strings.Contains(c.stderr.String(), "dropped because") {
				t.Errorf("packets were dropped:\n%s", c.stderr)
			}
		})
	}
}

// TestExeThatDoesNotRun holds that a name of which no process runs is told, before and after, and nothing that concerns no process.
func TestExeThatDoesNotRun(t *testing.T) {
	needRoot(t)
	if err := uprobe.Allowed(); err != nil {
		t.Skip("needs uprobes: ", err)
	}
	c := command(t, "capture", "--host", "127.0.0.1:1", "--exe", "no-such-program", "--plain", "-w", filepath.Join(t.TempDir(), "x.pcapng"))
	c.stderr.await(t, "an interrupt ends it")
	if code := c.interrupt(); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, c.stderr)
	}
	said := c.stderr.String()
	if strings.Count(said, "no process of no-such-program runs") != 1 || strings.Count(said, "no process of no-such-program was seen") != 1 || strings.Contains(said, "not readable") {
		t.Error(said)
	}
}
