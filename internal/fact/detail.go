package fact

import "time"

// Detail is the content of a message in words and numbers: one of the pointer types of this file. Fields that a message did
// not carry are empty. Nothing in it is trusted: strings are as the peer sent them.
type Detail interface{ detail() }

// TCPOptions is what a SYN or SYN-ACK offered, and what the packet of a reset tells of who made it.
type TCPOptions struct {
	MSS         int    `json:"mss,omitempty"`          // bytes
	WindowScale int    `json:"window_scale,omitempty"` // shift, -1 when absent
	Window      int    `json:"window"`                 // bytes, unscaled
	SACK        bool   `json:"sack"`
	Timestamps  bool   `json:"timestamps"`
	TTL         int    `json:"ttl"`
	IPID        uint16 `json:"ip_id,omitempty"`
}

// ClientHello is what a client offered (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2). Names are IANA's, numbers in hex where there is none.
type ClientHello struct {
	Version              string   `json:"version"` // legacy_version: "TLS 1.2"
	Versions             []string `json:"versions,omitempty"`
	Random               string   `json:"random"` // hex
	SessionID            string   `json:"session_id,omitempty"`
	ServerName           string   `json:"sni,omitempty"`
	ALPN                 []string `json:"alpn,omitempty"`
	Suites               []string `json:"cipher_suites"`
	Groups               []string `json:"groups,omitempty"`
	KeyShares            []string `json:"key_shares,omitempty"`
	SignatureSchemes     []string `json:"signature_schemes,omitempty"`
	Extensions           []string `json:"extensions,omitempty"`    // in the order of the wire
	SecureRenegotiation  bool     `json:"secure_renegotiation"`    // renegotiation_info or its signalling suite (RFC 5746)
	Renegotiation        bool     `json:"renegotiation,omitempty"` // renegotiation_info names a handshake before this one
	ExtendedMasterSecret bool     `json:"extended_master_secret"`
	EncryptThenMAC       bool     `json:"encrypt_then_mac"`
	SessionTicket        bool     `json:"session_ticket"`          // the extension is there
	OffersTicket         bool     `json:"offers_ticket,omitempty"` // and not empty
	OffersPSK            bool     `json:"offers_psk,omitempty"`    // pre_shared_key (RFC 8446 section 4.2.11)
	EarlyData            bool     `json:"early_data,omitempty"`
	PostHandshakeAuth    bool     `json:"post_handshake_auth,omitempty"`
	EncryptedHello       bool     `json:"encrypted_client_hello,omitempty"` // sni is the public name only
	JA3                  string   `json:"ja3,omitempty"`                    // MD5, hex
	JA4                  string   `json:"ja4,omitempty"`
}

// ServerHello is what a server chose: ServerHello, HelloRetryRequest or EncryptedExtensions.
type ServerHello struct {
	Version              string   `json:"version,omitempty"` // the negotiated one
	Random               string   `json:"random,omitempty"`
	SessionID            string   `json:"session_id,omitempty"`
	Suite                string   `json:"cipher_suite,omitempty"`
	Group                string   `json:"group,omitempty"` // of the key share
	ALPN                 string   `json:"alpn,omitempty"`
	Extensions           []string `json:"extensions,omitempty"`
	SecureRenegotiation  bool     `json:"secure_renegotiation"`
	ExtendedMasterSecret bool     `json:"extended_master_secret"`
	EncryptThenMAC       bool     `json:"encrypt_then_mac"`
	SessionTicket        bool     `json:"session_ticket"`
	AcceptsPSK           bool     `json:"accepts_psk,omitempty"`
	AcceptsEarlyData     bool     `json:"accepts_early_data,omitempty"`
	Downgrade            string   `json:"downgrade,omitempty"` // the server could do this version, says its random (RFC 8446 section 4.1.3)
	JA3S                 string   `json:"ja3s,omitempty"`
}

// Certificates is a chain as it was sent, leaf first.
type Certificates struct {
	Chain   []Certificate `json:"chain"`
	Context string        `json:"context,omitempty"` // certificate_request_context of TLS 1.3, hex
	Omitted int           `json:"omitted,omitempty"` // certificates beyond the most that are kept
}

// Certificate is one of them (RFC 5280).
type Certificate struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"` // hex
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Names       []string  `json:"names,omitempty"` // subjectAltName: DNS names and addresses
	Key         string    `json:"key"`             // "RSA 2048", "ECDSA P-256"
	Signature   string    `json:"signature"`       // "SHA256-RSA"
	CA          bool      `json:"ca"`
	KeyUsage    []string  `json:"key_usage,omitempty"`
	ExtKeyUsage []string  `json:"ext_key_usage,omitempty"`
	Issuers     []string  `json:"ca_issuers,omitempty"`      // URLs of authorityInfoAccess
	Permitted   []string  `json:"permitted_names,omitempty"` // DNS names of an authority's nameConstraints
	Excluded    []string  `json:"excluded_names,omitempty"`
	SHA256      string    `json:"sha256"`          // of the DER, hex
	Error       string    `json:"error,omitempty"` // it could not be parsed; the fields above hold what could be read all the same
}

// CertificateRequest is which client certificates a server would take.
type CertificateRequest struct {
	Types            []string `json:"types,omitempty"`
	SignatureSchemes []string `json:"signature_schemes,omitempty"`
	Authorities      []string `json:"authorities,omitempty"` // distinguished names
	Context          string   `json:"context,omitempty"`     // TLS 1.3, hex
}

// KeyExchange is the public part of one.
type KeyExchange struct {
	Kind  string `json:"kind"`            // as in the suite: "RSA", "ECDHE_RSA"
	Group string `json:"group,omitempty"` // named group
	Bits  int    `json:"bits,omitempty"`  // of the DH prime
	Hint  string `json:"hint,omitempty"`  // PSK identity or its hint
}

// SessionTicket is a ticket to resume with.
type SessionTicket struct {
	Lifetime  int `json:"lifetime_s"`           // seconds
	Length    int `json:"length"`               // bytes
	EarlyData int `json:"early_data,omitempty"` // most bytes of 0-RTT data
}

// HTTPHead is the head of a request or response. Fields are masked (package redact) before they come here.
type HTTPHead struct {
	Stream    uint32  `json:"stream,omitempty"` // HTTP/2
	Proto     string  `json:"proto"`            // "HTTP/1.1", "HTTP/2"
	Method    string  `json:"method,omitempty"`
	Scheme    string  `json:"scheme,omitempty"`
	Authority string  `json:"authority,omitempty"`
	Target    string  `json:"target,omitempty"`
	Status    int     `json:"status,omitempty"`
	Phrase    string  `json:"phrase,omitempty"`
	Fields    []Field `json:"fields"`
	Length    int64   `json:"length"` // of the body as announced, -1 when it is not
}

// Field is one header field.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// HTTP2Frame is a frame that is worth telling (RFC 9113 section 6).
type HTTP2Frame struct {
	Stream     uint32   `json:"stream"`
	LastStream uint32   `json:"last_stream,omitempty"`
	Code       string   `json:"code,omitempty"`
	Debug      string   `json:"debug,omitempty"`
	Settings   []string `json:"settings,omitempty"` // "MAX_CONCURRENT_STREAMS=100"
	Ack        bool     `json:"ack,omitempty"`
}

// DNSLookup is one question to one resolver (RFC 1035).
type DNSLookup struct {
	Name      string   `json:"name"`
	Type      string   `json:"type"`               // "A", "AAAA"
	Resolver  string   `json:"resolver,omitempty"` // its address; "hosts" for the hosts file, "" for the system's own way
	Addresses []string `json:"addresses,omitempty"`
	CNAMEs    []string `json:"cnames,omitempty"`
	TTL       int      `json:"ttl_s"`             // seconds, the least of the answer; -1 when unknown
	RCode     string   `json:"rcode,omitempty"`   // "NXDOMAIN"; "timeout" where nothing came
	Took      int64    `json:"took_ns,omitempty"` // nanoseconds
	Own       []string `json:"own,omitempty"`     // of Addresses, those of this machine
}

// OriginLog is one line, or one record, of a log that the origin wrote.
type OriginLog struct {
	Format      string    `json:"format"` // "httperr", "w3c", "freb", "apache_error", "apache_access", "nginx_error", "nginx_access"
	File        string    `json:"file"`
	Line        int       `json:"line"`
	At          time.Time `json:"at"`                     // by the origin's clock
	Offset      int64     `json:"offset_ns"`              // nanoseconds that the origin's clock is ahead of ours, as estimated
	OffsetPairs int       `json:"offset_pairs,omitempty"` // connections that bear Offset out
	Client      string    `json:"client,omitempty"`       // address and port of the connection's client, where the line has them
	Method      string    `json:"method,omitempty"`
	Target      string    `json:"target,omitempty"` // masked as in heads
	Status      int       `json:"status,omitempty"`
	Substatus   int       `json:"substatus,omitempty"` // IIS
	Win32       int       `json:"win32,omitempty"`     // IIS sc-win32-status
	Phrase      string    `json:"phrase,omitempty"`    // HTTPERR reason phrase, Apache's AH code
	Message     string    `json:"message,omitempty"`   // the line's own words, bounded and masked
	Took        int64     `json:"took_ns,omitempty"`   // nanoseconds, says the origin; 0 unknown
}

func (*DNSLookup) detail()          {}
func (*OriginLog) detail()          {}
func (*TCPOptions) detail()         {}
func (*ClientHello) detail()        {}
func (*ServerHello) detail()        {}
func (*Certificates) detail()       {}
func (*CertificateRequest) detail() {}
func (*KeyExchange) detail()        {}
func (*SessionTicket) detail()      {}
func (*HTTPHead) detail()           {}
func (*HTTP2Frame) detail()         {}

// NewDetail is an empty Detail of the type that facts of kind k carry, nil for kinds that carry none.
func NewDetail(k Kind) Detail {
	switch k {
	case DNSAnswer, DNSFailed:
		return new(DNSLookup)
	case TCPSyn, TCPSynAck, TCPReset:
		return new(TCPOptions)
	case TLSClientHello:
		return new(ClientHello)
	case TLSHelloRetryRequest, TLSServerHello, TLSEncryptedExtensions:
		return new(ServerHello)
	case TLSCertificate, TLSOtherMessage:
		return new(Certificates)
	case TLSServerKeyExchange, TLSClientKeyExchange:
		return new(KeyExchange)
	case TLSCertificateRequest, TLSPostHandshakeAuth:
		return new(CertificateRequest)
	case TLSNewSessionTicket:
		return new(SessionTicket)
	case RequestHead, ResponseInterim, ResponseHead:
		return new(HTTPHead)
	case HTTP2Settings, HTTP2GoAway, HTTP2RstStream, HTTP2FlowBlocked:
		return new(HTTP2Frame)
	case OriginLogged:
		return new(OriginLog)
	}
	return nil
}
