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

import "net/netip"

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
	RequireCert       bool           // refuse requests whose connection brought no verified client certificate; those without TLS too
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
	requireCert  bool
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

// Routes returns how many routes there are: Route.Index runs from 0 to Routes()-1, in the order of the configuration,
// the site itself before its routes.
func (t *Table) Routes() int { return len(t.routes) }

// Route returns the route with that index.
func (t *Table) Route(i int) *Route { return t.routes[i] }
