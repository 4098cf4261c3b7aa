package listener

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// tunnelTo is a listener that passes a.test through to what dial opens.
func tunnelTo(t *testing.T, addr string, s Settings) *rig {
	return start(t, Config{TLS: true, Settings: s, Sites: &SiteTable{Names: map[string]*SiteTLS{"a.test": {Name: "a.test", Passthrough: true}}},
		Dial: func(_ context.Context, site string, _ *exchange.Client, a *exchange.Attempt) (net.Conn, error) {
			begin := time.Now()
			c, err := net.Dial("tcp", addr)
			a.Connect, a.URL = time.Since(begin), site
			return c, reasonOrNil(err)
		},
	}, handlerFunc(func(_ context.Context, x *exchange.Exchange) { t.Errorf("the handler got %+v", x.Request) }))
}

func reasonOrNil(err error) error {
	if err == nil {
		return nil
	}
	return reason.FromNet(err, reason.PhaseConnect)
}

// rawOrigin accepts one connection and gives it to f.
func rawOrigin(t *testing.T, f func(c net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_ = c.SetDeadline(time.Now().Add(patience))
		f(c)
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

func TestTunnel(t *testing.T) {
	ca := newAuthority(t, "test CA")
	cert := ca.issue(t, nil, "a.test")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			addr := rawOrigin(t, func(c net.Conn) {
				tc := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: version, MaxVersion: version})
				in, _ := io.ReadAll(tc) // the client's end arrives, and ours can still go the other way
				_, _ = tc.Write(append([]byte("got "), in...))
				_ = tc.Close()
			})
			r := tunnelTo(t, addr, Settings{})
			c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "a.test"})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, "hello")
			_ = c.CloseWrite()
			out, err := io.ReadAll(c)
			if string(out) != "got hello" || err != nil {
				t.Errorf("got %q, %v", out, err)
			}
			_ = c.Close()
			x := r.record()
			a := x.Attempts[0]
			if x.Site != "a.test" || x.Answer.Reason != "" || a.TLSVersion != version || a.SNI != "a.test" || a.BytesSent == 0 || a.BytesReceived == 0 || a.TLS < 0 {
				t.Errorf("record %+v\nattempt %+v", x.Answer, a)
			}
		})
	}
}

func TestTunnelFaults(t *testing.T) {
	alert := tlswire.AppendRecord(nil, tlswire.TypeAlert, 0x0303, []byte{2, 40})
	tests := []struct {
		name   string
		origin func(c net.Conn)
		code   reason.Code
		detail string
	}{
		{"alert", func(c net.Conn) { _, _ = c.Write(alert); _, _ = io.Copy(io.Discard, c) }, reason.TLSAlert, "40 handshake_failure"},
		{"end", func(c net.Conn) { _, _ = bufio.NewReader(c).ReadByte() }, "", ""},
		{"plain HTTP", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, reason.TLSNotTLS, "first bytes of the origin"},
		{"silence", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, reason.TLSTimeout, "origin in the handshake"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Settings
			if tt.name == "silence" { // the others have all the time that they need
				s.TunnelIdle = 100 * time.Millisecond
			}
			r := tunnelTo(t, rawOrigin(t, tt.origin), s)
			if _, err := r.tlsDial(&tls.Config{ServerName: "a.test"}); err == nil {
				t.Error("the handshake passed")
			}
			x := r.record()
			if tt.code == "" { // FIN or reset, as the kernel had unread bytes or not
				if c := x.Answer.Reason; c != reason.TLSEOF && c != reason.TLSReset {
					t.Errorf("reason %s", c)
				}
				return
			}
			if x.Answer.Reason != tt.code || x.Answer.Detail != tt.detail {
				t.Errorf("record %s (%s), want %s (%s)", x.Answer.Reason, x.Answer.Detail, tt.code, tt.detail)
			}
		})
	}
}

func TestTunnelRefusedConnect(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	r := tunnelTo(t, ln.Addr().String(), Settings{})
	_, err = r.tlsDial(&tls.Config{ServerName: "a.test"})
	if n, remote, ok := alertOf(err); !ok || !remote || n != tlswire.AlertInternalError {
		t.Errorf("client got %v, want alert 80", err)
	}
	if x := r.record(); x.Answer.Reason != reason.TCPRefused {
		t.Errorf("reason %s", x.Answer.Reason)
	}
}

// opensslServer runs s_server -www, whose page /reneg renegotiates, until the test ends.
func opensslServer(t *testing.T, ca *authority) string {
	t.Helper()
	openssl := tool(t, "openssl")
	dir := t.TempDir()
	cert := ca.issue(t, nil, "a.test")
	key, _ := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	file := filepath.Join(dir, "both.pem")
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	cmd := exec.CommandContext(ctx, openssl, "s_server", "-accept", "127.0.0.1:0", "-www", "-tls1_2", "-cert", file, "-key", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var faults bytes.Buffer
	cmd.Stderr = &faults
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	addr := ""
	for addr == "" && lines.Scan() {
		if _, after, ok := strings.Cut(lines.Text(), "ACCEPT "); ok {
			addr = after
		}
	}
	drained := make(chan struct{})
	go func() { defer close(drained); _, _ = io.Copy(io.Discard, out) }()
	t.Cleanup(func() { cancel(); <-drained; _ = cmd.Wait() })
	if addr == "" {
		t.Fatalf("s_server did not start: %s", faults.String())
	}
	return addr
}

func TestTunnelSeesRenegotiation(t *testing.T) {
	ca := newAuthority(t, "test CA")
	for _, tt := range []struct {
		name   string
		client tls.RenegotiationSupport
		code   reason.Code
	}{{"answered", tls.RenegotiateFreelyAsClient, ""}, {"refused", tls.RenegotiateNever, reason.TLSRenegotiationAsked}} {
		t.Run(tt.name, func(t *testing.T) {
			r := tunnelTo(t, opensslServer(t, ca), Settings{})
			c, err := r.tlsDial(&tls.Config{RootCAs: ca.pool, ServerName: "a.test", MaxVersion: tls.VersionTLS12, Renegotiation: tt.client})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.WriteString(c, "GET /reneg HTTP/1.0\r\n\r\n")
			_, _ = io.ReadAll(c)
			_ = c.Close()
			x := r.record()
			a := x.Attempts[0]
			seen := false
			for _, f := range a.Facts {
				seen = seen || f.Kind == fact.TLSHelloRequest && f.Side == fact.SideServer
			}
			if x.Answer.Reason != tt.code || a.Renegotiations != 1 || !seen {
				t.Errorf("reason %q, renegotiations %d, facts %+v", x.Answer.Reason, a.Renegotiations, a.Facts)
			}
		})
	}
}
