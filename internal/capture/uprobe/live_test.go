//go:build linux && amd64

package uprobe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// open starts a reader, or skips the test and says why it cannot be.
func open(t *testing.T, cfg uprobe.Config) *uprobe.Reader {
	t.Helper()
	if err := uprobe.Allowed(); err != nil {
		t.Skip(err)
	}
	r, err := uprobe.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// keyLog is the oracle: what the other side of the connection wrote itself.
type keyLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *keyLog) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(b)
}

func (k *keyLog) lines() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Split(strings.TrimSpace(k.text.String()), "\n")
}

// server answers over TLS of one version, in this process, which is not traced.
func server(t *testing.T, version uint16) (*httptest.Server, *keyLog) {
	t.Helper()
	log := &keyLog{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello from the origin") }))
	s.TLS = &tls.Config{MinVersion: version, MaxVersion: version, KeyLogWriter: log}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, log
}

// same fetches secrets until all lines of the oracle have come, of so many connections, and wants no line that contradicts it.
func same(t *testing.T, r *uprobe.Reader, program string, oracle []string, connections int) (lines []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	missing, randoms := slices.Clone(oracle), map[string]bool{}
	for len(missing) > 0 || len(randoms) < connections {
		s, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("missing are %d of %d lines, and %d of %d connections came: %v; hooked: %+v", len(missing), len(oracle), len(randoms), connections, err, r.Attached())
		}
		line := string(s.Line)
		words := strings.Fields(line)
		randoms[words[1]] = true
		if s.Program != program || s.PID < 2 || s.Library == "" {
			t.Errorf("secret of %q (%d, %q), want one of %q", s.Program, s.PID, s.Library, program)
		}
		if i := slices.Index(missing, line); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		} else if words[0] != "EXPORTER_SECRET" && !strings.Contains(strings.Join(oracle, " "), words[2]) {
			// Go's key log has no line for a connection of TLS 1.2 that resumes a session: its secret is that of the session.
			t.Errorf("a secret that the other side does not know, from %s: %.60s…", s.Library, line)
		}
		lines = append(lines, line)
	}
	return lines
}

// versions runs a test for both.
func versions(t *testing.T, test func(t *testing.T, version uint16, name string)) {
	for v, name := range map[uint16]string{tls.VersionTLS12: "1.2", tls.VersionTLS13: "1.3"} {
		t.Run(name, func(t *testing.T) { test(t, v, name) })
	}
}

// opened counts the HTTP messages that tshark reads in a capture with these lines.
func opened(t *testing.T, capture, port string, lines []string) int {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(keys, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), peer.Need(t, "tshark", "tshark"), "-r", capture, "-o", "tls.keylog_file:"+keys, "-d", "tcp.port=="+port+",tls", "-Y", "http", "-T", "fields", "-e", "frame.number")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return len(strings.Fields(string(out)))
}

func portOf(url string) string { return url[strings.LastIndexByte(url, ':')+1:] }

// TestNginxOriginLeg is what the issue asks: a real nginx, neither restarted nor configured for it; its origin leg opens in tshark.
func TestNginxOriginLeg(t *testing.T) {
	versions(t, func(t *testing.T, version uint16, _ string) {
		origin, log := server(t, version)
		nginx := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}}; location / { proxy_pass " + origin.URL + "; proxy_ssl_protocols TLSv1.2 TLSv1.3; } }"})
		r := open(t, uprobe.Config{PIDs: []int{nginx.PID}})
		capture := peer.Capture(t, []string{origin.Listener.Addr().String()}, func() {
			for range 3 {
				if res := peer.Curl(t, "http://"+nginx.Addr+"/"); string(res.Body) != "hello from the origin" {
					t.Errorf("curl got %d %q", res.Status, res.Body)
				}
			}
		})
		lines := same(t, r, "nginx", log.lines(), 3)
		port := portOf(origin.URL)
		if n := opened(t, capture, port, nil); n != 0 {
			t.Errorf("tshark reads %d messages without secrets", n)
		}
		if n := opened(t, capture, port, lines); n != 6 {
			t.Errorf("tshark reads %d messages with the secrets, want 3 requests and 3 answers", n)
		}
		if n := r.Lost(); n != 0 {
			t.Errorf("%d secrets were lost", n)
		}
	})
}

// TestApache reads the server's side.
func TestApache(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"a.test"}})
	versions(t, func(t *testing.T, version uint16, name string) {
		apache := peer.Apache(t, peer.ApacheConfig{MinTLS: name, MaxTLS: name, Sites: []peer.ApacheSite{{Name: "a.test", Cert: cert}}})
		r := open(t, uprobe.Config{PIDs: []int{apache.PID}})
		log := get(t, "https://"+apache.Addr+"/", 2)
		same(t, r, "apache2", log.lines(), 2)
	})
}

// get asks n times, each on a new connection, and returns the secrets of our side.
func get(t *testing.T, url string, n int) *keyLog {
	t.Helper()
	log := &keyLog{}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "a.test", KeyLogWriter: log}}} // the name is not what is tested
	for range n {
		res, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	return log
}

// TestHAProxyOriginLeg reads the leg to the origin.
func TestHAProxyOriginLeg(t *testing.T) {
	versions(t, func(t *testing.T, version uint16, _ string) {
		origin, log := server(t, version)
		h := peer.HAProxy(t, peer.HAProxyConfig{Text: "global\n  nbthread 2\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\nfrontend f\n  bind {{addr}}\n  default_backend b\nbackend b\n  server o " +
			origin.Listener.Addr().String() + " ssl verify none\n"})
		r := open(t, uprobe.Config{PIDs: []int{h.PID}})
		if res := peer.Curl(t, "http://"+h.Addr+"/"); res.Status != 200 {
			t.Fatalf("curl got %d: %s", res.Status, res.Stderr)
		}
		same(t, r, "haproxy", log.lines(), 1)
	})
}

// TestPrograms reads programs that start after the reader and end at once: OpenSSL behind curl and Python, OpenSSL driven by
// SSL_write, GnuTLS.
func TestPrograms(t *testing.T) {
	const python = "import ssl,socket,sys;c=ssl._create_unverified_context();s=c.wrap_socket(socket.create_connection(('127.0.0.1',int(sys.argv[1]))));" +
		"s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n');print(s.read())"
	for _, p := range []struct {
		name, debian string
		args         func(url, port string) []string
		input        bool
	}{
		{"curl", "curl", func(url, _ string) []string { return []string{"-qsk", url} }, false},
		{"wget", "wget", func(url, _ string) []string { return []string{"--no-check-certificate", "-qO-", url} }, false},
		{"openssl", "openssl", func(_, port string) []string {
			return []string{"s_client", "-quiet", "-connect", "127.0.0.1:" + port}
		}, true},
		{"gnutls-cli", "gnutls-bin", func(_, port string) []string { return []string{"--insecure", "-p", port, "127.0.0.1"} }, true},
		{"python3", "python3", func(_, port string) []string { return []string{"-c", python, port} }, false},
	} {
		t.Run(p.name, func(t *testing.T) {
			path := "/usr/bin/" + p.name // and not what a developer has put before it
			peer.NeedFile(t, path, p.debian)
			real, err := filepath.EvalSymlinks(path)
			if err != nil {
				t.Fatal(err)
			}
			r := open(t, uprobe.Config{Exe: []string{real}})
			versions(t, func(t *testing.T, version uint16, _ string) {
				origin, log := server(t, version)
				run(t, path, p.input, p.args(origin.URL, portOf(origin.URL))...)
				// It has ended, so the name may be what the kernel kept of it, and that of its start.
				lines := log.lines()
				sameAny(t, r, []string{p.name, filepath.Base(real)}, lines)
			})
		})
	}
}

// sameAny is same for a program with several names.
func sameAny(t *testing.T, r *uprobe.Reader, names []string, oracle []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for missing := slices.Clone(oracle); len(missing) > 0; {
		s, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("%d of %d lines are missing, the first is %.60s…: %v; hooked: %+v", len(missing), len(oracle), missing[0], err, r.Attached())
		}
		if !slices.Contains(names, s.Program) {
			continue // another process of this machine may run the same program
		}
		missing = slices.DeleteFunc(missing, func(l string) bool { return l == string(s.Line) })
	}
}

// run runs a program until the server's answer has come; those that read their input are given a request and no end of it.
func run(t *testing.T, path string, input bool, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var in io.WriteCloser
	if input {
		var err error
		if in, err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = io.Discard
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if input {
		_, _ = io.WriteString(in, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	}
	var got bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), "hello from the origin") {
		n, err := out.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if input {
		_ = in.Close()
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // gnutls-cli calls a close without close_notify a failure
	if !strings.Contains(got.String(), "hello from the origin") {
		t.Fatalf("%s %v got %q", path, args, got.String())
	}
}

// TestGo reads a Go program, with and without its symbols, and one that is loaded at an address chosen at its start.
func TestGo(t *testing.T) {
	source := filepath.Join(t.TempDir(), "main.go")
	text := "package main\n\nimport (\n\t\"crypto/tls\"\n\t\"io\"\n\t\"net/http\"\n\t\"os\"\n)\n\nfunc main() {\n\tc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}\n" +
		"\tres, err := c.Get(os.Args[1])\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tio.Copy(os.Stdout, res.Body)\n}\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, flags := range map[string][]string{"symbols": {}, "stripped": {"-ldflags=-s -w"}, "pie": {"-buildmode=pie", "-ldflags=-s -w"}, "cgo": {"-tags=netcgo", "-ldflags=-s -w -linkmode=external"}} {
		t.Run(name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "goclient")
			build := exec.CommandContext(t.Context(), "go", append(append([]string{"build", "-o", program}, flags...), source)...)
			if build.Env = append(os.Environ(), "CGO_ENABLED=0"); name == "cgo" {
				peer.Need(t, "gcc", "gcc")
				build.Env = append(os.Environ(), "CGO_ENABLED=1")
			}
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			r := open(t, uprobe.Config{Exe: []string{program}})
			versions(t, func(t *testing.T, version uint16, _ string) {
				origin, log := server(t, version)
				run(t, program, false, origin.URL)
				same(t, r, "goclient", log.lines(), 1)
			})
		})
	}
}

// TestBystander: a process that nobody asked for gives nothing, though its library is hooked.
func TestBystander(t *testing.T) {
	asked, askedLog := server(t, tls.VersionTLS13)
	other, _ := server(t, tls.VersionTLS13)
	dir := t.TempDir()
	program := filepath.Join(dir, "asked")
	data, err := os.ReadFile(peer.Need(t, "curl", "curl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o755); err != nil {
		t.Fatal(err)
	}
	r := open(t, uprobe.Config{Exe: []string{program}})
	run(t, peer.Need(t, "curl", "curl"), false, "-qsk", other.URL)
	run(t, program, false, "-qsk", asked.URL)
	same(t, r, "asked", askedLog.lines(), 1) // in order: what curl had given would stand before
}

// TestOpenBefore: a TLS 1.2 connection that was open before gives its secret when it is used again.
func TestOpenBefore(t *testing.T) {
	cert := peer.NewCA(t).Issue(peer.Issue{Names: []string{"a.test"}})
	nginx := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.2; }", cert.File, cert.Key)})
	log := &keyLog{}
	conn, err := tls.Dial("tcp", nginx.Addr, &tls.Config{InsecureSkipVerify: true, KeyLogWriter: log})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ask := func() {
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		if n, err := conn.Read(buf); err != nil || !bytes.HasPrefix(buf[:n], []byte("HTTP/1.1 200")) {
			t.Fatalf("read: %v %q", err, buf[:n])
		}
	}
	ask()
	r := open(t, uprobe.Config{PIDs: []int{nginx.PID}})
	ask()
	same(t, r, "nginx", log.lines(), 1)
}

// TestRefused: what cannot be is said.
func TestRefused(t *testing.T) {
	for _, cfg := range []uprobe.Config{{}, {PIDs: []int{-1}}, {Exe: []string{""}}, {PIDs: make([]int, 1025)}, {PIDs: []int{1 << 30}}} {
		if r, err := uprobe.Open(cfg); err == nil {
			t.Errorf("opened %+v", cfg)
			_ = r.Close()
		}
	}
}

// TestClose ends a Next that waits.
func TestClose(t *testing.T) {
	r := open(t, uprobe.Config{Exe: []string{"/nowhere/at/all"}})
	ended := make(chan error, 1)
	go func() {
		_, err := r.Next(context.Background())
		ended <- err
	}()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != uprobe.ErrClosed {
		t.Errorf("Next returned %v", err)
	}
	if _, err := r.Next(context.Background()); err != uprobe.ErrClosed {
		t.Errorf("Next after Close returned %v", err)
	}
}
