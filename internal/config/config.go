package config

import (
	"net/netip"
	"time"
)

// Config is a whole file. The tags state each key:
//
//	key       its name in the file
//	doc       what it means
//	default   its value when the key is absent, spelled as in the file
//	absent    what happens when the key is absent, in words, where no value says it
//	is        the kind of text it takes (kinds.go) where the Go type does not say it
//	enum      the words that it takes, separated by |
//	min, max  its range, both ends included; for lists, min is the least number of items
//	need      "yes": the key must be there
//	one       "yes": a single item may stand where a list is meant
//	inherit   "yes": what is not stated here comes from the site
//	like      the Go field that the key fills instead, as Origin.Timeouts
//	secret    "yes": masked wherever it would show
//
// A field without a key tag is filled by Load.
type Config struct {
	_ struct{} `doc:"The whole file."`

	Listen         []Listener     `key:"listen" need:"yes" min:"1" doc:"Addresses that clients connect to. Every listener serves every site."`
	Sites          []Site         `key:"sites" need:"yes" min:"1" doc:"The protected sites."`
	TrustedProxies []netip.Prefix `key:"trusted_proxies" absent:"none" doc:"Networks of proxies in front of Lunette. Only from these are Forwarded and X-Forwarded-* believed; from all others they are stripped."`
	AccessLog      AccessLog      `key:"access_log" doc:"One JSON line a request."`
	AuditLog       AuditLog       `key:"audit_log" doc:"What rules found, in the forms that ModSecurity and SIEMs know. Read at start."`
	Log            Log            `key:"log" doc:"Lunette's own messages, on stderr."`
	Admin          Admin          `key:"admin" doc:"/metrics, /healthz, /readyz, /origins, /incidents, and what lunette capture asks for."`
	Via            string         `key:"via" default:"request" enum:"request|both|none" doc:"Where a Via field (RFC 9110 section 7.6.3) is added: to requests, to answers too, or nowhere. Some origins do not compress for requests with it (nginx gzip_proxied, IIS noCompressionForProxies)."`
	WAFMemory      int64          `key:"waf_memory" default:"512MiB" min:"16MiB" max:"1PiB" doc:"Bytes of large bodies (64 KiB and more) that rules hold at once, over all sites, from their inspection until the answer has been sent; the engine holds once to twice as much memory, and up to eight times for as long as rules look at a body, more where most of it is no UTF-8. Further ones wait at most 30 s, then waf.on_error decides. Read at start."`
	Incidents      Incidents      `key:"incidents" doc:"What is kept of failures. Read at start."`
	FlightMemory   int64          `key:"flight_memory" default:"64MiB" min:"1MiB" max:"1TiB" doc:"Bytes of all connections together that the flight recorder holds. Connections beyond it are recorded without their bytes. Read at start."`
	DrainTimeout   time.Duration  `key:"drain_timeout" default:"30s" max:"1h" doc:"How long a stop, a reload or an upgrade waits for open requests before it cuts them off."`

	File string // absolute path of the file

	located *located // for Place and Fault
}

// Listener is one address that clients connect to.
type Listener struct {
	_ struct{} `doc:"One address that clients connect to."`

	Address       string         `key:"address" need:"yes" is:"address" doc:"host:port to listen on. An empty host, as in :443, is every address of the machine."`
	TLS           bool           `key:"tls" default:"false" doc:"Speak TLS. The certificates come from the sites, chosen by SNI."`
	HTTP2         bool           `key:"http2" default:"true" doc:"Offer HTTP/2 to TLS clients."`
	ProxyProtocol ProxyProtocol  `key:"proxy_protocol" doc:"PROXY protocol v1 and v2, by which a load balancer in front states the client's address."`
	Limits        ListenerLimits `key:"limits" doc:"What one client or all of them may take."`
}

// ProxyProtocol is how a listener treats PROXY protocol headers.
type ProxyProtocol struct {
	_ struct{} `doc:"PROXY protocol on a listener."`

	Mode    string         `key:"mode" default:"off" enum:"off|accept|require" doc:"off: such a header is a bad request. accept: read where there is one. require: refuse connections without one."`
	Trusted []netip.Prefix `key:"trusted" absent:"the networks of trusted_proxies" doc:"Networks that may send the header; connections from elsewhere are taken as they are with accept, refused with require."`
}

// ListenerLimits bounds what clients may take of a listener.
type ListenerLimits struct {
	_ struct{} `doc:"Limits of a listener, before the site is known."`

	Connections int           `key:"connections" default:"65536" min:"0" max:"10000000" doc:"Open client connections; 0: no limit."`
	PerClient   int           `key:"per_client" default:"4096" min:"0" max:"10000000" doc:"Open connections of one client address, of IPv6 one /64; 0: no limit."`
	Line        int64         `key:"line" default:"16KiB" min:"1KiB" max:"1MiB" doc:"Bytes of a request line, so of a URL."`
	Header      int64         `key:"header" default:"64KiB" min:"1KiB" max:"1MiB" doc:"Bytes of a request's line and header fields together."`
	Fields      int           `key:"fields" default:"128" min:"8" max:"10000" doc:"Header fields of a request."`
	HeaderTime  time.Duration `key:"header_time" default:"10s" min:"100ms" max:"10m" doc:"From the first byte of a request to the end of its header (slowloris); the same for a TLS handshake and a PROXY header."`
	Idle        time.Duration `key:"idle" default:"60s" min:"100ms" max:"24h" doc:"How long a kept-alive connection may lie between requests."`
	BodyIdle    time.Duration `key:"body_idle" default:"60s" min:"100ms" max:"1h" doc:"How long a client may stay silent within its request body."`
	SendIdle    time.Duration `key:"send_idle" default:"60s" min:"100ms" max:"1h" doc:"How long a client may take nothing of its answer."`
	TunnelIdle  time.Duration `key:"tunnel_idle" default:"1h" max:"168h" doc:"How long both sides of a WebSocket, another upgraded or a passed-through connection may stay silent; 0s: off."`
	Requests    int           `key:"requests" default:"10000" min:"0" max:"1000000000" doc:"Requests on one connection, after which it is closed; 0: no limit."`
	Streams     int           `key:"streams" default:"128" min:"1" max:"10000" doc:"Requests open at once on one HTTP/2 connection."`
}

// AccessLog is where the access log goes.
type AccessLog struct {
	_ struct{} `doc:"The access log."`

	File    string   `key:"file" default:"stdout" is:"log target" doc:"A file, or stdout, stderr, off."`
	Format  string   `key:"format" default:"json" enum:"json" doc:"json: one object a line, see docs/formats/access-log.md."`
	Mask    []string `key:"mask" is:"field name" absent:"nothing more" doc:"Names of header fields, cookies and parameters whose values are masked besides the built-in list (Authorization, Cookie, tokens, passwords, …), in any case."`
	Headers bool     `key:"headers" default:"false" doc:"Write the request's header fields on every line, not only where something failed or matched."`
	OnError string   `key:"on_error" default:"open" enum:"open|closed" doc:"When a line cannot be written, such as on a full disk. open: serve on and count the lost lines. closed: answer 503."`
}

// AuditLog is where the audit log goes.
type AuditLog struct {
	_ struct{} `doc:"The audit log (SecAuditLog), see docs/audit-log.md. Secrets are masked as in the access log."`

	File   string `key:"file" default:"off" is:"log target" doc:"A file, or stdout, stderr, off."`
	Format string `key:"format" default:"json" enum:"json|native|ocsf" doc:"json: one object a line, with the field names of Coraza's JSON audit log. native: the parts of ModSecurity's audit log, between boundaries. ocsf: one OCSF event (HTTP Activity) a line."`
	When   string `key:"when" default:"relevant" enum:"relevant|blocked|all" doc:"relevant: a rule matched that says auditlog, as rules do by default. blocked: the request was blocked, or with mode: detect would have been. all: every request that rules looked at. Rules may change it (ctl:auditEngine)."`
	Parts  string `key:"parts" default:"ABFHJKZ" is:"audit parts" doc:"Parts that are written: B request header, C request body, E response body, F response header, H trailer, I request body without files, J files, K rules that matched; A and Z always. Rules may change them (ctl:auditLogParts)."`
	Body   int64  `key:"body" default:"0B" min:"0B" max:"1MiB" doc:"Bytes of each body that parts C, E and I show, masked; 0B: none, whatever parts and rules ask for. Bodies that are no form, multipart or JSON are never shown."`
}

// Log is Lunette's own log.
type Log struct {
	_ struct{} `doc:"Lunette's own messages."`

	Level  string `key:"level" default:"info" enum:"debug|info|warn|error" doc:"Least severity that is written."`
	Format string `key:"format" default:"text" enum:"text|json" doc:"Form of a line."`
}

// Admin is the address for machines and people who run Lunette.
type Admin struct {
	_ struct{} `doc:"The admin address."`

	Address   string `key:"address" is:"address" absent:"no admin address" doc:"host:port. An address other than loopback needs a token."`
	Token     string `key:"token" secret:"yes" min:"16" absent:"none" doc:"Bearer token that requests must carry. Prefer token_file."`
	TokenFile string `key:"token_file" is:"file" absent:"none" doc:"File that holds the token and nothing else."`
}
