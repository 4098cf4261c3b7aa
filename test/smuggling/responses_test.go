package smuggling_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
	"github.com/lunette-waf/lunette/test/wiretable"
)

const responseTable = "../../internal/httpwire/testdata/responses.txt"

// rawOrigin answers /row/N with the pieces of row N, each a TLS record where it speaks TLS, in one segment, and every other target with a page that
// names it. It notes on which connection each request came.
type rawOrigin struct {
	addr string
	rows []rawRow

	mu   sync.Mutex
	conn int
	seen map[string][]int // numbers of connections, by target
}

type rawRow struct {
	pieces []string
	closes bool          // the origin closes behind it
	after  chan struct{} // when not nil: closed by the client once it has its answer; only then the second piece follows
	late   chan struct{} // closed when the last piece was written
}

func (o *rawOrigin) start(t *testing.T, cert *tls.Certificate) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr, o.seen = l.Addr().String(), map[string][]int{}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.conn++
			n := o.conn
			o.mu.Unlock()
			cork := &corked{Conn: c}
			c = cork
			if cert != nil {
				c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: []string{"http/1.1"}})
			}
			wg.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(2 * patience))
				o.serve(c, cork, n)
			})
		}
	})
}

// corked is a connection that can hold writes back, to send them at once: TLS records of their own in one segment.
type corked struct {
	net.Conn
	on   bool
	held []byte
}

func (c *corked) Write(p []byte) (int, error) {
	if c.on {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *corked) flush() error {
	_, err := c.Conn.Write(c.held)
	c.on, c.held = false, nil
	return err
}

func (o *rawOrigin) serve(c net.Conn, cork *corked, n int) {
	rd := httpwire.NewReader(c)
	for {
		var q exchange.Request
		if rd.ReadRequest(httpwire.Limits{}, &q) != nil {
			return
		}
		if _, err := io.Copy(io.Discard, rd.Body(q.Length, httpwire.Limits{})); err != nil {
			return
		}
		o.mu.Lock()
		o.seen[q.Target] = append(o.seen[q.Target], n)
		o.mu.Unlock()
		if i, ok := strings.CutPrefix(q.Target, "/row/"); ok {
			k, _ := strconv.Atoi(i)
			if !o.rows[k].write(c, cork) {
				return
			}
			continue
		}
		if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(q.Target), q.Target); err != nil {
			return
		}
	}
}

// write sends the row; false ends the connection.
func (r *rawRow) write(c net.Conn, cork *corked) bool {
	cork.on = r.after == nil
	for i, p := range r.pieces {
		if i > 0 && r.after != nil {
			<-r.after
		}
		if _, err := io.WriteString(c, p); err != nil {
			break
		}
	}
	if cork.on && cork.flush() != nil {
		return false
	}
	if r.late != nil {
		close(r.late)
	}
	return !r.closes
}

func (o *rawOrigin) conns(target string) []int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen[target]
}

// responseVerdicts are rows that the gateway sees otherwise than the parser with its default limits: an answer's head may
// be larger than a request's.
func responseVerdicts() map[string]string {
	return map[string]string{
		"status line too long": "", "field line too long": "", "too many fields": "",
		"103 with fields":                    "read.eof_before_header", // the table's row ends there
		"101":                                "http1.bad_upgrade",      // nobody asked for it
		"connection ends in the status line": "read.eof_in_header",
	}
}

// furtherResponses are answers that are more than one message, which the table of the parser has no place for.
func furtherResponses() []wiretable.Case {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	of := func(name, rfc, refuse, raw string, wants ...wiretable.Want) wiretable.Case {
		return wiretable.Case{Name: name, RFC: rfc, Refuse: refuse, Raw: []byte(raw), Wants: wants}
	}
	body, left := wiretable.Want{Key: "body", Value: "ok"}, wiretable.Want{Key: "left", Value: "more"}
	return []wiretable.Case{
		of("100 and 103 before the answer", "RFC 9110 15.2", "", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+ok, body),
		of("storm of 103", "RFC 9110 15.2", "http1.too_many_informational", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 40)+ok),
		of("storm of 100", "RFC 9110 15.2", "http1.too_many_informational", strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 40)+ok),
		of("head in place of a chunk", "RFC 9112 7.1", "http1.bad_chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+ok),
		of("broken answer behind a 103", "RFC 9112 4", "http1.bad_status_line", "HTTP/1.1 103 Early Hints\r\n\r\noops"+ok),
		of("two answers and more", "RFC 9112 9.2", "", ok+ok+"more", body, left),
		of("answer behind the last chunk", "RFC 9112 9.2", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"+ok, body, left),
		of("answer behind a 304", "RFC 9112 9.2", "", "HTTP/1.1 304 Not Modified\r\n\r\n"+ok, left),
		of("answer behind a 204", "RFC 9112 9.2", "", "HTTP/1.1 204 No Content\r\n\r\n"+ok, left),
	}
}

// TestResponses replays every answer from an origin: the client sees one response for each request, and a connection on
// which more came, or something else, is not used again.
func TestResponses(t *testing.T) {
	cases := append(table(t, responseTable, 90), furtherResponses()...)
	o := &rawOrigin{}
	for _, c := range cases {
		o.rows = append(o.rows, rawRow{pieces: []string{string(c.Raw)}, closes: endsWithConnection(&c)})
	}
	o.start(t, nil)
	p := sitePolicy{name: "responses", path: "lenient", waf: "{mode: off}", network: 5}
	g := start(t, p.yaml(o.addr))
	got := make([]answers, len(cases))
	for i, c := range cases {
		method := c.Want("method", "GET")
		if method == "CONNECT" {
			continue // never sent to an origin
		}
		raw := fmt.Sprintf("%s /row/%d HTTP/1.1\r\nHost: a.test\r\n\r\n", method, i)
		got[i] = talk(t, p.address(i), g.addr, []byte(raw+get(fmt.Sprintf("/after/%d", i))), false, func(n int) string {
			if n == 0 {
				return method
			}
			return http.MethodGet
		})
		// Whatever became of that connection, the next client's request must not meet what is left of the answer.
		target := fmt.Sprintf("/next/%d", i)
		a := talk(t, "127.5.9.9", g.addr, []byte(get(target)), false, reading{}.method)
		if len(a.final) != 1 || a.bodies[0] != target || a.rest != "" {
			t.Errorf("%s: the next client got %d %q", c.Name, a.statuses(), a.bodies)
		}
	}
	records := g.records()
	for i, c := range cases {
		if c.Want("method", "GET") == "CONNECT" {
			continue
		}
		t.Run(strings.ReplaceAll(c.Name, "/", "_"), func(t *testing.T) { o.check(t, i, &c, got[i], records[p.address(i)]) })
	}
}

// endsWithConnection reports whether the end of the connection belongs to the row.
func endsWithConnection(c *wiretable.Case) bool {
	var r exchange.Response
	large := httpwire.Limits{Line: 1 << 20, Head: 1 << 20, Fields: 1000}
	n, err := httpwire.ParseResponse(c.Raw, large, c.Want("method", "GET"), &r)
	switch {
	case c.Refuse == string(reason.ReadEOFInHeader), c.Refuse == string(reason.ReadTruncated):
		return true
	case err != nil:
		return !strings.Contains(string(c.Raw), "\r\n\r\n") // such an answer says nothing to wait for
	}
	return n == 0 || r.Length == exchange.UntilClose || r.Close || r.Status == 103
}

func (o *rawOrigin) check(t *testing.T, i int, c *wiretable.Case, got answers, logged []*telemetry.Record) {
	want := c.Refuse
	if v, ok := responseVerdicts()[c.Name]; ok {
		want = v
	}
	if len(logged) == 0 || len(got.final) == 0 && !got.reset && got.rest == "" {
		t.Fatalf("answers %d, logged %d", got.statuses(), len(logged))
	}
	x := logged[0]
	if got.endless {
		t.Error("the connection stayed open")
	}
	row, after := o.conns(fmt.Sprintf("/row/%d", i)), o.conns(fmt.Sprintf("/after/%d", i))
	if want != "" {
		if x.Reason != want || x.Side == "client" {
			t.Errorf("logged %s (%s) of the %s, want %s", x.Reason, x.Detail, x.Side, want)
		}
		if !x.Aborted && (got.final[0].StatusCode != x.Status || x.Status < 500) {
			t.Errorf("the client got %d, logged %d: want an error of ours", got.statuses(), x.Status)
		}
		if x.Aborted && len(got.final) > 0 && !strings.Contains(got.bodies[0], "<unexpected EOF>") {
			t.Errorf("a broken answer looks whole to the client: %q", got.bodies)
		}
	} else {
		o.checkAccepted(t, c, got, x)
	}
	if len(row) != 1 {
		t.Errorf("the origin received the request %d times", len(row))
	}
	if x.Aborted {
		if len(logged) != 1 || len(after) != 0 {
			t.Errorf("a connection went on after a broken answer")
		}
		return
	}
	// The request behind it gets its own answer, and never over a connection in doubt.
	marker := fmt.Sprintf("/after/%d", i)
	if len(got.final) != 2 || got.bodies[1] != marker || len(after) != 1 || len(logged) != 2 {
		t.Fatalf("answers %d %q", got.statuses(), got.bodies)
	}
	if doubt := want != "" || c.Want("left", "") != "" && c.Want("status", "") != "100" || o.rows[i].closes; doubt == (row[0] == after[0]) {
		t.Errorf("in doubt: %v; the row came on connection %d, the request behind it on %d", doubt, row[0], after[0])
	}
}

// checkAccepted: the client sees the row's answer, and nothing that did not belong to it.
func (o *rawOrigin) checkAccepted(t *testing.T, c *wiretable.Case, got answers, x *telemetry.Record) {
	t.Helper()
	if x.From != "origin" || x.Reason != "" || len(got.final) == 0 {
		t.Fatalf("logged %s (%s) from %s, answers %d", x.Reason, x.Detail, x.From, got.statuses())
	}
	res := got.final[0]
	if want := c.Want("status", ""); want != "" && want != "100" && strconv.Itoa(res.StatusCode) != want {
		t.Errorf("the client got %d, want %s", res.StatusCode, want)
	}
	if want := c.Want("body", got.bodies[0]); got.bodies[0] != want || c.Want("method", "") == "HEAD" && want != "" {
		t.Errorf("the client got the body %q, want %q", got.bodies[0], want)
	}
	for _, w := range c.Wants {
		name, value, _ := strings.Cut(w.Value, ": ")
		if w.Key == "field" && !contains(res.Header.Values(name), value) || w.Key == "trailer" && res.Trailer.Get(name) != value {
			t.Errorf("%s is not there: %v %v", w.Value, res.Header, res.Trailer)
		}
	}
}

func contains(list []string, v string) bool {
	for _, s := range list {
		if s == v {
			return true
		}
	}
	return false
}

// TestSecondResponse: an origin that answers twice poisons nobody, however its bytes are cut: in one write, in TLS records of
// one write each, and when the second answer comes only after the client has the first.
func TestSecondResponse(t *testing.T) {
	const first, second = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	ca := peer.NewCA(t)
	issued := ca.Issue(peer.Issue{Names: []string{"a.test"}})
	cert, err := tls.LoadX509KeyPair(issued.File, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, secure := range []bool{false, true} {
		o := &rawOrigin{}
		for range 20 {
			o.rows = append(o.rows,
				rawRow{pieces: []string{first + second}},
				rawRow{pieces: []string{first, second}},
				rawRow{pieces: []string{first, second}, after: make(chan struct{}), late: make(chan struct{})})
		}
		p := sitePolicy{name: "second", path: "lenient", waf: "{mode: off}", network: 6}
		var g *gateway
		if secure {
			o.start(t, &cert)
			g = start(t, strings.Replace(p.yaml(o.addr), `"http://`+o.addr+`"], http: "1.1"`, `"https://`+o.addr+`"], http: "1.1", tls: {server_name: a.test, ca: `+ca.File+`}`, 1))
		} else {
			o.start(t, nil)
			g = start(t, p.yaml(o.addr))
		}
		for i, r := range o.rows {
			c := dialFrom(t, "127.0.0.1", g.addr)
			in := bufio.NewReader(c)
			ask := func(target string) string {
				if _, err := io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: a.test\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				res, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(res.Body)
				return string(b)
			}
			if got := ask(fmt.Sprintf("/row/%d", i)); got != "first" {
				t.Errorf("secure %v, row %d: got %q", secure, i, got)
			}
			if r.after != nil {
				close(r.after)
				<-r.late
			}
			for n := range 3 {
				target := fmt.Sprintf("/after/%d/%d", i, n)
				if got := ask(target); got != target {
					t.Errorf("secure %v, row %d: the request behind it got %q", secure, i%3, got)
				}
			}
			_ = c.Close()
		}
	}
}

// TestEarlyAnswer: an origin that answers before it has the body keeps its say, and its connection serves nobody else: what
// is left of the body would be the next request there.
func TestEarlyAnswer(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	var mu sync.Mutex
	on := map[string]int{} // number of the connection, by target
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { // this origin takes every head for a request, and no notice of bodies
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(2 * patience))
				in := bufio.NewReader(c)
				for {
					q, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					mu.Lock()
					on[q.RequestURI] = n
					mu.Unlock()
					if _, err := fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(q.RequestURI), q.RequestURI); err != nil {
						return
					}
				}
			})
		}
	})
	p := sitePolicy{name: "early", path: "lenient", waf: "{mode: off}", network: 8}
	g := start(t, p.yaml(l.Addr().String()))
	for i := range 10 {
		c := dialFrom(t, "127.0.0.1", g.addr)
		in := bufio.NewReader(c)
		target := fmt.Sprintf("/early/%d", i)
		_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\nx", target, 1+len(smuggled))
		res, err := http.ReadResponse(in, nil) // while the body is still owed
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(res.Body); string(b) != target {
			t.Errorf("got %q", b)
		}
		_, _ = io.WriteString(c, smuggled)
		_ = c.Close()
		a := talk(t, "127.0.0.1", g.addr, []byte(get(target+"/next")), false, reading{}.method)
		if len(a.final) != 1 || a.bodies[0] != target+"/next" {
			t.Errorf("the next client got %d %q", a.statuses(), a.bodies)
		}
	}
	g.records()
	mu.Lock()
	defer mu.Unlock()
	for i := range 10 {
		if target := fmt.Sprintf("/early/%d", i); on[target] == on[target+"/next"] {
			t.Errorf("%s was answered before its body was out, and its connection served the next client", target)
		}
	}
}
