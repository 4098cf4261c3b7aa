package smuggling_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

// forgeries are fields that no client from outside may say: identity, origin of a request, and what stands behind proxies.
func forgeries() []string {
	return []string{
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-User",
		"Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP", "X-Original-URL", "X-Original-For", "X-Rewrite-URL",
		"Client-Cert", "Client-Cert-Chain", "X-ARR-ClientCert", "X-ARR-LOG-ID", "X-ARR-SSL", "MS-ASPNETCORE-CLIENTCERT", "MS-ASPNETCORE-TOKEN",
		"MS-ASPNETCORE-WINAUTHTOKEN", "X-Client-Cert", "X-SSL-Client-Cert", "X-SSL-Client-Verify", "SSL-Client-Cert", "X-TLS-Client-Cert",
		"X-Remote-User", "Remote-User", "Proxy", "Proxy-Status", "X-Request-Id", "Front-End-Https",
	}
}

// lookAlikes are spellings that origins of the CGI kind take for the same field.
func lookAlikes(name string) []string {
	return []string{name, strings.ToLower(name), strings.ToUpper(name), strings.ReplaceAll(name, "-", "_"), strings.ReplaceAll(name, "-", ".")}
}

// hopByHop are fields of one connection.
func hopByHop() []string {
	return []string{"Keep-Alive: timeout=1", "Proxy-Connection: keep-alive", "TE: gzip", "Upgrade: h2c", "HTTP2-Settings: AAMA", "Proxy-Authorization: Basic eDp5"}
}

const secret = "forged-value"

// forgedFields sends every forgery in every spelling, and hop-by-hop fields: none of them reaches the origin.
func forgedFields(t *testing.T, o *peer.Server) {
	p := sitePolicy{name: "forged", path: "strict", waf: "{mode: off}", network: 4}
	g := start(t, p.yaml(o.Addr))
	i := 0
	ask := func(target string, fields ...string) answers {
		i++
		raw := "GET " + target + " HTTP/1.1\r\nHost: a.test\r\n" + strings.Join(fields, "\r\n") + "\r\n\r\n" + get(target+"-marker")
		return talk(t, p.address(i), g.addr, []byte(raw), false, reading{}.method)
	}
	for n, name := range forgeries() {
		var fields []string
		for _, spelling := range lookAlikes(name) {
			fields = append(fields, spelling+": "+secret)
		}
		if a := ask(fmt.Sprintf("/forged-%d", n), fields...); len(a.final) != 2 || a.final[0].StatusCode != 200 {
			t.Errorf("%s: answers %d", name, a.statuses())
		}
	}
	if a := ask("/hop", append(hopByHop(), "Connection: X-Mine, Keep-Alive, TE", "X-Other: kept")...); len(a.final) != 2 || a.final[0].StatusCode != 200 {
		t.Errorf("hop-by-hop fields: answers %d", a.statuses())
	}
	for n, name := range []string{"Cookie", "Authorization", "Host", "Content-Type", "X-Forwarded-For", "X-Mine"} {
		fields := []string{"Connection: close, " + name}
		if name != "Host" {
			fields = append(fields, name+": "+secret)
		}
		a := ask(fmt.Sprintf("/named-%d", n), fields...)
		if len(a.final) == 0 || a.final[0].StatusCode != 400 || !strings.Contains(a.bodies[0], "http1.bad_header") {
			t.Errorf("Connection names %s: answers %d %q", name, a.statuses(), a.bodies)
		}
	}
	ask("/end-forged")
	o.Await(t, "/end-forged-marker")
	g.records()
	for _, r := range o.Received(t) {
		for _, f := range r.Header {
			if strings.Contains(f[1], secret) {
				t.Errorf("%s reached the origin as %q", r.Target, f)
			}
		}
		switch {
		case strings.HasPrefix(r.Target, "/named-"):
			t.Errorf("%s reached the origin", r.Target)
		case r.Target == "/hop":
			for _, f := range hopByHop() {
				if name, _, _ := strings.Cut(f, ":"); r.Get(name) != "" {
					t.Errorf("%s reached the origin: %q", name, r.Get(name))
				}
			}
			if r.Get("X-Other") != "kept" {
				t.Errorf("X-Other was lost: %q", r.Header)
			}
		case strings.HasPrefix(r.Target, "/forged-") && !strings.HasPrefix(r.Get("X-Forwarded-For"), "127.4."):
			t.Errorf("%s says that it came from %q", r.Target, r.Get("X-Forwarded-For"))
		}
	}
}

// capture is an origin that hands over the bytes of one request and answers 200.
func capture(t *testing.T, until string) (addr string, got chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	got = make(chan string, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			var all strings.Builder
			for !strings.HasSuffix(all.String(), until) {
				b, err := r.ReadByte()
				if err != nil {
					break
				}
				all.WriteByte(b)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = c.Close()
			if strings.HasSuffix(all.String(), until) { // a request that broke off is no request
				got <- all.String()
			}
		}
	}()
	return l.Addr().String(), got
}

// An origin may merge trailers into the header: what no client may say there, it may not say behind the body either.
func TestForgedTrailers(t *testing.T) {
	for _, p := range policies()[:3] {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			addr, got := capture(t, "X-Sum: 1\r\n\r\n")
			g := start(t, p.yaml(addr))
			for _, name := range forgeries() {
				for _, spelling := range lookAlikes(name) {
					raw := "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + spelling + ": " + secret + "\r\nX-Sum: 1\r\n\r\n"
					a := talk(t, "127.0.0.1", g.addr, []byte(raw), false, func(int) string { return "POST" })
					if len(a.final) != 1 {
						t.Fatalf("%s: answers %d", spelling, a.statuses())
					}
					if a.final[0].StatusCode == 400 && strings.Contains(a.bodies[0], "http1.bad_trailer") {
						continue // refused: nothing of it is forwarded
					}
					if seen := <-got; strings.Contains(seen, secret) || !strings.Contains(seen, "X-Sum: 1") {
						t.Errorf("%s: the origin received %q", spelling, seen)
					}
				}
			}
		})
	}
}
