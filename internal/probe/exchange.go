package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/recording"
)

// request is one request.
type request struct {
	method string // default GET
	target string
	host   string // default that of the target
	header [][2]string
	body   []byte
	expect bool          // wait for a 100 before the body
	idle   time.Duration // lie idle so long before it
}

const continueWait = time.Second // for a 100, before the body goes without

const agent = "lunette-doctor"

// exchangeAll makes the requests of t over conn, which runs over rc.
func (c *climb) exchangeAll(o *Outcome, conn net.Conn, rc *recording.Conn, t try) {
	limit := t.answer
	if limit == 0 {
		limit = c.firstByte()
	}
	in, fields := newAnswers(conn), c.fields(o, &t)
	var h2 *http.Transport
	for i := range t.requests {
		r := &t.requests[i]
		if r.idle > 0 && !c.rest(o, conn, in, r.idle) {
			return
		}
		start := time.Now()
		rc.SetReadDeadline(start.Add(limit))
		rc.SetWriteDeadline(start.Add(limit + 2*time.Second)) // later: a record that is sealed and not sent would break the ones behind it
		var a *Answer
		var err error
		if tc, ok := conn.(*tls.Conn); ok && tc.ConnectionState().NegotiatedProtocol == protoHTTP2 {
			if h2 == nil {
				h2 = onlyOver(tc)
				defer h2.CloseIdleConnections()
			}
			a, err = c.overHTTP2(h2, r, fields)
		} else {
			a, err = c.overHTTP1(conn, in, r, fields, start.Add(limit))
		}
		if a != nil {
			a.Total = time.Since(start)
			o.Answers = append(o.Answers, *a)
		}
		if err != nil {
			o.Err, o.Phase, o.Alert = err, "answer", alertIn(err)
			if !errors.Is(err, errIgnored) {
				c.gaveUp(rc, err, "timeouts.first_byte", time.Since(start))
			}
			return
		}
		if a.close || a.part {
			return
		}
	}
}

// rest lies idle, and reports whether the origin kept the connection.
func (c *climb) rest(o *Outcome, conn net.Conn, in *answers, d time.Duration) bool {
	conn.SetReadDeadline(time.Now().Add(d))
	_, err := in.Peek(1)
	if c.ctx.Err() != nil {
		return false // our own end, not the origin's
	}
	if err != nil && !timedOut(err) || err == nil {
		o.Err, o.Phase = err, "idle"
		return false
	}
	return true
}

func (c *climb) overHTTP1(conn net.Conn, in *answers, r *request, fields [][2]string, limit time.Time) (*Answer, error) {
	head, body := c.write(r, fields), r.body
	if !r.expect {
		head, body = append(head, body...), nil
	}
	sent := time.Now()
	if _, err := conn.Write(head); err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	method := r.method
	if method == "" {
		method = http.MethodGet
	}
	if r.expect {
		conn.SetReadDeadline(time.Now().Add(continueWait))
		if _, err := in.Peek(1); err != nil && !timedOut(err) {
			return nil, err
		} else if err != nil { // nothing came: RFC 9110 section 10.1.1 lets the body go
			body = nil
			if _, err := conn.Write(r.body); err != nil {
				return nil, fmt.Errorf("send body: %w", err)
			}
		}
		conn.SetReadDeadline(limit)
	}
	in.heads()
	for {
		resp, err := http.ReadResponse(in.Reader, &http.Request{Method: method}) //nolint:bodyclose // it ends with the connection
		if err != nil {
			return nil, c.drain(conn, in, fmt.Errorf("read answer: %w", err))
		}
		a := &Answer{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header, FirstByte: time.Since(sent), close: resp.Close}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			if body != nil && resp.StatusCode == http.StatusContinue {
				if _, err := conn.Write(body); err != nil {
					return a, fmt.Errorf("send body: %w", err)
				}
				body = nil
			}
			continue
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			a.close = true
			return a, nil
		}
		in.bodies()
		if err = c.discard(a, resp.Body); err != nil {
			return a, err
		}
		if resp.Close && !a.part {
			_, _ = io.CopyN(io.Discard, in, 1) // up to its end, so that the recording shows how it closes
		}
		return a, nil
	}
}

// drain reads on for a moment where an answer made no sense, so that the recording shows what came.
func (c *climb) drain(conn net.Conn, in *answers, err error) error {
	in.bodies()
	if !timedOut(err) && !errors.Is(err, errHeadTooLarge) && !errors.Is(err, errIgnored) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		_, _ = io.CopyN(io.Discard, in, 64<<10)
	}
	return err
}

// usual is fields with the User-Agent and Accept of the doctor in front, where they are not among them.
func usual(fields [][2]string) [][2]string {
	var out [][2]string
	for _, f := range [...][2]string{{"User-Agent", agent}, {"Accept", "*/*"}} {
		if !slices.ContainsFunc(fields, func(g [2]string) bool { return strings.EqualFold(g[0], f[0]) }) {
			out = append(out, f)
		}
	}
	return append(out, fields...)
}

// write is the request as it goes out.
func (c *climb) write(r *request, fields [][2]string) []byte {
	var b bytes.Buffer
	method, host := r.method, r.host
	if method == "" {
		method = http.MethodGet
	}
	if host == "" {
		host = c.cfg.Target.Authority
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, r.target, host)
	for _, f := range usual(r.fields(fields)) {
		fmt.Fprintf(&b, "%s: %s\r\n", f[0], f[1])
	}
	if r.body != nil {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	if r.expect {
		b.WriteString("Expect: 100-continue\r\n")
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

const protoHTTP2 = "h2"

// onlyOver is a transport that speaks HTTP/2 over tc and makes no connection of its own.
func onlyOver(tc *tls.Conn) *http.Transport {
	var taken atomic.Bool
	p := new(http.Protocols)
	p.SetHTTP2(true)
	return &http.Transport{DisableCompression: true, Protocols: p, MaxResponseHeaderBytes: maxHead, DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
		if taken.Swap(true) {
			return nil, errors.New("the connection is over")
		}
		return tc, nil
	}}
}

func (c *climb) overHTTP2(tr *http.Transport, r *request, fields [][2]string) (*Answer, error) {
	var err error
	req := (&http.Request{Method: http.MethodGet, Proto: "HTTP/2.0", ProtoMajor: 2, Header: http.Header{}}).WithContext(c.ctx)
	if r.method != "" {
		req.Method = r.method
	}
	if req.URL, err = url.ParseRequestURI(r.target); err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.URL.Scheme, req.URL.Host, req.Host = "https", c.cfg.Target.Authority, c.cfg.Target.Authority
	if r.host != "" {
		req.URL.Host, req.Host = r.host, r.host
	}
	for _, f := range usual(r.fields(fields)) {
		req.Header.Add(f[0], f[1])
	}
	sent := time.Now()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	a := &Answer{Status: resp.StatusCode, Proto: resp.Proto, Header: resp.Header, FirstByte: time.Since(sent)}
	return a, c.discard(a, resp.Body)
}
