package probe

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// slowPage is how late a first byte may come before only the needful is asked for.
const slowPage = 2 * time.Second

const mostRedirects = 5

const otherPort = "it is another port of this host, which clients must be able to reach"

func (c *climb) costHTTP() int {
	if c.cfg.Target.TLS && c.base() == nil || !c.plain.Connected() {
		return -1
	}
	n := 1
	if c.quick() {
		n += 8 + mostRedirects
	}
	if c.cfg.Post {
		n += len(bodySizes()) * 2
	}
	return n
}

// quick reports whether the page comes soon enough to be asked for many times.
func (c *climb) quick() bool {
	for _, o := range c.report.Tries {
		if len(o.Answers) > 0 && !o.Via {
			return o.Answers[0].FirstByte < slowPage
		}
	}
	return false
}

// patienceForAnswer is how long another answer may take: an origin that was quick, or silent, is not waited for as long as a slow one.
func (c *climb) patienceForAnswer() time.Duration {
	if c.quick() || timedOut(c.plain.Err) {
		return 5 * time.Second
	}
	return c.firstByte()
}

// firstByte is how long an answer may take that nothing is known about: less than half of the time for everything.
func (c *climb) firstByte() time.Duration { return c.cfg.Budget * 9 / 20 }

// ask makes requests on one connection over HTTP/1.1, with what handshake works.
func (c *climb) ask(purpose string, natural bool, requests ...request) *Outcome {
	t := try{purpose: purpose, natural: natural, requests: requests, answer: c.patienceForAnswer()}
	if c.cfg.Target.TLS {
		t.offer = c.base()
		if t.offer.alpn != nil {
			t.offer.alpn = []string{"http/1.1"}
		}
	}
	return c.do(t)
}

// http asks for the first path in several ways.
func (c *climb) http() bool {
	path := c.cfg.Paths[0]
	get := request{target: path}
	last := request{target: path, header: [][2]string{{"Connection", "close"}}}
	requests := []request{get, last}
	if !c.quick() {
		requests = requests[1:]
	}
	o := c.ask("http1", c.plain.Served(), requests...)
	c.say("two requests on one connection", said(o), c.keptText(o))
	if c.ctx.Err() == nil && c.plain.Shaken() && c.plain.State.NegotiatedProtocol == protoHTTP2 && c.quick() {
		two := c.do(try{purpose: "http2", natural: c.plain.Served(), offer: c.base(), requests: []request{get, get}, answer: c.patienceForAnswer()})
		c.say("two requests on HTTP/2", said(two), c.keptText(two))
	}
	c.logIn()
	if c.ctx.Err() == nil && c.quick() {
		c.manners(path)
	}
	if c.cfg.Post {
		c.bodies(path)
	}
	if c.cfg.Idle > 0 {
		o := c.ask("idle", false, get, request{target: path, idle: c.cfg.Idle})
		text := "kept for " + span(c.cfg.Idle)
		switch {
		case o.Cut || c.ctx.Err() != nil:
			text = "not measured to its end: the doctor's own time was over first"
		case o.Phase == "idle":
			text = "closed after " + span(o.Recording.End.Sub(o.Recording.Start))
		}
		c.say("idle connection", Said, text)
	}
	return true
}

// logIn tells of a log-in that the origin asks for. None is tried.
func (c *climb) logIn() {
	for _, o := range c.modern {
		if o.Status() != http.StatusUnauthorized {
			continue
		}
		var schemes []string
		bound := false
		for _, v := range o.Answers[0].Header.Values("WWW-Authenticate") {
			scheme, _, _ := strings.Cut(strings.TrimSpace(v), " ")
			schemes = append(schemes, cut(scheme, 40))
			bound = bound || strings.EqualFold(scheme, "NTLM") || strings.EqualFold(scheme, "Negotiate")
		}
		text := "GET " + o.Path + " asks for " + strings.Join(schemes[:min(len(schemes), 8)], ", ") + "; it was not tried"
		if bound {
			text += ". NTLM, and Negotiate that falls back to it, log on a connection: no proxy on the way may share it, and it must be HTTP/1.1"
		}
		c.say("log-in", Said, text)
	}
}

// manners are methods, hosts and fields.
func (c *climb) manners(path string) {
	simple := []struct {
		purpose, what string
		r             request
	}{
		{"head", "HEAD", request{method: http.MethodHead, target: path}},
		{"options", "OPTIONS", request{method: http.MethodOptions, target: path}},
		{"host_unknown", "another Host", request{target: path, host: "lunette-doctor.invalid"}},
		{"gzip", "Accept-Encoding: gzip", request{target: path, header: [][2]string{{"Accept-Encoding", "gzip"}}}},
		{"websocket", "Upgrade: websocket", request{target: path, header: [][2]string{{"Connection", "Upgrade"}, {"Upgrade", "websocket"},
			{"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Key", "bHVuZXR0ZS1kb2N0b3ItMQ=="}}}},
	}
	for _, s := range simple {
		if c.ctx.Err() != nil {
			return
		}
		o := c.ask(s.purpose, s.purpose == "websocket" && c.cfg.WebSocket, s.r)
		mark := Said
		if o.Err != nil {
			mark = Bad
		}
		text := outcomeText(o)
		if len(o.Answers) > 0 && o.Answers[0].Header.Get("Content-Encoding") != "" {
			text += ", Content-Encoding " + cut(o.Answers[0].Header.Get("Content-Encoding"), mostError)
		}
		c.say(s.what, mark, text)
	}
	c.redirects(path)
}

// redirects follows Location on the same host; elsewhere it does not go.
func (c *climb) redirects(path string) {
	o := c.plain
	if !o.Served() {
		o = c.tryFor("http1")
	}
	seen := map[string]bool{path: true}
	for range mostRedirects {
		if o == nil || o.Status() < 300 || o.Status() > 399 || o.Answers[0].Header.Get("Location") == "" || c.ctx.Err() != nil {
			return
		}
		location := o.Answers[0].Header.Get("Location")
		next, why := c.follow(path, location)
		if why != "" {
			mark := Said
			if why == otherPort {
				mark = Bad
			}
			c.say("redirect", mark, fmt.Sprintf("%d to %.200s: not followed, %s", o.Status(), location, why))
			return
		}
		if seen[next] {
			c.say("redirect", Bad, fmt.Sprintf("%d to %.200s again: a loop", o.Status(), location))
			forwarded := c.ask("forwarded_proto", false, request{target: next, header: [][2]string{{"X-Forwarded-Proto", c.scheme()}}})
			c.say("X-Forwarded-Proto: "+c.scheme(), Said, outcomeText(forwarded))
			return
		}
		seen[next] = true
		path = next
		o = c.ask("redirect", false, request{target: path})
		c.say("redirect", Said, fmt.Sprintf("to %.200s: %s", path, outcomeText(o)))
	}
	c.say("redirect", Bad, fmt.Sprintf("more than %d", mostRedirects))
}

func (c *climb) scheme() string {
	if c.cfg.Target.TLS {
		return "https"
	}
	return "http"
}

// follow is where location leads, or why one does not go there.
func (c *climb) follow(from, location string) (target, why string) {
	base := &url.URL{Scheme: c.scheme(), Host: c.cfg.Target.Authority}
	here, err := base.Parse(from)
	if err != nil {
		return "", "it cannot be read"
	}
	to, err := here.Parse(location)
	switch {
	case err != nil:
		return "", "it cannot be read"
	case !strings.EqualFold(to.Hostname(), c.cfg.Target.Name):
		return "", "it is another host"
	case to.Scheme != c.scheme() || to.Port() != base.Port():
		if to.Port() != base.Port() && strings.EqualFold(to.Scheme, c.scheme()) {
			return "", otherPort
		}
		return "", "it is another scheme or port"
	}
	return to.RequestURI(), ""
}

func (c *climb) tryFor(purpose string) *Outcome {
	for _, o := range c.report.Tries {
		if o.Purpose == purpose {
			return o
		}
	}
	return nil
}

// keptText says what became of two requests on one connection.
func (c *climb) keptText(o *Outcome) string {
	text := outcomeText(o)
	switch {
	case len(o.Answers) > 1:
		text += "; the second one: " + fmt.Sprintf("status %d, first byte %s", o.Answers[1].Status, span(o.Answers[1].FirstByte))
	case len(o.Answers) == 1 && o.Answers[0].close:
		text += "; the origin closes after each answer"
	}
	return text
}

// bodySizes step over the limits that origins have when they renegotiate: IIS 48 KiB, Apache 128 KiB.
func bodySizes() []int { return []int{1 << 10, 47 << 10, 49 << 10, 127 << 10, 129 << 10} }

// bodies sends bodies of growing size, with and without Expect.
func (c *climb) bodies(path string) {
	for _, size := range bodySizes() {
		for _, expect := range []bool{false, true} {
			if c.ctx.Err() != nil {
				return
			}
			r := request{method: http.MethodPost, target: path, body: make([]byte, size), expect: expect, header: [][2]string{{"Content-Type", "application/octet-stream"}}}
			purpose, what := fmt.Sprintf("post_%dk", size>>10), fmt.Sprintf("POST %d KiB", size>>10)
			if expect {
				purpose, what = purpose+"_expect", what+" with Expect"
			}
			o := c.ask(purpose, true, r)
			if c.say(what, said(o), outcomeText(o)); timedOut(o.Err) {
				return // longer ones fare no better
			}
		}
	}
}

// serverOf is what the origin calls itself.
func serverOf(o *Outcome) string {
	if o == nil || len(o.Answers) == 0 {
		return ""
	}
	return cut(o.Answers[0].Header.Get("Server"), mostError)
}
