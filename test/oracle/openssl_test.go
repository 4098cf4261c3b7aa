package oracle_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

const (
	psk  = "6c756e657474652d6f7261636c652d30"
	page = "page.txt"
)

// weak lets OpenSSL do everything that it was built with.
const weak = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"

// rig is what the connections of one recording share.
type rig struct {
	dir  string
	rsa  *peer.Cert
	ec   *peer.Cert
	body []byte // of the page
}

func newRig(t testing.TB) *rig {
	t.Helper()
	ca := peer.NewCA(t)
	r := &rig{dir: t.TempDir(), rsa: ca.Issue(peer.Issue{Names: []string{"rsa.test"}, RSA: 2048}), ec: ca.Issue(peer.Issue{Names: []string{"ec.test"}})}
	for i := 0; len(r.body) < 20_000; i++ { // two records
		r.body = fmt.Appendf(r.body, "%x\n", sha256.Sum256(fmt.Append(nil, i)))
	}
	return r
}

// server starts an openssl s_server that serves the page.
func (r *rig) server(t testing.TB, args ...string) *peer.Server {
	t.Helper()
	all := []string{"-min_protocol", "TLSv1", "-cipher", weak, "-dcert", r.ec.File, "-dkey", r.ec.Key, "-psk", psk}
	s := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: r.rsa, Raw: true, Args: append(all, args...)})
	if err := os.WriteFile(filepath.Join(s.Dir, page), r.body, 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// request is what a client sends, of which the name is a part, and answer what an s_server sends back.
func request(name string) string { return "GET /" + page + " HTTP/1.0\r\nX-Name: " + name + "\r\n\r\n" }

func (r *rig) answer() string {
	return "HTTP/1.0 200 ok\r\nContent-type: text/plain\r\n\r\n" + string(r.body)
}

// client starts an openssl s_client, which names itself in SNI, with one more variable in its environment, or "".
func (r *rig) client(t testing.TB, server, name, env string, args ...string) *client {
	t.Helper()
	all := []string{"s_client", "-connect", server, "-servername", name, "-keylogfile", filepath.Join(r.dir, name+".keys")}
	cmd := exec.Command(peer.Need(t, "openssl", "openssl"), append(all, args...)...)
	if env != "" {
		cmd.Env = append(os.Environ(), env)
	}
	c := &client{said: &output{}}
	cmd.Stdout, cmd.Stderr = c.said, c.said
	var err error
	if c.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.ended = run(t, cmd)
	c.kill = cmd.Process.Kill
	return c
}

// fetch has an openssl s_client get the page.
func (r *rig) fetch(t testing.TB, server, name, env string, args ...string) {
	t.Helper()
	c := r.client(t, server, name, env, append([]string{"-ign_eof"}, args...)...)
	c.write(t, request(name))
	c.wait(t)
	if !strings.Contains(c.said.String(), "-----BEGIN SSL SESSION") && !strings.Contains(c.said.String(), string(r.body[:64])) {
		t.Errorf("it said: %s", c.said)
	}
}

// client is a program that reads what the test types.
type client struct {
	in    io.WriteCloser
	said  *output
	read  int // of what it said
	ended <-chan struct{}
	kill  func() error
}

func (c *client) write(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(c.in, text); err != nil {
		t.Fatalf("%v; it said: %s", err, c.said)
	}
}

// keys are the key logs of all clients.
func (r *rig) keys(t testing.TB) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(r.dir, "*.keys"))
	var all bytes.Buffer
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(append(text, '\n'))
	}
	path := filepath.Join(t.TempDir(), "all")
	if err := os.WriteFile(path, all.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// suites lists what OpenSSL can do in a version: "-tls1", "-tls1_1", "-tls1_2".
func suites(t testing.TB, version string) []string {
	t.Helper()
	out, err := exec.Command(peer.Need(t, "openssl", "openssl"), "ciphers", "-s", version, "-psk", weak).Output()
	if err != nil {
		t.Fatal(err)
	}
	var mine []string
	for _, name := range strings.Split(strings.TrimSpace(string(out)), ":") {
		if !strings.Contains(name, "DSS") { // no such certificate
			mine = append(mine, name)
		}
	}
	return mine
}

// bye ends what the program reads, and waits for its end.
func (c *client) bye(t testing.TB) {
	t.Helper()
	if err := c.in.Close(); err != nil {
		t.Error(err)
	}
	c.wait(t)
}

// wait waits until the program has ended.
func (c *client) wait(t testing.TB) {
	t.Helper()
	late := time.AfterFunc(patience, func() { t.Errorf("it does not end; it said: %s", c.said); _ = c.kill() })
	defer late.Stop()
	<-c.ended
}

// heard waits until the program says text, after what it said before the last call.
func (c *client) heard(t testing.TB, text string) {
	t.Helper()
	found := false
	defer func() {
		if !found {
			t.Logf("it said: %s", c.said)
		}
	}()
	poll(t, text, func() bool {
		all := c.said.String()
		_, after, ok := strings.Cut(all[c.read:], text)
		if ok {
			found, c.read = true, len(all)-len(after)
		}
		return ok
	})
}
