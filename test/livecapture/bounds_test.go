package livecapture_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestOn holds that a failure that was waited for brings the packets around it, those before it too.
func TestOn(t *testing.T) {
	needRoot(t)
	g := start(t, "location /broken { return 444; }", "")
	file := filepath.Join(t.TempDir(), "x.pcapng")
	c := g.capture("--site", "shop.test", "-w", file, "--on", "any", "--after", "300ms")
	if status, _ := g.get("shop.test", "/before"); status != 200 {
		t.Fatal(status)
	}
	if status, _ := g.get("blog.test", "/broken"); status != 502 { // of another site: not waited for
		t.Fatal(status)
	}
	if status, _ := g.get("shop.test", "/broken"); status != 502 {
		t.Fatal(status)
	}
	if code := c.end(); code != 0 { // by itself
		t.Fatalf("exit code %d:\n%s", code, c.stderr)
	}
	if got := tshark(t, file, "http.request", "http.request.uri"); !strings.HasPrefix(got, "/before\n/broken\n") {
		t.Errorf("requests: %q\n%s", got, c.stderr)
	}
	onlySecretsOf(t, file)
}

// TestOnNothing holds that no file is left where the failure did not come, and that unknown codes are refused.
func TestOnNothing(t *testing.T) {
	needRoot(t)
	g := start(t, "", "")
	file := filepath.Join(t.TempDir(), "x.pcapng")
	c := g.capture("--site", "shop.test", "-w", file, "--on", "tls.hello_request_refused")
	if status, _ := g.get("shop.test", "/"); status != 200 {
		t.Fatal(status)
	}
	if code := c.interrupt(); code != 3 {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("an empty file was left")
	}
	var out, fault bytes.Buffer
	if code := cli.Main(t.Context(), []string{"capture", "--site", "x", "--on", "tls.nonsense"}, &out, &fault); code != 2 || !strings.Contains(fault.String(), "no such reason") {
		t.Errorf("%d %s", code, &fault)
	}
}

// TestBounds holds that size and count end a capture, with a file that is whole.
func TestBounds(t *testing.T) {
	needRoot(t)
	g := start(t, "", "")
	for _, row := range []struct {
		flag, value, why string
		most             int64
	}{{"--size", "8KiB", "has reached its size", 8 << 10}, {"--count", "7", "as many packets", 1 << 20}} {
		file := filepath.Join(t.TempDir(), "x.pcapng")
		c := g.capture("--site", "shop.test", "-w", file, row.flag, row.value)
		for i := 0; len(c.code) == 0 && i < 1000; i++ {
			if status, _ := g.get("shop.test", fmt.Sprintf("/%0500d", i)); status != 200 {
				t.Fatal(status)
			}
		}
		if code := c.end(); code != 0 || !strings.Contains(c.stderr.String(), row.why) {
			t.Errorf("%s: exit code %d:\n%s", row.flag, code, c.stderr)
		}
		info, err := os.Stat(file)
		if err != nil || info.Size() > row.most {
			t.Error(info.Size(), err)
		}
		if n := strings.Count(tshark(t, file, "frame", "frame.number"), "\n"); n == 0 || row.flag == "--count" && n != 7 {
			t.Errorf("%s: %d packets", row.flag, n)
		}
	}
}

// TestRecipients holds that a capture is encrypted to whom the configuration names, and not on request.
func TestRecipients(t *testing.T) {
	needRoot(t)
	g := start(t, "", "")
	me, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.age")
	c := g.capture("--site", "shop.test", "-w", file, "--recipient", me.Recipient().String())
	if status, _ := g.get("shop.test", "/secret"); status != 200 {
		t.Fatal(status)
	}
	if code := c.interrupt(); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, c.stderr)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	plain, err := age.Decrypt(f, me)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	opened := filepath.Join(t.TempDir(), "x.pcapng")
	put(t, opened, string(b))
	if got := tshark(t, opened, "http.request", "http.request.uri"); got != "/secret\n" {
		t.Errorf("%q", got)
	}
}

// TestClientLeg holds that the client leg is captured only where it is recorded and asked for, and says that it is armed.
func TestClientLeg(t *testing.T) {
	needRoot(t)
	off := start(t, "", "")
	c := command(t, "capture", "--admin", off.app.AdminAddr(), "--token-file", off.token, "--site", "shop.test", "--client", "-w", filepath.Join(t.TempDir(), "x"))
	if code := c.end(); code != 1 || !strings.Contains(c.stderr.String(), "flight_client") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
	g := start(t, "", "    flight_client: packets\n")
	file := filepath.Join(t.TempDir(), "x.pcapng")
	c = g.capture("--site", "shop.test", "--client", "-w", file)
	if !strings.Contains(c.stderr.String(), "the client leg is armed") {
		t.Errorf("arming was not said:\n%s", c.stderr)
	}
	for _, site := range []string{"shop.test", "blog.test"} {
		if status, _ := g.get(site, "/by-"+site); status != 200 {
			t.Fatal(status)
		}
	}
	if code := c.interrupt(); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, c.stderr)
	}
	if got := tshark(t, file, "http.request or http2.headers.path", "http.request.uri"); got != "/by-shop.test\n" {
		t.Errorf("requests: %q\n%s", got, c.stderr)
	}
	onlySecretsOf(t, file)
}

// TestGatewayStops holds that a gateway that stops in the middle leaves a whole file, and that this is said.
func TestGatewayStops(t *testing.T) {
	needRoot(t)
	g := start(t, "", "")
	file := filepath.Join(t.TempDir(), "x.pcapng")
	c := g.capture("--site", "shop.test", "-w", file)
	if status, _ := g.get("shop.test", "/last"); status != 200 {
		t.Fatal(status)
	}
	g.stop()
	if code := c.end(); code != 1 || !strings.Contains(c.stderr.String(), "tells nothing any more") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
	if got := tshark(t, file, "http.request", "http.request.uri"); got != "/last\n" {
		t.Errorf("requests: %q\n%s", got, c.stderr)
	}
}

// TestToken holds that nothing is told without the token, and what is said then.
func TestToken(t *testing.T) {
	g := start(t, "", "")
	wrong := filepath.Join(t.TempDir(), "wrong")
	put(t, wrong, "a token of some other gateway")
	for _, args := range [][]string{{}, {"--token-file", wrong}} {
		c := command(t, append([]string{"capture", "--admin", g.app.AdminAddr(), "--site", "shop.test"}, args...)...)
		if code := c.end(); code != 1 || !strings.Contains(c.stderr.String(), "token is missing or wrong") {
			t.Errorf("%v: exit code %d:\n%s", args, code, c.stderr)
		}
	}
	c := command(t, "capture", "--admin", g.app.AdminAddr(), "--token-file", g.token, "--site", "other.test")
	if code := c.end(); code != 1 || !strings.Contains(c.stderr.String(), "shop.test, blog.test") {
		t.Errorf("unknown site: exit code %d:\n%s", code, c.stderr)
	}
	if got := g.log.String(); strings.Contains(got, "a capture is armed") {
		t.Errorf("armed: %s", got)
	}
}

// TestKeyLog holds that the key log of a program that is not Lunette is followed, and that only secrets of connections to the host are taken
// from it.
func TestKeyLog(t *testing.T) {
	needRoot(t)
	curl := peer.Need(t, "curl", "curl")
	_ = curl
	wanted := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }))
	defer wanted.Close()
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "other\n") }))
	defer other.Close()
	keys := filepath.Join(t.TempDir(), "keys.txt")
	t.Setenv("SSLKEYLOGFILE", keys)
	file := filepath.Join(t.TempDir(), "x.pcapng")
	c := command(t, "capture", "--host", wanted.Listener.Addr().String(), "--keylog", keys, "-w", file)
	c.stderr.await(t, "an interrupt ends it")
	for range 3 {
		peer.Curl(t, "-sk", wanted.URL+"/wanted")
		peer.Curl(t, "-sk", other.URL+"/other")
	}
	if code := c.interrupt(); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, c.stderr)
	}
	if got := tshark(t, file, "http.request", "http.request.uri"); got != strings.Repeat("/wanted\n", 3) {
		t.Errorf("requests: %q\n%s", got, c.stderr)
	}
	onlySecretsOf(t, file)
}
