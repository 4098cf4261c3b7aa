package config

import "time"

// Site is one protected site.
type Site struct {
	_ struct{} `doc:"One protected site."`

	Names             []string       `key:"names" need:"yes" min:"1" is:"host pattern" doc:"Host names, exact (shop.test) or with one wildcard label (*.shop.test: one label, not two, and not shop.test itself). An exact name wins over a wildcard."`
	Default           bool           `key:"default" default:"false" doc:"Serve also requests for unknown names and clients without SNI. At most one site; without one the TLS handshake of such clients ends with the alert unrecognized_name (112), and on plain HTTP they get 421."`
	Certificates      []Certificate  `key:"certificate" one:"yes" absent:"none" doc:"The site's certificate and key, or a list of them, such as ECDSA and RSA. Needed where a listener has tls."`
	TLSMinVersion     uint16         `key:"tls_min_version" default:"1.2" is:"version" doc:"Oldest TLS version that clients may use."`
	ClientAuth        ClientAuth     `key:"client_auth" doc:"The client's own certificate."`
	ForwardClientCert []string       `key:"forward_client_cert" enum:"client-cert|x-arr-clientcert|ms-aspnetcore-clientcert" absent:"not forwarded" doc:"Fields by which the origin learns the client's certificate: Client-Cert (RFC 9440), X-ARR-ClientCert (IIS), MS-ASPNETCORE-CLIENTCERT. They are always stripped from what clients send."`
	ForwardUnverified bool           `key:"forward_unverified" default:"false" doc:"Forward also certificates that nobody verified here, because client_auth has no ca. The origin must verify them itself."`
	Passthrough       bool           `key:"passthrough" default:"false" doc:"Hand the TLS connection to the origin unopened, by SNI: no WAF, no routes, no certificate here."`
	RedirectHTTPS     bool           `key:"redirect_https" default:"false" doc:"Answer plain HTTP with a redirect to https."`
	RedirectPort      int            `key:"redirect_port" default:"443" min:"1" max:"65535" doc:"Port that the redirect names."`
	Methods           []string       `key:"methods" is:"method" default:"[GET, HEAD, POST, OPTIONS, PUT, PATCH, DELETE]" doc:"Request methods that may pass; spelled as in requests, upper case."`
	Path              string         `key:"path" default:"strict" enum:"strict|lenient" doc:"Paths that origins read differently (\\, ;, %2f, %u, trailing dot, ::$DATA, 8.3 names). strict: refuse them with 400. lenient: pass them on as they came."`
	IgnoreCase        bool           `key:"ignore_case" default:"false" doc:"The origin does not tell a from A in paths (IIS), so routes do not either."`
	ErrorPages        map[int]string `key:"error_pages" is:"file" min:"400" max:"599" absent:"built-in pages" doc:"HTML files of at most 256 KiB by status, for answers that Lunette makes up; the origin's own error pages pass unchanged. In them {{id}} (by which the log line is found: show it), {{reason}}, {{status}}, {{phrase}} (Bad Gateway), {{sentence}} (what happened and what the visitor can do) and {{time}} are replaced, escaped for HTML."`
	Limits            Limits         `key:"limits" doc:"What one request may take."`
	Origin            Origin         `key:"origin" need:"yes" doc:"Where requests go."`
	WAF               WAF            `key:"waf" doc:"The web application firewall."`
	Flight            string         `key:"flight" default:"packets" enum:"off|facts|packets" doc:"What the flight recorder keeps of connections to the origin while they last. facts: what happened and when. packets: also the bytes as they crossed the wire, the first and the last flight_bytes each way, and the secrets that open them, in locked memory; they are written to incidents.folder when the connection fails, else wiped."`
	FlightClient      string         `key:"flight_client" default:"off" enum:"off|facts|packets" doc:"The same for connections of clients. Their secrets are kept only while lunette capture asks for them."`
	FlightBytes       int64          `key:"flight_bytes" default:"64KiB" min:"4KiB" max:"64MiB" doc:"Bytes each way that flight: packets keeps of a connection."`
	StallAfter        time.Duration  `key:"stall_after" default:"5s" max:"1h" doc:"How long an origin may be silent while it is its turn, until that is reported, while it lasts; 0s: off."`
	SlowFactor        int            `key:"slow_factor" default:"10" min:"0" max:"1000000" doc:"Report a first byte that took this many times as long as the origin usually takes, and more than a second; 0: off."`
	DeadWait          time.Duration  `key:"dead_wait" default:"3s" max:"1h" doc:"After how long a wait is ended in which nobody can speak any more, instead of by a timeout; 0s: off."`
	DeadWaitOn        string         `key:"dead_wait_on" default:"proven" enum:"proven|likely" doc:"proven: only where it is proven that neither side will speak again. likely: also a stall whose cause is likely, from which some origins would wake (Apache answers 20 s after an ignored HelloRequest)."`
	Prove             string         `key:"prove" default:"off" enum:"off|on" doc:"After a failed GET or HEAD, try the origin again aside with one thing changed at a time, to the smallest change that helps: at most 12 connections and 5 s for an incident."`
	Routes            []Route        `key:"routes" absent:"none" doc:"Settings for a part of the site; the first route whose path fits wins."`
}

// Certificate is a certificate chain and its key.
type Certificate struct {
	_ struct{} `doc:"A certificate and its key."`

	File string `key:"file" need:"yes" is:"file" doc:"PEM file: the certificate, then its intermediates."`
	Key  string `key:"key" need:"yes" is:"file" doc:"PEM file: the private key, not encrypted."`
}

// ClientAuth is whether clients must show certificates.
type ClientAuth struct {
	_ struct{} `doc:"The client's own certificate."`

	Mode string `key:"mode" default:"none" enum:"none|request|require" doc:"request: ask for one; a client without one may pass, one that does not verify against ca and crl is refused. require: no request without a valid one."`
	CA   string `key:"ca" is:"file" absent:"certificates are not verified" doc:"PEM file of the authorities that client certificates must come from. Needed with require."`
	CRL  string `key:"crl" is:"file" absent:"revocation is not checked" doc:"Revocation list of those authorities, PEM or DER."`
}

// Limits bounds one request.
type Limits struct {
	_ struct{} `doc:"What one request may take; times and header sizes are limits of the listener."`

	Body int64 `key:"body" default:"10MiB" min:"0B" max:"1PiB" doc:"Bytes of a request body; 0B: none allowed. More is refused with 413."`
}

// Route is the settings for a part of a site. After Load all of it is resolved: what the file does not state is the site's;
// its timeouts are in Origin.
type Route struct {
	_ struct{} `doc:"Settings for a part of a site. Keys not stated here are the site's; a list or a certificate that is stated replaces the site's whole. A route whose origin settings differ from the site's, if only in a timeout, has connections and health checks of its own; waf and limits do not matter for that."`

	Path   string `key:"path" need:"yes" is:"path" doc:"Prefix of the path, from / on. /api fits /api and /api/x but not /apish; /api/ fits only what lies below."`
	Origin Origin `key:"origin" inherit:"yes" doc:"Where requests go."`
	//lint:ignore U1000 a key of the file; like says where it goes
	timeouts struct{} `key:"timeouts" like:"Origin.Timeouts" inherit:"yes" doc:"Short for origin: {timeouts: …}."`
	Limits   Limits   `key:"limits" inherit:"yes" doc:"What one request may take."`
	WAF      WAF      `key:"waf" inherit:"yes" doc:"The web application firewall."`
}
