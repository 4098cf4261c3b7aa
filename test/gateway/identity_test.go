package gateway_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
)

// ntlmOrigin authenticates connections, not requests, as IIS does with NTLM: the first request gets 401 and a challenge,
// the second proves who asks, and from then on every request on that connection is that user's, whoever sends it.
func ntlmOrigin(t testing.TB) (addr string) {
	t.Helper()
	return dummy(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		user, challenged := "", false
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			text, field, status := "you are "+user, "", 200
			proof, given := strings.CutPrefix(r.Header.Get("Authorization"), "NTLM ")
			switch {
			case given && proof == "hello":
				status, challenged, field, user = 401, true, "WWW-Authenticate: NTLM challenge\r\n", ""
			case given && challenged:
				user, challenged = proof, false
				text = "you are " + user
			case given: // a proof for a challenge of another connection
				status, text = 401, "what challenge?"
			case user == "":
				status, field = 401, "WWW-Authenticate: NTLM\r\n"
			}
			fmt.Fprintf(c, "HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s", status, field, len(text), text)
		}
	})
}

// TestIdentityPerConnection lets users authenticate to such an origin at once, over HTTP/1.1 and HTTP/2, on a pool of
// connections that also serves strangers: nobody is ever served as somebody else.
func TestIdentityPerConnection(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.site("ntlm.test", fmt.Sprintf("\n    origin: {urls: [\"http://%s\"]}\n    waf: {mode: \"off\"}\n", ntlmOrigin(t))))
	const url, rounds = "https://ntlm.test/", 40
	var wg sync.WaitGroup
	for i, h2 := range []bool{false, true, true, false} {
		c, user := g.client(t, h2), fmt.Sprint("user", i)
		wg.Go(func() {
			for range rounds {
				// The connection may have ended in between: then the origin challenges anew, as it does to browsers.
				if a := get(t, c, url, "Authorization", "NTLM hello"); a.status != 401 || a.header.Get("WWW-Authenticate") != "NTLM challenge" {
					t.Errorf("%s: %d %q", user, a.status, a.header.Get("WWW-Authenticate"))
					return
				}
				if a := get(t, c, url, "Authorization", "NTLM "+user); a.status != 200 || a.body != "you are "+user {
					t.Errorf("%s is told %d %q", user, a.status, a.body)
					return
				}
				if a := get(t, c, url); a.status != 200 || a.body != "you are "+user {
					t.Errorf("%s is told %d %q without proof", user, a.status, a.body)
					return
				}
			}
		})
		stranger := g.client(t, h2)
		wg.Go(func() {
			for range rounds {
				if a := get(t, stranger, url); a.status != 401 {
					t.Errorf("a stranger is told %d %q", a.status, a.body)
					return
				}
			}
		})
	}
	wg.Wait()
	owner := map[uint64]uint64{} // origin connection → client connection, from its first authorised request on
	for _, r := range g.log.all(t, 4*4*rounds, func(*telemetry.Record) bool { return true }) {
		a := last(t, r)
		if was, ok := owner[a.Connection]; ok && was != r.Client.Connection {
			t.Errorf("origin connection %d served client connections %d and %d", a.Connection, was, r.Client.Connection)
		}
		if r.Status == 200 {
			owner[a.Connection] = r.Client.Connection
		}
	}
}

// TestCertificateIdentity binds an origin connection on which the gateway showed its certificate to one client.
func TestCertificateIdentity(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	cert := p.Issue(peer.Issue{CommonName: "gateway", Client: true})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", r.RemoteAddr, " ", r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: p.Pool(), Certificates: []tls.Certificate{p.Issue(peer.Issue{Names: []string{"origin.test"}}).TLS}}
	s.EnableHTTP2 = true // auto.test speaks it, where one connection could carry everybody's requests at once
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	site := func(name, share, version string) string {
		return p.site(name, fmt.Sprintf("\n    origin: {urls: [%q], host: origin.test, http: %q, tls: {ca: %s, client_certificate: {file: %s, key: %s}%s}}\n    waf: {mode: \"off\"}\n",
			s.URL, version, p.File, cert.File, cert.Key, share))
	}
	g := start(t, listens+"sites:\n"+site("own.test", "", "1.1")+site("shared.test", ", share_connections: true", "1.1")+site("auto.test", "", "auto"))
	asked := 0
	ask := func(c *http.Client, name string) answer { // once it is in the log, its connection is back in the pool
		a := get(t, c, "https://"+name+"/")
		asked++
		g.log.all(t, asked, func(*telemetry.Record) bool { return true })
		return a
	}
	for name, shared := range map[string]bool{"own.test": false, "shared.test": true, "auto.test": false} {
		seen := map[string]int{}
		for i := range 4 {
			c := g.client(t, i%2 == 0)
			first, second := ask(c, name), ask(c, name)
			if first.status != 200 || first.body != second.body || !strings.HasSuffix(first.body, " gateway") {
				t.Errorf("%s: one client is told %d %q, then %q", name, first.status, first.body, second.body)
			}
			seen[first.body]++
			if want := map[bool]string{false: "HTTP/1.1 ", true: "HTTP/2.0 "}[name == "auto.test"]; !strings.HasPrefix(first.body, want) {
				t.Errorf("%s: %q, want %s", name, first.body, want)
			}
		}
		if want := map[bool]int{false: 4, true: 1}[shared]; len(seen) != want {
			t.Errorf("%s: four clients went over %d connections, want %d: %v", name, len(seen), want, seen)
		}
	}
}
