package peer_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

// TestApacheAsksToRenegotiate shows that a Location with SSLVerifyClient makes Apache send a HelloRequest on TLS 1.2:
// a record of type 22 from the server behind our first application data.
func TestApacheAsksToRenegotiate(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	client := ca.Issue(peer.Issue{CommonName: "client", Client: true})
	s := peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Sites: []peer.ApacheSite{
		{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}, RSA: 2048}), Locations: []peer.ApacheLocation{
			{Path: "/optional", VerifyClient: "optional", Extra: "SetHandler reflector"},
			{Path: "/require", VerifyClient: "require", Extra: "SetHandler reflector"},
		}},
	}})
	for _, c := range []struct {
		name, path  string
		certificate bool
		support     tls.RenegotiationSupport
		status      int // 0: the connection dies
		asked       bool
	}{
		{"plain", "/index.html", false, tls.RenegotiateNever, 200, false},
		{"optional, refused", "/optional", false, tls.RenegotiateNever, 0, true},
		{"optional, none", "/optional", false, tls.RenegotiateFreelyAsClient, 200, true},
		{"require, none", "/require", false, tls.RenegotiateFreelyAsClient, 0, true},
		{"require, given", "/require", true, tls.RenegotiateFreelyAsClient, 200, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := &tls.Config{RootCAs: ca.Pool(), ServerName: "a.test", MaxVersion: tls.VersionTLS12, Renegotiation: c.support}
			if c.certificate {
				cfg.Certificates = []tls.Certificate{client.TLS}
			}
			status, asked, err := exchange(s.Addr, cfg, c.path)
			if status != c.status || asked != c.asked {
				t.Errorf("status %d, HelloRequest %v (%v), want %d, %v", status, asked, err, c.status, c.asked)
			}
		})
	}
}

// exchange sends one POST and returns the status, 0 without, and whether the server sent a handshake record after it.
func exchange(addr string, cfg *tls.Config, path string) (status int, asked bool, err error) {
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, false, err
	}
	defer raw.Close()
	tap := &recordTap{Conn: raw}
	conn := tls.Client(tap, cfg)
	if err := conn.Handshake(); err != nil {
		return 0, false, err
	}
	tap.armed = true
	if _, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", path); err != nil {
		return 0, tap.asked, err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "POST"})
	if err != nil {
		return 0, tap.asked, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, tap.asked, err
}

// recordTap follows the record headers that the server sends.
type recordTap struct {
	net.Conn
	armed, asked bool
	seen         bytes.Buffer
}

func (c *recordTap) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.seen.Write(p[:n])
	for b := c.seen.Bytes(); len(b) >= 5; b = c.seen.Bytes() {
		length := 5 + int(b[3])<<8 + int(b[4])
		if len(b) < length {
			break
		}
		const handshake = 22
		if c.armed && b[0] == handshake {
			c.asked = true
		}
		c.seen.Next(length)
	}
	return n, err
}

// recorder is a test that only notes how it ended.
type recorder struct {
	testing.TB
	outcome, text string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { r.end("skip", fmt.Sprintf(format, args...)) }

func (r *recorder) Fatalf(format string, args ...any) { r.end("fatal", fmt.Sprintf(format, args...)) }

func (r *recorder) end(outcome, text string) {
	r.outcome, r.text = outcome, text
	runtime.Goexit()
}
