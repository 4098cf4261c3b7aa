package httptimeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// relay passes connections on and shows a Timeline what goes by.
type relay struct {
	addr string
	ln   net.Listener
	wg   sync.WaitGroup

	mu    sync.Mutex // one for all: facts of a connection stay in order
	tick  int
	seen  []*played
	lines []*Timeline
}

func newRelay(t *testing.T, upstream string) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{addr: ln.Addr().String(), ln: ln}
	r.wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", upstream)
			if err != nil {
				client.Close()
				return
			}
			p := &played{}
			tl := New(Config{Bodies: 64, Fact: func(f fact.Fact) { p.facts = append(p.facts, f) }, Done: func(x *Exchange) { p.done = append(p.done, x) }})
			r.mu.Lock()
			r.seen, r.lines = append(r.seen, p), append(r.lines, tl)
			r.mu.Unlock()
			r.wg.Go(func() { r.copy(tl, fact.SideClient, server, client) })
			r.wg.Go(func() { r.copy(tl, fact.SideServer, client, server) })
		}
	})
	t.Cleanup(func() { r.close() })
	return r
}

// copy passes one direction on; what is seen is seen before it arrives.
func (r *relay) copy(tl *Timeline, side fact.Side, dst, src net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := src.Read(buf)
		r.mu.Lock()
		r.tick++
		if n > 0 {
			tl.Data(side, stamp(r.tick), buf[:n])
		}
		if err != nil {
			tl.End(side, stamp(r.tick), fact.TCPClosed)
		}
		r.mu.Unlock()
		if _, werr := dst.Write(buf[:n]); err != nil || werr != nil {
			if c, ok := dst.(*net.TCPConn); ok {
				_ = c.CloseWrite()
			}
			return
		}
	}
}

// close waits for the connections to end and returns what was seen of each.
func (r *relay) close() []*played {
	r.ln.Close()
	r.wg.Wait()
	for i, tl := range r.lines {
		r.seen[i].proto = tl.Proto()
	}
	return r.seen
}

// clean fails where an exchange is not whole, or something is called broken.
func clean(t *testing.T, seen []*played) {
	t.Helper()
	for _, p := range seen {
		for _, x := range p.done {
			if x.Reset != "" || len(x.Broken) > 0 || !x.Request.Complete || !x.Response.Complete {
				t.Errorf("not clean: %s", exchangeLine(x))
			}
		}
		for _, f := range p.facts {
			if f.Kind == fact.HTTPBroken || f.Kind == fact.HTTPCutShort {
				t.Errorf("not clean: %s", factLine(f))
			}
		}
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// h2cServer is net/http with HTTP/2 in clear: /echo answers with what it got, /trailer with trailers.
func h2cServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/trailer", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "4")
	})
	srv := &http.Server{Handler: mux, Protocols: new(http.Protocols)}
	srv.Protocols.SetHTTP1(true)
	srv.Protocols.SetUnencryptedHTTP2(true)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = srv.Serve(ln) })
	t.Cleanup(func() { srv.Close(); wg.Wait() })
	return ln.Addr().String()
}

func TestGoHTTP2(t *testing.T) {
	r := newRelay(t, h2cServer(t))
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	body := bytes.Repeat([]byte("0123456789abcdef"), 40<<10) // 640 KiB: several windows
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			part := body[i:]
			resp, err := tr.RoundTrip(mustRequest(t, "POST", "http://"+r.addr+"/echo", bytes.NewReader(part)))
			if err != nil {
				t.Error(err)
				return
			}
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, part) {
				t.Errorf("echo of %d bytes: %v", len(got), err)
			}
			resp.Body.Close()
		})
	}
	wg.Wait()
	resp, err := tr.RoundTrip(mustRequest(t, "GET", "http://"+r.addr+"/trailer", nil))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(resp.Body)
	resp.Body.Close()
	tr.CloseIdleConnections()
	seen := r.close()
	clean(t, seen)
	echoes := 0
	for _, p := range seen {
		for _, x := range p.done {
			switch x.Request.Head.Target {
			case "/echo":
				echoes++
				want := digest(body[len(body)-int(x.Request.Size):])
				if x.Request.SHA256 != want || x.Response.SHA256 != want || x.Request.Head.Authority != r.addr {
					t.Errorf("digest differs: %s", exchangeLine(x))
				}
			case "/trailer":
				if len(x.Response.Trailers) != 1 || x.Response.Trailers[0] != (fact.Field{Name: "x-sum", Value: "4"}) || x.Response.Size != 4 || len(x.Interim) != 1 {
					t.Errorf("no trailer: %s", exchangeLine(x))
				}
			}
		}
		if len(p.done) > 0 && p.proto != "HTTP/2" { // Go dials once per request at first, and uses one
			t.Errorf("proto %q", p.proto)
		}
	}
	if echoes != 20 {
		t.Errorf("%d exchanges of 20", echoes)
	}
}

func mustRequest(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Error(err)
	}
	return req
}

func TestCurl(t *testing.T) {
	nginx := peer.Nginx(t, peer.NginxConfig{Listeners: 2, HTTP: "server { listen {{addr}}; listen {{addr 1}} http2; root {{root}}; location /old { return 301 /new; } }"})
	apache := peer.Apache(t, peer.ApacheConfig{Plain: true, Sites: []peer.ApacheSite{{Name: "a.test"}}})
	goServer := h2cServer(t)
	upload := filepath.Join(t.TempDir(), "upload")
	data := bytes.Repeat([]byte("upload me "), 10000)
	if err := os.WriteFile(upload, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		name, upstream, path string
		args                 []string
		proto                string
		want                 string // of the first exchange: method, target, status, interim responses
		request, response    string // bodies
	}{
		{"nginx", nginx.Addr, "/", nil, "HTTP/1.1", "GET / 200", "", "nginx\n"},
		{"nginx, HTTP/1.0", nginx.Addr, "/", []string{"--http1.0"}, "HTTP/1.0", "GET / 200", "", "nginx\n"},
		{"nginx, HEAD", nginx.Addr, "/", []string{"-I"}, "HTTP/1.1", "HEAD / 200", "", ""},
		{"nginx, HTTP/2", nginx.Addrs[1], "/", []string{"--http2-prior-knowledge"}, "HTTP/2", "GET / 200", "", "nginx\n"},
		{"Apache, chunked", apache.Addr, "/echo", []string{"-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary", "@" + upload}, "HTTP/1.1", "POST /echo 200", string(data), string(data)},
		{"Apache, 100-continue", apache.Addr, "/echo", []string{"-H", "Expect: 100-continue", "--data-binary", "@" + upload}, "HTTP/1.1", "POST /echo 200 100", string(data), string(data)},
		{"Go, 100-continue", goServer, "/echo", []string{"-H", "Expect: 100-continue", "--data-binary", "@" + upload}, "HTTP/1.1", "POST /echo 200 100", string(data), string(data)},
		{"Go, HTTP/2", goServer, "/echo", []string{"--http2-prior-knowledge", "--data-binary", "@" + upload}, "HTTP/2", "POST /echo 200", string(data), string(data)},
	} {
		t.Run(r.name, func(t *testing.T) {
			relay := newRelay(t, r.upstream)
			if res := peer.Curl(t, append(r.args, "http://"+relay.addr+r.path)...); res.Exit != 0 {
				t.Fatalf("curl: %d %s", res.Exit, res.Stderr)
			}
			seen := relay.close()
			clean(t, seen)
			if len(seen) != 1 || len(seen[0].done) != 1 || seen[0].proto != r.proto {
				t.Fatalf("saw %d connections: %v", len(seen), seen[0].lines())
			}
			x := seen[0].done[0]
			got := fmt.Sprintf("%s %s %d", x.Request.Head.Method, x.Request.Head.Target, x.Response.Head.Status)
			for _, i := range x.Interim {
				got += fmt.Sprintf(" %d", i.Head.Status)
			}
			if got != r.want {
				t.Errorf("got %s, want %s", got, r.want)
			}
			for _, b := range []struct{ got, want string }{{x.Request.SHA256, r.request}, {x.Response.SHA256, r.response}} {
				if b.want != "" && b.got != digest([]byte(b.want)) {
					t.Errorf("body differs: %s", strings.Join(seen[0].lines(), "\n"))
				}
			}
		})
	}
}
