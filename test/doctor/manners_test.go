package doctor

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/test/peer"
)

const token = "Bearer not-for-strangers-0123456789"

// listener remembers which credentials it was handed.
type listener struct {
	mu    sync.Mutex
	heard []string
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Header.Get("Authorization") != "" {
		l.heard = append(l.heard, r.Host+" "+r.URL.Path)
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		l.heard = append(l.heard, "certificate")
	}
	_, _ = io.WriteString(w, "hello")
}

// told are the credentials that were heard since the last time.
func (l *listener) told() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := strings.Join(l.heard, ", ")
	l.heard = nil
	return out
}

func serve(t *testing.T, l *listener) (s *httptest.Server, ca string) {
	t.Helper()
	s = httptest.NewUnstartedServer(l)
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, ca
}

// TestCredentials holds that what the caller gave for his site goes to nobody who does not prove to be it.
func TestCredentials(t *testing.T) {
	t.Parallel()
	l, sister := new(listener), new(listener)
	s, ca := serve(t, l)
	other, _ := serve(t, sister)
	cert := peer.NewCA(t).Issue(peer.Issue{CommonName: "mine", Client: true})
	at := strings.TrimPrefix(s.URL, "https://")
	base := ask("example.com", "/a", at, "--header", "Authorization: "+token, "--client-cert", cert.File, "--client-key", cert.Key)
	got := examine(t, -1, base...)
	if heard := l.told(); heard != "" || !got.said("renegotiation", "--header left out: the certificate is not trusted (cert.") {
		t.Errorf("not trusted: it heard %q: %+v", heard, got.Lines)
	}
	examine(t, -1, append(base, "--origin-is-mine")...)
	if heard := l.told(); !strings.Contains(heard, "/a") || !strings.Contains(heard, "certificate") {
		t.Errorf("vouched for: it heard %q", heard)
	}
	got = examine(t, -1, append(base, "--ca", ca, "--compare-with", "https://example.com/", "--compare-origin", strings.TrimPrefix(other.URL, "https://"))...)
	heard := l.told()
	if !strings.Contains(heard, "example.com /a") || !strings.Contains(heard, "certificate") || strings.Contains(heard, "invalid") {
		t.Errorf("trusted: it heard %q", heard)
	}
	if heard := sister.told(); heard != "" || got.Compared == nil {
		t.Errorf("the sister heard %q, compared with %v", heard, got.Compared)
	}
}

// TestNothingInClear holds that an https site is asked in clear for its root alone, whatever breaks its handshakes.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	heard := make(chan string, 100)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err == nil {
					heard <- r.RequestURI + " " + r.Header.Get("Authorization")
				}
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			}()
		}
	}()
	got := examine(t, 1, ask("clear.test", "/a?key=1", ln.Addr().String(), "--header", "Authorization: "+token)...)
	for len(heard) > 0 {
		if h := <-heard; h != "/ " {
			t.Errorf("it heard %q", h)
		}
	}
	if !strings.Contains(got.Settings.Unknown, "speaks HTTP in clear") {
		t.Error(got.Settings.Unknown)
	}
	if !got.said("tls", "--header left out") || got.first() != "tls.tls_to_plain_port" {
		t.Errorf("%s %+v", got.all(), got.Lines)
	}
}

// TestEndlessHead holds that a head without end is given up, and that texts of the origin stay short.
func TestEndlessHead(t *testing.T) {
	t.Parallel()
	for _, begin := range []string{"HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\nX: ", "\x15\x03\x01 "} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
						return
					}
					_, err := io.WriteString(c, begin)
					for more := bytes.Repeat([]byte("y"), 64<<10); err == nil; {
						_, err = c.Write(more)
					}
				}()
			}
		}()
		got := examine(t, -1, "http://endless.test/", "--origin", ln.Addr().String())
		if !got.said("request", "longer than 1024 KiB") && begin[0] == 'H' {
			t.Errorf("%q: %+v", begin, got.Lines)
		}
		for _, l := range got.Lines {
			if len(l.Text) > 1100 {
				t.Errorf("%q: a line of %d bytes", begin, len(l.Text))
			}
		}
	}
}

// TestMasked holds that secrets in a path are shown nowhere, and that a file that cannot be written is told before anything is asked.
func TestMasked(t *testing.T) {
	t.Parallel()
	l := new(listener)
	s, ca := serve(t, l)
	at := strings.TrimPrefix(s.URL, "https://")
	name := filepath.Join(t.TempDir(), "w.pcapng")
	for _, format := range []string{"text", "json"} {
		var out, errs bytes.Buffer
		args := append([]string{"doctor", "--format", format}, ask("example.com", "/", at, "--ca", ca, "--path", "/a?token=SECRET1&password=SECRET2&b=1", "--write", name)...)
		code := cli.Main(t.Context(), args, &out, &errs)
		if format == "text" && (code != 0 || strings.Contains(out.String(), "SECRET") || !strings.Contains(out.String(), "b=1")) {
			t.Errorf("exit code %d: %s %s", code, errs.String(), out.String())
		}
		if format == "json" && (code != 2 || out.Len() > 0) { // the file is there
			t.Errorf("exit code %d: %s %s", code, errs.String(), out.String())
		}
	}
	got := examine(t, 0, ask("example.com", "/", at, "--ca", ca, "--path", "/a?token=SECRET1")...)
	if strings.Contains(got.raw, "SECRET") {
		t.Error(got.raw)
	}
}
