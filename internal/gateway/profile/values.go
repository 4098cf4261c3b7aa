package profile

import "time"

// Format is the version of Profile as it is stored; one of another version is not restored.
const Format = 1

// Profile is what was learned of one URL of one site. It is what is stored and shown.
type Profile struct {
	Format int       `json:"format"`
	Site   string    `json:"site"`
	URL    string    `json:"url"`
	First  time.Time `json:"first"` // attempt
	Last   time.Time `json:"last"`

	Requests    uint64    `json:"requests"`    // attempts
	Failures    uint64    `json:"failures"`    // of these with a reason
	Connections uint64    `json:"connections"` // that were made
	Statuses    [6]uint64 `json:"statuses"`    // answers by first digit; [0] is none
	Server      string    `json:"server,omitempty"`
	HTTP2       uint64    `json:"http2_requests"`

	Addresses    Set           `json:"addresses"`
	Versions     Set           `json:"tls_versions"` // of handshakes in which the newest one known was offered
	Ceiling      string        `json:"tls_ceiling,omitempty"`
	Offered      string        `json:"tls_offered,omitempty"` // newest version that we offered
	Ciphers      Set           `json:"tls_ciphers"`
	ALPN         Set           `json:"alpn"` // chosen where h2 was offered; "none" for nothing
	Full         uint64        `json:"full_handshakes"`
	Resumed      uint64        `json:"resumed_handshakes"`
	Secure       string        `json:"secure_renegotiation,omitempty"` // "yes" or "no" (RFC 5746); "" unknown: TLS 1.3, or never seen
	Names        []Name        `json:"names,omitempty"`
	SNI          string        `json:"sni,omitempty"` // "needed", "chooses" (another certificate for another name), "ignored"; "" without evidence
	Certificates []Certificate `json:"certificates,omitempty"`

	Renegotiation Renegotiation `json:"renegotiation"`
	CertAsked     CertAsked     `json:"client_certificate"`

	IdleClose IdleClose `json:"idle_close"`
	Reuse     Reuse     `json:"keep_alive"`
	FirstByte FirstByte `json:"first_byte"`

	Events []Drift `json:"events,omitempty"`

	Kept Kept `json:"kept"`
}

// Name is a server name that was sent, with what came of it. "" stands for none: the origin's name is an address.
type Name struct {
	SNI     string    `json:"sni"`
	Good    uint64    `json:"good"`    // handshakes
	Refused uint64    `json:"refused"` // handshakes that the origin ended
	Last    time.Time `json:"last"`
	Certs   Set       `json:"certificates"` // by fingerprint
}

// Certificate is a leaf that the origin showed.
type Certificate struct {
	SHA256    string    `json:"sha256"` // of the DER, hex
	Subject   string    `json:"subject"`
	Names     []string  `json:"names,omitempty"`
	Issuer    string    `json:"issuer"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	Key       string    `json:"key"`
	KeySHA256 string    `json:"key_sha256"` // of the SubjectPublicKeyInfo, hex
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	Count     uint64    `json:"count"`            // handshakes
	Warned    int       `json:"warned,omitempty"` // days before its end that were told of last, 1 more than them; 0: none were
}

// Renegotiation is whether the origin asks to renegotiate.
type Renegotiation struct {
	Count uint64    `json:"count"` // HelloRequests
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	Paths []Path    `json:"paths,omitempty"`
}

// Path is the beginning of a path, without query.
type Path struct {
	Path  string    `json:"path"`
	Count uint64    `json:"count"`
	Last  time.Time `json:"last"`
}

// CertAsked counts how the origin asked for a client certificate.
type CertAsked struct {
	Initial       uint64 `json:"initial"` // in the first handshake
	Renegotiation uint64 `json:"renegotiation"`
	PostHandshake uint64 `json:"post_handshake"` // TLS 1.3
}

// Reuse is how connections serve several requests.
type Reuse struct {
	Kept    uint64 `json:"kept"`     // requests on a connection that was used before
	Closing uint64 `json:"closing"`  // answers that ended their connection
	AtFirst uint64 `json:"at_first"` // of these to the first request
	Least   int    `json:"least"`    // requests on a connection that an answer ended, but the first; 0 unknown
	Most    int    `json:"most"`
	Stale   uint64 `json:"stale"` // requests that met a closed connection
}

// FirstByte is how soon the origin answers, from the end of the request.
type FirstByte struct {
	Seen   uint64        `json:"seen"` // of those that count now
	P50    time.Duration `json:"p50_ns"`
	P95    time.Duration `json:"p95_ns"`
	Usual  time.Duration `json:"usual_ns"` // the median that slow_factor multiplies; 0 while too little is known
	SlowAt time.Duration `json:"high_ns"`  // what else a slow one must exceed
	Slow   uint64        `json:"slow"`     // that were
}

// Kept is what is needed to go on learning.
type Kept struct {
	FirstByte []uint32  `json:"first_byte,omitempty"` // counts by bucket
	IdleOpen  []uint32  `json:"idle_open,omitempty"`
	IdleEnded []uint32  `json:"idle_ended,omitempty"`
	Raised    time.Time `json:"raised,omitzero"`
}
