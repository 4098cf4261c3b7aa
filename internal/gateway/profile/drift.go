package profile

import (
	"fmt"
	"time"
)

// The kinds of Drift.
const (
	CertificateChanged = "certificate_changed"
	CertificateExpires = "certificate_expires"
	AddressChanged     = "address_changed"
	CeilingChanged     = "tls_ceiling_changed"
	StoppedHTTP2       = "stopped_speaking_h2"
	BeganRenegotiating = "began_to_renegotiate"
	IdleCloseChanged   = "idle_close_changed"
)

// Drift is a change of how an origin is.
type Drift struct {
	At     time.Time `json:"at"`
	Site   string    `json:"site"`
	Origin string    `json:"origin"` // URL
	Kind   string    `json:"kind"`
	Text   string    `json:"text"`   // what, one sentence
	Advice string    `json:"advice"` // what it means and what to do
}

// Bounds of what is said.
const (
	mostEvents = 24 // kept in a profile
	mostPerDay = 4  // of one kind; a change of every hour is how the origin is
)

// say keeps a drift, for Changed to hear once the lock is free.
func (e *entry) say(now time.Time, kind, text, advice string) {
	n := 0
	for _, d := range e.p.Events {
		if d.Kind == kind && now.Sub(d.At) < 24*time.Hour {
			n++
		}
	}
	if kind != CertificateExpires && n >= mostPerDay {
		return
	}
	if kind != CertificateExpires && n == mostPerDay-1 {
		advice += " It is the fourth change of this kind within a day: further ones are not told until a day has passed."
	}
	d := Drift{At: now, Site: e.p.Site, Origin: e.p.URL, Kind: kind, Text: text, Advice: advice}
	if len(e.p.Events) >= mostEvents {
		e.p.Events = append(e.p.Events[:0:0], e.p.Events[1:]...)
	}
	e.p.Events = append(e.p.Events, d)
	e.untold = append(e.untold, d)
	e.changed.Store(true)
}

func (e *entry) addressChanged(now time.Time, from, to string) {
	e.say(now, AddressChanged, fmt.Sprintf("%s is reached at %s and no longer at %s", e.p.URL, to, from),
		"Expected after a move, a failover or a change in DNS: nothing to do. Otherwise look who answers for the name (lunette doctor shows each resolver's answer), and whether the firewall of the new address lets the gateway in.")
}

func (e *entry) ceilingChanged(now time.Time, from, to string, lower bool) {
	advice := "The origin speaks a newer version than before, as after an update or a new load balancer: nothing to do. In TLS 1.3 it can no longer renegotiate; a site that asks for client certificates by path must be set up anew for that."
	if lower {
		advice = "The origin no longer speaks the newer version although it was offered: a load balancer or a setting took its place, or the server was put back. Look at its TLS settings (nginx ssl_protocols, Apache SSLProtocol, IIS SCHANNEL registry) and at min_version of the site before it falls further."
	}
	e.say(now, CeilingChanged, fmt.Sprintf("%s negotiates %s where it used to negotiate %s", e.p.URL, to, from), advice)
}

func (e *entry) stoppedHTTP2(now time.Time, to string) {
	e.say(now, StoppedHTTP2, fmt.Sprintf("%s no longer speaks HTTP/2, ALPN now gives %s", e.p.URL, orNone(to)),
		"Requests go on over HTTP/1.1, with more connections. With http: \"2\" they fail: set http: auto. On the server look at nginx http2, Apache Protocols, IIS EnableHttp2Tls, and at a load balancer that was put in front.")
}

func (e *entry) beganRenegotiating(now time.Time, path string) {
	e.say(now, BeganRenegotiating, fmt.Sprintf("%s asked to renegotiate TLS (at %s), which it had not done in %d requests", e.p.URL, path, e.total()),
		"The server wants something that it did not ask for when the connection began, nearly always a client certificate. If none is meant: on IIS set SSL Settings > Client certificates to Ignore, on Apache remove SSLVerifyClient from the location. With renegotiation: auto the gateway answers; with never these requests fail.")
}

func (e *entry) idleChanged(now time.Time, was, is IdleClose) {
	e.say(now, IdleCloseChanged, fmt.Sprintf("%s closes idle connections %s, it used to close them %s", e.p.URL, is.words(), was.words()),
		"A connection that the origin closes while a request is on its way costs a retry, and a failure where the request must not be sent twice. "+keepAdvice(is))
}

func keepAdvice(c IdleClose) string {
	if keep := c.keep(); keep > 0 {
		return "Set origin.timeouts.keepalive_idle to " + keep.String() + " or less."
	}
	return "Set origin.timeouts.keepalive_idle below it."
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
