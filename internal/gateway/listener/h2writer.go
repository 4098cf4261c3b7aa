package listener

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// h2Writer is the exchange.ResponseWriter of one stream.
type h2Writer struct {
	w      http.ResponseWriter
	s      *Settings
	x      *exchange.Exchange
	method string
	goAway bool // the connection takes no further requests

	queued, ended, bare bool
	left                int64
	until               time.Time
}

// Informational implements exchange.ResponseWriter.
func (w *h2Writer) Informational(status int, h exchange.Header) error {
	if status < 102 || status > 199 || w.queued {
		return nil
	}
	if err := setFields(w.w.Header(), h, ""); err != nil {
		return err
	}
	w.w.WriteHeader(status)
	clear(w.w.Header())
	return nil
}

// setFields adds h to dst. Hop-by-hop fields stay behind: HTTP/2 has none (RFC 9113 section 8.2.2).
func setFields(dst http.Header, h exchange.Header, prefix string) error {
	for i := range h {
		name, value := h[i].Name, h[i].Value
		if !httpwire.IsToken(name) || !httpwire.ValidFieldValue(value) {
			clear(dst)
			return reason.New(reason.HTTP1BadHeader, "send response: field that cannot be sent", nil)
		}
		if httpwire.IsHopByHop(name) || exchange.EqualFold(name, "Content-Length") || exchange.EqualFold(name, "Trailer") {
			continue
		}
		key := prefix + http.CanonicalHeaderKey(name)
		dst[key] = append(dst[key], value)
	}
	return nil
}

// Head implements exchange.ResponseWriter.
func (w *h2Writer) Head(r *exchange.Response) error {
	if w.queued {
		return errHeadTwice
	}
	if r.Status < 200 || r.Status > 999 {
		return reason.New(reason.HTTP1BadStatusLine, "send response: status "+strconv.Itoa(r.Status), nil)
	}
	h := w.w.Header()
	if err := setFields(h, r.Header, ""); err != nil {
		return err
	}
	w.bare = !httpwire.BodyAllowed(w.method, r.Status)
	w.left = -1
	switch {
	case w.bare && r.Status != 204:
		if v := r.Header.Get("Content-Length"); v != "" && r.Length == 0 {
			h.Set("Content-Length", v)
		} else if r.Length > 0 {
			h.Set("Content-Length", strconv.FormatInt(r.Length, 10))
		}
	case !w.bare && r.Length >= 0:
		w.left = r.Length
		h.Set("Content-Length", strconv.FormatInt(r.Length, 10))
	}
	// The library guesses what is not said; a proxy adds nothing.
	for _, name := range []string{"Content-Type", "Date"} {
		if _, ok := h[name]; !ok {
			h[name] = nil
		}
	}
	if w.goAway {
		h.Set("Connection", "close") // never sent: it makes the library send GOAWAY
	}
	w.queued = true
	w.x.Answer.Status = r.Status
	w.w.WriteHeader(r.Status)
	return nil
}

// Body implements exchange.ResponseWriter. The end of the stream leaves when the handler returns.
func (w *h2Writer) Body(p []byte, last bool) error {
	switch {
	case !w.queued:
		return errNoHead
	case w.ended:
		return errEnded
	}
	if w.bare {
		p = nil
	}
	if w.left >= 0 {
		if w.left -= int64(len(p)); w.left < 0 || last && w.left > 0 {
			w.x.Aborted = true
			return errLength
		}
	}
	if err := w.send(p, last); err != nil {
		return err
	}
	w.x.Answer.BytesOut += int64(len(p))
	if w.x.Answer.First == 0 {
		w.x.Answer.First = time.Since(w.x.Start)
	}
	if last {
		w.ended = true
		w.x.Answer.Duration = time.Since(w.x.Start)
	}
	return nil
}

func (w *h2Writer) send(p []byte, last bool) error {
	now := time.Now()
	rc := http.NewResponseController(w.w)
	if d := w.s.Write; d >= 0 && (len(p) > 0 || !last) && w.until.Sub(now) < d {
		w.until = now.Add(d + d/4) // a client that gives no window must not hold the origin for ever
		_ = rc.SetWriteDeadline(w.until)
	}
	var err error
	if len(p) > 0 {
		_, err = w.w.Write(p)
	}
	if err == nil && !last {
		err = rc.Flush()
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return reason.New(reason.ClientSlow, "takes no more of the answer", err)
	}
	return gone("while it was answered", err)
}

// Trailer implements exchange.ResponseWriter.
func (w *h2Writer) Trailer(t exchange.Header) error {
	if !w.queued {
		return errNoHead
	}
	if !w.bare && !w.ended {
		for i := range t {
			if httpwire.ForbiddenTrailer(t[i].Name) {
				return reason.New(reason.HTTP1BadTrailer, "send trailer: "+t[i].Name+" may not stand there (RFC 9110 6.5.1)", nil)
			}
		}
		if err := w.send(nil, false); err != nil { // the head first, or the fields would land in it
			return err
		}
		if err := setFields(w.w.Header(), t, http.TrailerPrefix); err != nil {
			return err
		}
	}
	return w.Body(nil, true)
}

// Upgrade implements exchange.ResponseWriter: there is none in HTTP/2, and the library offers no extended CONNECT (RFC 8441).
func (w *h2Writer) Upgrade(*exchange.Response) (io.ReadWriteCloser, error) { return nil, errUpgrade }
