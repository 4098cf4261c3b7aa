package profile

import (
	"crypto/tls"
	"net/netip"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Bounds of a profile.
const (
	mostAddresses = 16
	mostVersions  = 8
	mostCiphers   = 12
	mostNames     = 8
	mostPaths     = 16
)

// learn takes an attempt that is out of the ordinary: on a new connection, with a reason or facts, or one in so many.
func (e *entry) learn(a *exchange.Attempt, judge bool) []Drift {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := a.Start
	if judge || !a.Reused {
		e.base.judge(now)
		e.expire(now)
	}
	if a.Reused && a.Proto != exchange.HTTP2 && a.Reason == "" && int64(a.Idle) > e.idle.beyond.Load() {
		if was, is, ok := e.idle.outlived(a.Idle, now); ok {
			e.idleChanged(now, was, is)
		}
	}
	e.connected(a, now)
	e.handshake(a, now)
	e.asked(a, now)
	e.reuse(a, now)
	if a.Server != "" {
		if s := product(a.Server); s != e.p.Server {
			e.p.Server = s
			e.changed.Store(true)
		}
	}
	return e.take()
}

// connected learns the address of a new connection.
func (e *entry) connected(a *exchange.Attempt, now time.Time) {
	if a.Reused || a.ConnID == 0 || !a.Address.IsValid() {
		return
	}
	e.p.Connections++
	if was, is, ok := e.see(&e.p.Addresses, a.Address.String(), now, mostAddresses); ok {
		e.addressChanged(now, was, is)
	}
}

// handshake learns from the first handshake of a connection, whole or refused.
func (e *entry) handshake(a *exchange.Attempt, now time.Time) {
	if a.TLSOffered == 0 || a.Reused && !noted(a, fact.TLSHandshakeDone) {
		return
	}
	done := noted(a, fact.TLSHandshakeDone)
	name := e.name(a.SNI, now)
	switch {
	case done:
		name.Good++
	case refused(a.Reason):
		name.Refused++
	}
	if a.Peer != nil {
		e.certificate(name, a.Peer, a.Resumed, now)
	}
	if !done {
		return
	}
	if a.Resumed {
		e.p.Resumed++
	} else {
		e.p.Full++
	}
	e.version(a, now)
	e.see(&e.p.Ciphers, tls.CipherSuiteName(a.Cipher), now, mostCiphers)
	if slices.Contains(a.ALPNSent, "h2") {
		was, is, ok := e.see(&e.p.ALPN, protocol(a.ALPN), now, mostVersions)
		if ok && was == "h2" {
			e.stoppedHTTP2(now, is)
		}
	}
	if a.TLSVersion > 0 && a.TLSVersion < tls.VersionTLS13 {
		e.p.Secure = "no"
		if a.SecureRenegotiation {
			e.p.Secure = "yes"
		}
	}
}

// version learns which TLS version was negotiated. Where the newest one known was not even offered, that says nothing.
func (e *entry) version(a *exchange.Attempt, now time.Time) {
	version, offered := tls.VersionName(a.TLSVersion), tls.VersionName(a.TLSOffered)
	if offered > e.p.Offered {
		e.p.Offered = offered
	}
	if offered < e.p.Ceiling {
		return
	}
	was, is, ok := e.see(&e.p.Versions, version, now, mostVersions)
	e.p.Ceiling = ""
	for _, m := range e.p.Versions.Members {
		if m.State != Gone {
			e.p.Ceiling = max(e.p.Ceiling, m.Value)
		}
	}
	if ok {
		e.ceilingChanged(now, was, is, is < was)
	}
}

// see takes a sighting for a set of the profile.
func (e *entry) see(s *Set, value string, now time.Time, most int) (was, is string, ok bool) {
	before := len(s.Members)
	was, is, ok = s.see(value, now, most)
	if ok || len(s.Members) != before {
		e.changed.Store(true)
	}
	return was, is, ok
}

// name is the record of a server name.
func (e *entry) name(sni string, now time.Time) *Name {
	if _, err := netip.ParseAddr(sni); err == nil {
		sni = "" // crypto/tls sends none (RFC 6066 section 3)
	}
	sni = clean(sni, 255)
	i := slices.IndexFunc(e.p.Names, func(n Name) bool { return n.SNI == sni })
	if i < 0 {
		if len(e.p.Names) >= mostNames {
			oldest := 0
			for j := range e.p.Names {
				if e.p.Names[j].Last.Before(e.p.Names[oldest].Last) {
					oldest = j
				}
			}
			e.p.Names = slices.Delete(e.p.Names, oldest, oldest+1)
		}
		e.p.Names = append(e.p.Names, Name{SNI: sni})
		i = len(e.p.Names) - 1
	}
	e.p.Names[i].Last = now
	return &e.p.Names[i]
}

// asked learns of renegotiations and of wishes for a client certificate.
func (e *entry) asked(a *exchange.Attempt, now time.Time) {
	r := &e.p.Renegotiation
	if a.Renegotiations > 0 {
		path := "/"
		if a.Sent != nil {
			path = beginning(a.Sent.Path)
		}
		if (r.Count == 0 || now.Sub(r.Last) > 7*24*time.Hour) && e.total() >= 100 {
			e.beganRenegotiating(now, path)
		}
		if r.Count == 0 {
			r.First = now
			e.changed.Store(true)
		}
		r.Count += uint64(a.Renegotiations)
		r.Last = now
		e.renegotiatedAt(path, now)
	}
	c := &e.p.CertAsked
	switch {
	case noted(a, fact.TLSPostHandshakeAuth):
		c.PostHandshake++
	case !a.CertRequested:
		return
	case a.Renegotiations > 0 && !notedBefore(a, fact.TLSCertificateRequest, fact.TLSHelloRequest):
		c.Renegotiation++
	case !a.Reused:
		c.Initial++
	}
	e.certAsked.Store(true)
}

// renegotiatedAt counts a path; one beyond the most takes the place of the rarest.
func (e *entry) renegotiatedAt(path string, now time.Time) {
	r := &e.p.Renegotiation
	for i := range r.Paths {
		if r.Paths[i].Path == path {
			r.Paths[i].Count++
			r.Paths[i].Last = now
			return
		}
	}
	if len(r.Paths) >= mostPaths {
		rarest := 0
		for i := range r.Paths {
			if r.Paths[i].Count < r.Paths[rarest].Count || r.Paths[i].Count == r.Paths[rarest].Count && r.Paths[i].Last.Before(r.Paths[rarest].Last) {
				rarest = i
			}
		}
		r.Paths = slices.Delete(r.Paths, rarest, rarest+1)
	}
	r.Paths = append(r.Paths, Path{Path: path, Count: 1, Last: now})
}

// reuse learns when connections end.
func (e *entry) reuse(a *exchange.Attempt, now time.Time) {
	r := &e.p.Reuse
	if a.Reason == reason.ReadStaleReusedConnection {
		r.Stale++
		if a.Proto != exchange.HTTP2 && a.Idle > 0 {
			if was, is, ok := e.idle.ended(a.Idle, now); ok {
				e.idleChanged(now, was, is)
			}
		}
	}
	if !a.Closing {
		return
	}
	r.Closing++
	n := a.Uses + 1
	if n == 1 {
		r.AtFirst++
		return
	}
	if r.Least == 0 {
		r.Least = n
	}
	r.Least, r.Most = min(r.Least, n), max(r.Most, n)
}

func noted(a *exchange.Attempt, k fact.Kind) bool {
	return slices.ContainsFunc(a.Facts, func(f fact.Fact) bool { return f.Kind == k })
}

// notedBefore reports whether a fact of the first kind stands before any of the second.
func notedBefore(a *exchange.Attempt, first, second fact.Kind) bool {
	for i := range a.Facts {
		switch a.Facts[i].Kind {
		case first:
			return true
		case second:
			return false
		}
	}
	return false
}

// refused reports whether the origin ended a handshake, perhaps for the name.
func refused(c reason.Code) bool {
	switch c {
	case reason.TLSUnrecognizedName, reason.TLSAlert, reason.TLSReset, reason.TLSEOF:
		return true
	}
	return false
}

func protocol(alpn string) string {
	if alpn == "" {
		return "none"
	}
	return clean(alpn, 32)
}
