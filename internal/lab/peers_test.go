package lab

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// need skips the test by the name of the program that is missing.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("%s is not installed", program)
	}
	return path
}

// ask runs a client program, sends it one GET once it is connected, and returns all that it printed.
func ask(t *testing.T, path string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	in, err := cmd.StdinPipe() // stays open: a client that sees its input end may shut down before it is asked to renegotiate
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(in, "GET /page HTTP/1.1\r\nHost: "+DefaultName+"\r\nConnection: close\r\n\r\n")
	err = cmd.Wait()
	if ctx.Err() != nil {
		t.Fatalf("%s did not end: %v\n%s", filepath.Base(path), err, out.String())
	}
	return out.String()
}

// peerFiles writes the root and a client certificate where programs can read them.
type peerFiles struct {
	authority      *certs.CA
	ca, cert, key  string
	rsaOwn, ecdOwn *certs.Certificate
}

func files(t *testing.T) *peerFiles {
	t.Helper()
	ca, err := certs.NewCA("root", certs.RSA)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ca.Issue(certs.Options{Names: []string{"waf"}, Key: certs.RSA, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	f := &peerFiles{authority: ca}
	if f.rsaOwn, err = ca.Issue(certs.Options{Names: []string{DefaultName, "127.0.0.1"}, Key: certs.RSA}); err != nil {
		t.Fatal(err)
	}
	if f.ecdOwn, err = ca.Issue(certs.Options{Names: []string{DefaultName, "127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	f.ca = write(t, "ca.pem", ca.PEM())
	f.cert, f.key = pair(t, own)
	return f
}

func pair(t *testing.T, c *certs.Certificate) (cert, key string) {
	t.Helper()
	pem, err := c.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "cert.pem", c.ChainPEM()), write(t, "key.pem", pem)
}

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type combo struct {
	version uint16
	suite   tlswire.Suite
}

// combos is every version and suite that the lab speaks.
func combos() []combo {
	var out []combo
	for _, id := range tlspeer.DefaultSuites() {
		s, _ := tlswire.SuiteByID(id)
		for v := tlswire.VersionTLS10; v <= tlswire.VersionTLS12; v++ {
			if v == tlswire.VersionTLS12 || s.Cipher.Kind == tlswire.KindCBC && s.MAC == "SHA" {
				out = append(out, combo{v, s})
			}
		}
	}
	return out
}

func (c combo) name() string { return tlswire.VersionName(c.version) + "/" + c.suite.Name }

func (f *peerFiles) origin(t *testing.T, c combo, etm bool) *Origin {
	cfg := tlspeer.Config{MinVersion: c.version, MaxVersion: c.version, Suites: []uint16{c.suite.ID}, Certificate: f.rsaOwn, NoEncryptThenMAC: !etm, NoExtendedMasterSecret: !etm}
	if c.suite.KX == "ECDHE_ECDSA" {
		cfg.Certificate = f.ecdOwn
	}
	return start(t, Config{CA: f.authority, TLS: cfg, Renegotiate: Renegotiation{Path: "/", Auth: tlspeer.Require, Patience: 20 * time.Second}})
}

// answered checks that the peer's request went through a renegotiation with its certificate.
func answered(t *testing.T, c combo, out string) {
	t.Helper()
	for _, want := range []string{"client certificate: CN=waf", "handshakes: 2", "tls: " + tlswire.VersionName(c.version) + " " + c.suite.Name} {
		if !strings.Contains(out, want) {
			t.Fatalf("want %q in:\n%s", want, out)
		}
	}
}

func TestOpenSSLClient(t *testing.T) {
	openssl := need(t, "openssl")
	f := files(t)
	for _, c := range opensslCombos(t, openssl) {
		for _, etm := range []bool{false, true} {
			if etm && c.suite.Cipher.Kind != tlswire.KindCBC {
				continue
			}
			t.Run(fmt.Sprintf("%s/etm=%v", c.name(), etm), func(t *testing.T) {
				o := f.origin(t, c, etm)
				answered(t, c, ask(t, openssl, "s_client", "-connect", o.Addr(), "-servername", DefaultName, "-CAfile", f.ca, "-verify_return_error",
					"-cert", f.cert, "-key", f.key, opensslVersion(c.version), "-cipher", "ALL:@SECLEVEL=0", "-ign_eof", "-quiet"))
			})
		}
	}
}

func opensslVersion(v uint16) string {
	return map[uint16]string{tlswire.VersionTLS10: "-tls1", tlswire.VersionTLS11: "-tls1_1", tlswire.VersionTLS12: "-tls1_2"}[v]
}

func TestGnuTLSClient(t *testing.T) {
	gnutls := need(t, "gnutls-cli")
	f := files(t)
	for _, c := range combos() {
		t.Run(c.name(), func(t *testing.T) {
			o := f.origin(t, c, true)
			host, port, _ := net.SplitHostPort(o.Addr())
			priority := fmt.Sprintf("LEGACY:%%COMPAT:+3DES-CBC:+RSA:+SHA256:-VERS-ALL:+VERS-TLS1.%d", c.version-tlswire.VersionTLS10)
			answered(t, c, ask(t, gnutls, "--priority", priority, "--x509cafile", f.ca, "--x509certfile", f.cert, "--x509keyfile", f.key,
				"--sni-hostname", DefaultName, "--verify-hostname", DefaultName, "--port", port, host))
		})
	}
}

func TestCurl(t *testing.T) {
	curl := need(t, "curl")
	f := files(t)
	c := combo{version: tlswire.VersionTLS12}
	c.suite, _ = tlswire.SuiteByID(0xc02f)
	o := f.origin(t, c, true)
	base := []string{"-sS", "--max-time", "20", "--cacert", f.ca, "--noproxy", "*"}
	answered(t, c, ask(t, curl, append(base, "--cert", f.cert, "--key", f.key, "https://"+o.Addr()+"/page")...))
	if out := ask(t, curl, append(base, "-w", "%{http_code}", "https://"+o.Addr()+"/page")...); !strings.Contains(out, "403.7") || !strings.HasSuffix(out, "403") {
		t.Errorf("without a certificate: %s", out)
	}
	upload := write(t, "body", bytes.Repeat([]byte("x"), 300_000))
	out := ask(t, curl, append(base, "--cert", f.cert, "--key", f.key, "-H", "Expect: 100-continue", "--expect100-timeout", "20", "--data-binary", "@"+upload, "https://"+o.Addr()+"/page")...)
	if !strings.Contains(out, "body: 300000 bytes") {
		t.Errorf("300 KB held back until the 100: %s", out)
	}
}

// signal is a key log that says when each handshake has its keys.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) { s <- struct{}{}; return len(p), nil }

// s_server renegotiates when R is typed, and asks for a certificate then.
func TestLabClientAgainstOpenSSLServer(t *testing.T) {
	openssl := need(t, "openssl")
	f := files(t)
	waf, err := f.authority.Issue(certs.Options{Names: []string{"waf"}, Key: certs.RSA, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range opensslCombos(t, openssl) {
		t.Run(c.name(), func(t *testing.T) {
			own := f.rsaOwn
			if c.suite.KX == "ECDHE_ECDSA" {
				own = f.ecdOwn
			}
			addr, typed := opensslServer(t, openssl, own, f.ca, opensslVersion(c.version))
			nc, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
			keys := make(signal, 2)
			conn := tlspeer.Client(nc, tlspeer.Config{MinVersion: c.version, MaxVersion: c.version, Suites: []uint16{c.suite.ID}, Certificate: waf,
				Roots: f.authority.Pool(), ServerName: DefaultName, KeyLog: keys})
			defer conn.Close()
			if err := conn.Handshake(); err != nil {
				t.Fatal(err)
			}
			<-keys
			_, _ = io.WriteString(typed, "R\n")
			go func() {
				select {
				case <-keys: // of the second handshake; without it the read below ends by its deadline
					_, _ = io.WriteString(typed, "done\n")
				case <-t.Context().Done():
				}
			}()
			line := make([]byte, 5)
			_, err = io.ReadFull(conn, line)
			if st := conn.State(); err != nil || string(line) != "done\n" || st.Handshakes != 2 || !st.Secure {
				t.Errorf("read %q, %v, state %+v", line, err, st)
			}
		})
	}
}

// opensslCombos are those of combos that this build of OpenSSL can speak. Distributions build it without 3DES (Debian
// does: the cipher is weak, and off unless asked for), so that these suites meet GnuTLS alone, in TestGnuTLSClient, which
// has them all. No other suite may be missing.
func opensslCombos(t *testing.T, openssl string) []combo {
	t.Helper()
	has, err := exec.Command(openssl, "ciphers", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").Output()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(combos(), func(c combo) bool {
		if bytes.Contains(has, []byte(c.suite.Name+" ")) {
			return false
		}
		if !strings.Contains(c.suite.Name, "_3DES_") {
			t.Errorf("this openssl was built without %s", c.suite.Name)
		}
		return true
	})
}

// opensslServer starts s_server on a port of its own choice and returns its address and its keyboard.
func opensslServer(t *testing.T, openssl string, own *certs.Certificate, ca, version string) (string, io.Writer) {
	t.Helper()
	cert, key := pair(t, own)
	cmd := exec.Command(openssl, "s_server", "-accept", "127.0.0.1:0", "-cert", cert, "-key", key, "-CAfile", ca, version, "-cipher", "ALL:@SECLEVEL=0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() { // "ACCEPT 127.0.0.1:40123"
		if rest, ok := strings.CutPrefix(lines.Text(), "ACCEPT "); ok {
			_, port, err := net.SplitHostPort(strings.TrimSpace(rest))
			if n, _ := strconv.Atoi(port); err != nil || n == 0 {
				t.Fatalf("s_server says %q", lines.Text())
			}
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return "127.0.0.1:" + port, in
		}
	}
	t.Fatal("s_server did not start")
	return "", nil
}
