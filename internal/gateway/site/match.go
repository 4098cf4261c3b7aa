package site

import (
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Match is where a request belongs.
type Match struct {
	Site    *Site      // nil when none matched
	Route   *Route     // whose origin, limits and timeouts count; never nil in an accepted request
	Policy  *Route     // whose WAF policy counts; differs from Route only where origins may read the path in several ways
	Client  netip.Addr // the client: rightmost address of the proxy chain that is no trusted proxy
	Scheme  string     // "http" or "https", as the client sees it (a trusted proxy may have ended TLS)
	Trusted bool       // the request came from a trusted proxy
}

// Fault is a refused request.
type Fault struct {
	Status int
	Header exchange.Header // fields that the answer must carry, such as Allow
	Rules  bool            // the request is at fault, not who sent it or where to: rules shall look at it all the same
	Reason *reason.Error
}

func (f *Fault) Error() string { return f.Reason.Error() }

// Unwrap returns the *reason.Error.
func (f *Fault) Unwrap() error { return f.Reason }

func refuse(status int, code reason.Code, detail string) *Fault {
	return &Fault{Status: status, Reason: reason.New(code, detail, nil)}
}

// Find returns the site for a server name (SNI) or Host with or without a port: exact name, then wildcard, then the
// default site; nil when there is none. It takes no memory.
func (t *Table) Find(authority string) *Site { return t.names.findOr(hostOf(authority)) }

// Match finds site, route and client of a request, judges what may pass, and fills x.Site, x.Route and x.ClientAddr. The faults, in order:
//
//	421 config.sni_host_mismatch   SNI and Host belong to different sites, or the site needs SNI and there was none (RFC 9110 section 15.5.20)
//	421 config.no_site             no site has the Host and there is no default site
//	403 client.cert_required       the site requires a client certificate, and the request came without TLS (421: without a certificate)
//	405 client.bad_request         method: CONNECT, TRACE, or none that the site lets through (501 when nobody knows it)
//	400 client.path_refused        path: the detail names the construct
//	400 http1.bad_header           Connection names a field that is not hop-by-hop
//	508 config.loop_detected       our own pseudonym stands in Via or CDN-Loop
//
// After a fault m tells what was found so far, for the answer and the log.
func (t *Table) Match(x *exchange.Exchange) (m Match, f *Fault) {
	r := &x.Request
	t.identify(x, &m)
	x.ClientAddr = m.Client
	if f = t.findSite(x, &m); m.Site != nil {
		x.Site = m.Site.Name
	}
	if f != nil {
		return m, f
	}
	if f = m.Site.checkMethod(r.Method); f != nil {
		return m, forRules(x, &m, f)
	}
	how, fault := readPath(r.Path, m.Site.lenient)
	if fault == "" && r.Path == "*" && r.Method != "OPTIONS" {
		fault = "* with another method than OPTIONS"
	}
	if fault == "" {
		fault = readQuery(r.Query, m.Site.lenient)
	}
	if fault != "" {
		return m, forRules(x, &m, refuse(400, reason.ClientPathRefused, fault))
	}
	m.Route, m.Policy = m.Site.choose(r.Path, how)
	x.Route = m.Route.Path
	if name := droppedByConnection(r.Header); name != "" {
		f = refuse(400, reason.HTTP1BadHeader, "Connection names "+name+", which is not hop-by-hop (RFC 9110 section 7.6.1)")
		f.Reason.InRequest = true
		return m, forRules(x, &m, f)
	}
	if t.looped(r.Header) {
		return m, refuse(508, reason.ConfigLoopDetected, t.self)
	}
	return m, nil
}

// Refused finds the site and the policy for a request that was refused before Match could see it, and fills x.Site and
// x.ClientAddr. ok is false where no rules are to look at it: it belongs to no site, or comes on a connection or in a scheme whose good
// requests would not get to the rules either.
func (t *Table) Refused(x *exchange.Exchange) (m Match, ok bool) {
	t.identify(x, &m)
	x.ClientAddr = m.Client
	f := t.findSite(x, &m)
	if m.Site != nil {
		x.Site = m.Site.Name
	}
	if f != nil || m.redirected() {
		return m, false
	}
	m.Policy = m.Site.policyOf(x.Request.Path)
	return m, true
}

// policyOf returns the route whose policy judges a path that goes to no origin.
func (s *Site) policyOf(path string) *Route {
	how, fault := readPath(path, s.lenient)
	if fault != "" {
		how = manyReadings
	}
	_, policy := s.choose(path, how)
	return policy
}

// redirected reports whether the site sends requests of this scheme elsewhere.
func (m *Match) redirected() bool { return m.Site.redirect && m.Scheme != "https" }

// forRules marks f as one whose request rules look at, unless no good one would get to them, and names the policy for that in m.
func forRules(x *exchange.Exchange, m *Match, f *Fault) *Fault {
	if !m.redirected() {
		f.Rules, m.Policy = true, m.Site.policyOf(x.Request.Path)
	}
	return f
}

// findSite finds the site by Host and holds it against SNI. A connection without SNI may ask for any site but those
// that need SNI: load balancers' probes do so, and nothing was decided by SNI that Host could contradict.
func (t *Table) findSite(x *exchange.Exchange, m *Match) *Fault {
	m.Site = t.names.findOr(hostOf(x.Request.Authority))
	if m.Site == nil {
		return refuse(421, reason.ConfigNoSite, "")
	}
	tls := x.Client.TLS
	switch {
	case tls == nil:
	case tls.ServerName == "":
		if m.Site.requireSNI {
			return refuse(421, reason.ConfigSNIHostMismatch, "no SNI")
		}
	case t.names.findOr(tls.ServerName) != m.Site, tls.Site != "" && tls.Site != m.Site.Name:
		// The second: the listener took the name for another site's, or did so before a reload.
		return refuse(421, reason.ConfigSNIHostMismatch, "")
	}
	return m.Site.checkCert(tls, m.Scheme)
}

// checkCert demands the certificate that the site requires, which the handshake alone cannot: a request may come without
// TLS, or on a connection that is older than the demand. A plain request that will be redirected needs none.
func (s *Site) checkCert(tls *exchange.ClientTLS, scheme string) *Fault {
	switch {
	case !s.requireCert || tls != nil && tls.Verified || s.redirect && scheme != "https":
		return nil
	case tls == nil:
		return refuse(403, reason.ClientCertRequired, "the request came without TLS")
	}
	return refuse(421, reason.ClientCertRequired, "none on this connection") // a fresh one will be asked (RFC 9110 section 15.5.20)
}

// identify finds the client and the scheme that it used. Trust is in the peer of the HTTP connection: the TCP peer,
// or the address that the PROXY protocol gave, never a load balancer that merely passed bytes on.
func (t *Table) identify(x *exchange.Exchange, m *Match) {
	m.Client = x.Client.Addr.Addr().Unmap()
	m.Scheme = x.Request.Scheme
	if m.Trusted = t.isTrusted(m.Client); !m.Trusted {
		return
	}
	m.Client = t.clientOf(x.Request.Header, m.Client)
	switch proto := lastItem(lastValue(x.Request.Header, "X-Forwarded-Proto")); {
	case exchange.EqualFold(proto, "https"), exchange.EqualFold(proto, "wss"):
		m.Scheme = "https"
	case exchange.EqualFold(proto, "http"), exchange.EqualFold(proto, "ws"):
		m.Scheme = "http"
	}
}

// looped reports whether the request went through us before.
func (t *Table) looped(h exchange.Header) bool {
	for i := range h {
		switch {
		case exchange.EqualFold(h[i].Name, "Via"):
			for item := range strings.SplitSeq(h[i].Value, ",") {
				_, by, _ := strings.Cut(strings.Trim(item, " \t"), " ")
				if by, _, _ = strings.Cut(strings.TrimLeft(by, " \t"), " "); exchange.EqualFold(by, t.self) {
					return true
				}
			}
		case exchange.EqualFold(h[i].Name, "CDN-Loop"):
			for item := range strings.SplitSeq(h[i].Value, ",") {
				id, _, _ := strings.Cut(strings.Trim(item, " \t"), ";")
				if exchange.EqualFold(strings.TrimRight(id, " \t"), t.self) {
					return true
				}
			}
		}
	}
	return false
}

// lastValue returns the value of the last field called name, or "".
func lastValue(h exchange.Header, name string) string {
	for i := len(h) - 1; i >= 0; i-- {
		if exchange.EqualFold(h[i].Name, name) {
			return h[i].Value
		}
	}
	return ""
}

// lastItem returns the last item of a comma-separated list.
func lastItem(list string) string {
	return strings.Trim(list[strings.LastIndexByte(list, ',')+1:], " \t")
}
