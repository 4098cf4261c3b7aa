// Package site decides which site and route a request belongs to, what may pass through, and how the gateway's own
// answers look.
//
// Input: an [exchange.Exchange] as the listener parsed it. Output: [Table.Match] names site, route and client or
// refuses; [Table.Redirect] sends plain HTTP to HTTPS; [Table.Outgoing] builds the request that the origin will get;
// [Table.Incoming] cleans the origin's answer; [Table.ErrorAnswer] and [Pages.Answer] make up answers.
//
// Promises: the request as received is never changed; what leaves is built once, by Outgoing, so rules can look at
// both. Paths and queries are passed byte for byte or refused, never mended. Choosing site and route takes no memory.
// A path that an origin may read in more than one way never gets a weaker policy than any of its readings could claim.
// A Table is immutable and safe for concurrent use.
//
// Non-goals: parsing (httpwire), inspecting content (policy), choosing an origin (origin), TLS (listener). What other
// stages attach to a route they keep themselves, in a slice indexed by [Route.Index].
package site

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Config is all sites of a gateway.
type Config struct {
	Sites          []SiteConfig
	TrustedProxies []netip.Prefix // peers whose X-Forwarded-*, Forwarded and Client-Cert* are believed; none by default
	Pseudonym      string         // our name in Via and CDN-Loop, a token; by default "lunette-" and 8 random hex digits: two gateways in a row must differ
	Via            Via
}

// Via says where we add a Via field (RFC 9110 section 7.6.3).
type Via uint8

// Where Via goes. Origins such as nginx and IIS stop compressing for requests with a Via unless told otherwise
// (gzip_proxied, noCompressionForProxies); CDN-Loop has no such effect.
const (
	ViaRequest Via = iota // on requests, as the RFC demands of a gateway
	ViaBoth               // on responses too
	ViaNone               // nowhere; loops are then found by CDN-Loop (RFC 8586)
)

// SiteConfig is one site.
type SiteConfig struct {
	Names             []string       // host names, exact or "*.shop.test" (one label); ASCII; case, a trailing dot do not matter
	Default           bool           // also serves names that no site has; at most one site
	Path              PathPolicy     // Strict by default
	Methods           []string       // exactly the methods that may pass; by default the registered ones but CONNECT and TRACE
	RequireSNI        bool           // refuse TLS connections that named no server: set where the site has its own client_auth
	RedirectHTTPS     bool           // answer plain HTTP with a redirect
	RedirectPort      uint16         // port of the https URL; 0 is 443
	ForwardClientCert []CertForm     // how the origin learns the client's certificate; none by default
	ForwardUnverified bool           // forward certificates that nobody verified too: the origin must then verify them
	ErrorPages        map[int]string // HTML files of at most [MaxPage] bytes, by status from 400 to 599; see [Pages]
	Root              RouteConfig    // the site itself: what no route covers; its Path is ignored
	Routes            []RouteConfig  // the first that covers the path wins
}

// RouteConfig is a part of a site.
type RouteConfig struct {
	Path       string // prefix of the path, from "/" on: "/api" covers /api and /api/x, not /apix; "/api/" only what lies below
	IgnoreCase bool   // the origin does not tell a from A (IIS): neither does this route; ASCII paths only. The policy is chosen so anyway
	Protection int    // how much the WAF protects here, higher is more; decides between the readings of an ambiguous path
	OriginHost string // Host sent to the origin; "" is the client's
}

// Site is a site at work.
type Site struct {
	Name  string // its first name
	Index int    // of its SiteConfig

	primary      string // first name without a wildcard; "" when all have one
	lenient      bool
	methods      map[string]struct{} // nil: the default ones
	allow        string              // methods, for the Allow field
	requireSNI   bool
	redirect     bool
	redirectPort string // ":8443", or ""
	certForms    []CertForm
	unverified   bool
	pages        *Pages
	root         *Route
	routes       []*Route
	strongest    *Route
}

// Table is every site, ready to route. Immutable.
type Table struct {
	names   names
	routes  []*Route
	trusted []netip.Prefix
	via     Via
	self    string // pseudonym
	viaLine [3]string
}

// New builds the table. Faults of all sites are reported together; each carries config.bad_setting.
func New(cfg Config) (*Table, error) {
	t := &Table{via: cfg.Via, self: cfg.Pseudonym, names: names{exact: map[string]*Site{}, wild: map[string]*Site{}}}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, reason.New(reason.ConfigBadSetting, "", fmt.Errorf(format, args...)))
	}
	if t.self == "" {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		t.self = "lunette-" + hex.EncodeToString(b[:])
	}
	if !httpwire.IsToken(t.self) {
		fault("set pseudonym %q: not a token (RFC 9110 section 5.6.2)", t.self)
	}
	t.viaLine = viaLines(t.self)
	for _, p := range cfg.TrustedProxies {
		if !p.IsValid() {
			fault("set trusted_proxies: prefix %v is not valid", p)
			continue
		}
		t.trusted = append(t.trusted, unmapPrefix(p))
	}
	for i := range cfg.Sites {
		t.addSite(i, &cfg.Sites[i], fault)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return t, nil
}

// Routes returns how many routes there are: Route.Index runs from 0 to Routes()-1, in the order of the configuration,
// the site itself before its routes.
func (t *Table) Routes() int { return len(t.routes) }

// Route returns the route with that index.
func (t *Table) Route(i int) *Route { return t.routes[i] }

func (t *Table) addSite(i int, c *SiteConfig, fault func(string, ...any)) {
	s := &Site{
		Index: i, lenient: c.Path == Lenient, requireSNI: c.RequireSNI, redirect: c.RedirectHTTPS,
		certForms: c.ForwardClientCert, unverified: c.ForwardUnverified,
	}
	if c.Path != "" && c.Path != Strict && c.Path != Lenient {
		fault("set path of site %d: %q is neither strict nor lenient", i+1, c.Path)
	}
	if c.RedirectPort != 0 && c.RedirectPort != 443 {
		s.redirectPort = fmt.Sprintf(":%d", c.RedirectPort)
	}
	t.addNames(s, c, fault)
	s.setMethods(c.Methods, fault)
	for _, form := range c.ForwardClientCert {
		if !form.known() {
			fault("set forward_client_cert of site %s: unknown form %q", s.Name, form)
		}
	}
	pages, err := LoadPages(c.ErrorPages)
	if err != nil {
		fault("set error_pages of site %s: %w", s.Name, err)
	}
	s.pages = pages
	s.root = t.addRoute(s, &c.Root)
	s.strongest = s.root
	for k := range c.Routes {
		r := t.addRoute(s, &c.Routes[k])
		if err := r.setPath(c.Routes[k].Path); err != nil {
			fault("set route of site %s: %w", s.Name, err)
		}
		s.routes = append(s.routes, r)
		s.strongest = stronger(s.strongest, r)
	}
}

func (t *Table) addNames(s *Site, c *SiteConfig, fault func(string, ...any)) {
	if len(c.Names) == 0 && !c.Default {
		fault("add site %d: no names", s.Index+1)
	}
	s.Name = "default"
	if len(c.Names) > 0 {
		s.Name = strings.ToLower(strings.TrimSuffix(c.Names[0], "."))
	}
	for _, name := range c.Names {
		n, err := cleanName(name)
		if err != nil {
			fault("add name %q: %w", name, err)
			continue
		}
		if s.primary == "" && !strings.HasPrefix(n, "*.") {
			s.primary = n
		}
		if other := t.names.add(n, s); other != nil {
			fault("add name %q: site %s has it already", name, other.Name)
		}
	}
	if c.Default {
		if t.names.fallback != nil {
			fault("make site %s the default: site %s is it already", s.Name, t.names.fallback.Name)
		}
		t.names.fallback = s
	}
}

func (t *Table) addRoute(s *Site, c *RouteConfig) *Route {
	r := &Route{Site: s, Index: len(t.routes), IgnoreCase: c.IgnoreCase, Protection: c.Protection, OriginHost: c.OriginHost}
	t.routes = append(t.routes, r)
	return r
}
