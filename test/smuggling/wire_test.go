package smuggling_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// message is a request as a canonical reading shows it: what the gateway's rules see.
type message struct {
	exchange.Request
	content string
	trailer exchange.Header
}

// reading is what one reader after another would make of the bytes of a client's connection.
type reading struct {
	seen  []message
	fault error // what ended it; nil for the end of the bytes or of the connection by Connection: close
}

// readAll reads requests until one is at fault or asks to close.
func readAll(raw []byte) reading {
	var out reading
	rd := httpwire.NewReader(bytes.NewReader(raw))
	for {
		var m message
		if err := rd.ReadRequest(httpwire.Limits{}, &m.Request); err != nil {
			if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				out.fault = err
			}
			return out
		}
		m.Header = m.Header.Clone()
		body := rd.Body(m.Length, httpwire.Limits{})
		content, err := io.ReadAll(body)
		m.content, m.trailer = string(content), body.Trailer().Clone()
		out.seen = append(out.seen, m)
		if err != nil {
			out.fault = err
			return out
		}
		if m.Close {
			return out
		}
	}
}

// answers is what a raw client got.
type answers struct {
	final   []*http.Response // without the 1xx before each
	bodies  []string
	rest    string // bytes that are no response
	endless bool   // the connection was still open when patience ended
	reset   bool
}

// talk sends raw from address, in one piece, and reads until the gateway closes. half ends the client's direction.
func talk(t testing.TB, address, to string, raw []byte, half bool, methods func(i int) string) answers {
	t.Helper()
	return talkIn(t, len(raw), address, to, raw, half, methods)
}

// talkIn is talk in pieces of a size.
func talkIn(t testing.TB, size int, address, to string, raw []byte, half bool, methods func(i int) string) answers {
	t.Helper()
	c := dialFrom(t, address, to)
	defer c.Close()
	var werr error
	for rest := raw; len(rest) > 0 && werr == nil; {
		n := min(size, len(rest))
		_, werr = c.Write(rest[:n]) // a gateway that has refused already may not take the rest
		rest = rest[n:]
	}
	if half && werr == nil {
		_ = c.CloseWrite()
	}
	got, err := io.ReadAll(c)
	out := answers{reset: errors.Is(err, syscall.ECONNRESET)}
	var ne net.Error
	out.endless = errors.As(err, &ne) && ne.Timeout()
	out.parse(got, methods)
	return out
}

func dialFrom(t testing.TB, address, to string) *net.TCPConn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: patience}
	c, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// parse splits what came into responses; methods tells the method that the i-th answers.
func (a *answers) parse(got []byte, methods func(i int) string) {
	r := bufio.NewReader(bytes.NewReader(got))
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		mark, _ := r.Peek(r.Buffered())
		res, err := http.ReadResponse(r, &http.Request{Method: methods(len(a.final))})
		if err != nil {
			a.rest = string(mark)
			return
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			body = append(body, "<"+err.Error()+">"...)
		}
		a.final, a.bodies = append(a.final, res), append(a.bodies, string(body))
	}
}
