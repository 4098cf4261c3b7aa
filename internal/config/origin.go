package config

import (
	"net/netip"
	"time"
)

// Origin is where a site's requests go.
type Origin struct {
	_ struct{} `doc:"Where requests go."`

	URLs            []string         `key:"urls" need:"yes" min:"1" is:"url" doc:"Origin servers, https://host[:port] or http://host[:port]."`
	Balance         string           `key:"balance" default:"round_robin" enum:"round_robin|least_conn|hash" doc:"How one of several urls is chosen. hash: by hash_key, so that the same key goes to the same server."`
	HashKey         string           `key:"hash_key" default:"client_ip" is:"hash_key" doc:"What balance: hash looks at: client_ip, path, header:NAME or cookie:NAME."`
	Host            string           `key:"host" is:"host" absent:"what the client sent" doc:"Host field sent to the origin."`
	TLS             OriginTLS        `key:"tls" doc:"TLS to the origin."`
	HTTP            string           `key:"http" default:"auto" enum:"auto|1.1|2" doc:"Version spoken to the origin. auto: HTTP/2 where the origin offers it."`
	Timeouts        Timeouts         `key:"timeouts" doc:"How long each step may take."`
	Health          Health           `key:"health" doc:"How sick servers are found and left out."`
	MaxConnections  int              `key:"max_connections" default:"0" min:"0" max:"1000000" doc:"Connections to each server at once; 0: no limit. Further requests wait, at most timeouts.connect."`
	IdleConnections int              `key:"idle_connections" default:"256" min:"0" max:"100000" doc:"Idle connections kept for each server."`
	Retries         int              `key:"retries" default:"2" min:"0" max:"10" doc:"Further attempts for a request that never reached the origin, or is idempotent and got no answer."`
	MaxHeader       int64            `key:"max_header" default:"128KiB" min:"4KiB" max:"4MiB" doc:"Bytes of the head of an answer."`
	Resolver        []netip.AddrPort `key:"resolver" absent:"the system's (/etc/resolv.conf)" doc:"DNS servers that look up the names in urls; the port may be left out (53)."`
}

// OriginTLS is TLS to an origin. It does nothing for http:// urls.
type OriginTLS struct {
	_ struct{} `doc:"TLS to the origin."`

	ServerName            string       `key:"server_name" is:"host name" absent:"host, else the name that the client asked for" doc:"Name sent as SNI and looked for in the certificate."`
	CA                    string       `key:"ca" is:"file" absent:"the system's roots" doc:"PEM file of the authorities that the origin's certificate must come from."`
	Verify                string       `key:"verify" default:"full" enum:"full|chain|none" doc:"full: chain and name. chain: any name. none: anything goes, so that whoever is on the way can read along."`
	MinVersion            uint16       `key:"min_version" is:"version" absent:"\"1.2\"; with profile: legacy \"1.0\"" doc:"Oldest TLS version to speak."`
	MaxVersion            uint16       `key:"max_version" default:"1.3" is:"version" doc:"Newest TLS version to speak. \"1.2\" is the cure for an origin that wants a client certificate after the request (TLS 1.3 post-handshake authentication)."`
	Profile               string       `key:"profile" default:"modern" enum:"modern|compatible|legacy" doc:"Cipher suites up to TLS 1.2. modern: ECDHE with AEAD. compatible: also ECDHE with CBC, and RSA key exchange with AES. legacy: everything that Go can speak, 3DES too."`
	Groups                []string     `key:"groups" is:"group" absent:"Go's" doc:"Key exchange groups, best first. Without a post-quantum one the ClientHello fits one segment, which some origins need."`
	Renegotiation         string       `key:"renegotiation" default:"auto" enum:"auto|never|once|freely" doc:"What a HelloRequest of the origin gets. auto: an answer, a bounded number of times on one connection. never: the connection is closed with reason tls.renegotiation_refused. once and freely: at most one, or any number."`
	InsecureRenegotiation bool         `key:"insecure_renegotiation" default:"false" doc:"Answer also origins without RFC 5746, whose renegotiation an attacker on the way can abuse."`
	ClientCertificate     *Certificate `key:"client_certificate" absent:"an empty one is sent" doc:"Certificate shown to an origin that asks for one."`
	ShareConnections      bool         `key:"share_connections" default:"false" doc:"Let every client use connections on which client_certificate was shown. By default such a connection belongs to one client connection, in case the origin binds an identity to it."`
}

// Timeouts bounds each step to an origin. Zero is off where the tags say so.
type Timeouts struct {
	_ struct{} `doc:"How long each step to the origin may take."`

	DNS           time.Duration `key:"dns" default:"5s" min:"10ms" max:"10m" doc:"Looking up the address."`
	Connect       time.Duration `key:"connect" default:"5s" min:"10ms" max:"10m" doc:"TCP, each address."`
	TLS           time.Duration `key:"tls" default:"10s" min:"10ms" max:"10m" doc:"TLS handshake."`
	Write         time.Duration `key:"write" default:"60s" max:"24h" doc:"How long the origin may take nothing of the request; 0s: off."`
	FirstByte     time.Duration `key:"first_byte" default:"60s" max:"24h" doc:"From the end of the request to the first byte of the answer; 0s: off."`
	ReadIdle      time.Duration `key:"read_idle" default:"60s" max:"24h" doc:"How long the origin may stay silent within its answer; 0s: off."`
	KeepaliveIdle time.Duration `key:"keepalive_idle" default:"4s" max:"1h" doc:"How long an idle connection is kept. Less than the origin keeps it (Node 5s, Apache 5s, nginx 75s, IIS 120s), or requests meet closed connections; 0s: connections are not reused."`
	Total         time.Duration `key:"total" default:"0s" max:"168h" doc:"The whole of it, all attempts; 0s: off."`
}

// Health is how sick servers of an origin are found.
type Health struct {
	_ struct{} `doc:"Active checks, made when path is set, and passive ones, which watch the traffic. A route whose origin settings differ from the site's, if only in a timeout, has its own connections, checks and state, and its own series (label route) in the metrics lunette_origin_*; routes with the same settings share all of it."`

	Path     string        `key:"path" is:"target" absent:"no active checks" doc:"Path that is asked for, with a query or without."`
	Interval time.Duration `key:"interval" default:"10s" min:"100ms" max:"1h" doc:"Time between checks of one server."`
	Timeout  time.Duration `key:"timeout" default:"5s" min:"10ms" max:"10m" doc:"Time for one check, from DNS to the header of the answer."`
	Status   StatusRange   `key:"status" default:"200-399" doc:"Status of a healthy server, or a range of them."`
	Rise     int           `key:"rise" default:"2" min:"1" max:"100" doc:"Good checks in a row that bring a server back."`
	Fall     int           `key:"fall" default:"3" min:"1" max:"100" doc:"Bad checks in a row that take a server out."`
	Passive  Passive       `key:"passive" doc:"Take out servers by failed requests."`
}

// StatusRange is a range of HTTP statuses, both ends included.
type StatusRange struct{ From, To int }

// Passive takes a server out when requests to it fail.
type Passive struct {
	_ struct{} `doc:"Take out servers by failed requests. A failure is a request without an answer; the origin's own 5xx count as answers."`

	Failures int           `key:"failures" default:"3" min:"0" max:"100000" doc:"Failures in a row that take a server out; 0: off."`
	Hold     time.Duration `key:"hold" default:"10s" min:"100ms" max:"24h" doc:"How long the server is left out before it is tried again. The last server left is never taken out."`
}
