package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// CaptureWant is what somebody wants to see live.
type CaptureWant struct {
	Site       string        // a name of the site; "" for all
	Host       string        // name or address of the other end, perhaps with a port; "" for all
	Client     bool          // the client leg, else the origin leg
	Recordings bool          // also the bytes, as the flight recorder has them
	Duration   time.Duration // after which it ends by itself
	Who        string        // who asks, for the audit
}

// Captures tells of connections as they come, with their secrets.
type Captures interface {
	// Capture sends JSON objects (docs/formats/capture-stream.md) until ctx ends, the duration is over, EndCapture is called, or send
	// fails, of which it returns the error. A *Refusal comes before the first object.
	Capture(ctx context.Context, want CaptureWant, send func(event []byte) error) error
	// EndCapture ends one by the id that its first object told: what is still held is sent, then the end. False: there is none.
	EndCapture(id string) bool
}

// Refusal is why there is nothing to see. Its text is for the person who asks.
type Refusal struct {
	Status int
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

const (
	maxCaptures     = 8 // at once
	captureDuration = time.Hour
	maxDuration     = 24 * time.Hour
	captureWrite    = 15 * time.Second // for one event; who takes longer is gone
)

// captureRoutes serves /capture.
type captureRoutes struct {
	captures Captures
	token    bool            // one guards the address
	slots    chan struct{}   // taken by each capture
	stopping context.Context // of the server
}

func (s *Server) captureRoutes(mux *http.ServeMux, cfg Config, deps Deps) {
	c := &captureRoutes{captures: deps.Captures, token: cfg.Token != "", slots: make(chan struct{}, maxCaptures), stopping: s.stopping}
	mux.HandleFunc("GET /capture", c.stream)
	mux.HandleFunc("POST /capture/{id}/end", c.end)
}

// allowed answers requests that must not see secrets: those of a web page, and where no token guards the address those of other users.
func (c *captureRoutes) allowed(w http.ResponseWriter, r *http.Request) bool {
	if c.captures == nil {
		text(w, http.StatusNotFound, "nothing is recorded here")
		return false
	}
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "none" {
		text(w, http.StatusForbidden, "not for web pages")
		return false
	}
	if c.token {
		return true
	}
	if err := ownUser(r); err != nil {
		text(w, http.StatusForbidden, "what is shown here opens the traffic of visitors: "+err.Error()+"; set admin.token_file, or ask as root or as the user that the gateway runs as")
		return false
	}
	return true
}

func (c *captureRoutes) end(w http.ResponseWriter, r *http.Request) {
	if !c.allowed(w, r) {
		return
	}
	if !c.captures.EndCapture(r.PathValue("id")) {
		text(w, http.StatusNotFound, "no such capture: it has ended")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *captureRoutes) stream(w http.ResponseWriter, r *http.Request) {
	if !c.allowed(w, r) {
		return
	}
	want, fault := captureWant(r)
	if fault != "" {
		text(w, http.StatusBadRequest, fault)
		return
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		text(w, http.StatusTooManyRequests, "there are "+strconv.Itoa(maxCaptures)+" captures already: end one")
		return
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(c.stopping, func() { cancel(errStopping) })()
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's own would end the stream
	begun := false
	send := func(event []byte) error {
		if !begun {
			begun = true
			w.Header().Set("Content-Type", "application/x-ndjson")
		}
		if err := out.SetWriteDeadline(time.Now().Add(captureWrite)); err != nil {
			return err
		}
		if _, err := w.Write(append(event[:len(event):len(event)], '\n')); err != nil {
			return err
		}
		return out.Flush()
	}
	err := c.captures.Capture(ctx, want, send)
	var no *Refusal
	switch {
	case begun:
	case errors.As(err, &no):
		text(w, no.Status, no.Text)
	case err != nil:
		text(w, http.StatusInternalServerError, "the capture failed: "+err.Error())
	}
}

// errStopping ends captures of a gateway that stops.
var errStopping = errors.New("the gateway stops")

// captureWant reads the query. fault says what is wrong with it.
func captureWant(r *http.Request) (want CaptureWant, fault string) {
	const longest = 300
	q := r.URL.Query()
	for name, values := range q {
		switch name {
		case "site", "host", "leg", "duration", "packets":
		default:
			return want, "unknown parameter " + strconv.Quote(short(name)) + "; there are site, host, leg, duration and packets"
		}
		if len(values) > 1 || len(values[0]) > longest {
			return want, name + " is given twice or too long"
		}
	}
	want = CaptureWant{Site: q.Get("site"), Host: q.Get("host"), Who: who(r), Duration: captureDuration}
	switch leg := cmp.Or(q.Get("leg"), "origin"); leg {
	case "client":
		want.Client = true
	case "origin":
	default:
		return want, "leg is origin or client"
	}
	switch q.Get("packets") {
	case "recording":
		want.Recordings = true
	case "":
	default:
		return want, "packets is recording, or left out"
	}
	if d := q.Get("duration"); d != "" {
		var err error
		if want.Duration, err = time.ParseDuration(d); err != nil || want.Duration <= 0 || want.Duration > maxDuration {
			return want, "duration is a time such as 30s, at most " + maxDuration.String()
		}
	}
	return want, ""
}

// who is the client's address and what it calls itself.
func who(r *http.Request) string {
	from := r.RemoteAddr
	if a, err := netip.ParseAddrPort(from); err == nil {
		from = a.Addr().Unmap().String()
	}
	if agent := short(r.UserAgent()); agent != "" {
		from += " " + agent
	}
	return from
}

// short is text from a client that a log can bear.
func short(s string) string {
	const most = 100
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return '?'
	}, s[:min(len(s), most)])
}
