// Package exchange holds the values that the stages of the gateway hand to one another: a request, its answer, the
// record of every attempt to reach an origin, and what is written down about it all.
//
// Input: the listener fills an [Exchange]; site, policy and origin add to it. Output: telemetry reads it when it is over.
// Promises: standard library and other leaves only; plain data, no I/O, no locks: an Exchange belongs to one goroutine at a time.
// Non-goals: parsing (httpwire), deciding (the stages).
package exchange

import (
	"context"
	"crypto/x509"
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Handler serves one exchange from its head to the last byte of its answer. ctx ends when the client is gone, with
// a *reason.Error (client.gone) as its cause. Serve must have sent a whole answer or returned with none begun or with Aborted set.
type Handler interface {
	Serve(ctx context.Context, x *Exchange)
}

// Exchange is one request on its way through the gateway.
type Exchange struct {
	ID     string    // 26 characters, time-ordered; goes to the origin, the log and every page that we generate
	Start  time.Time // first byte of the request head
	Client *Client   // the connection it came on; shared by the requests of that connection
	// ClientAddr is who asks, by the chain of trusted proxies where there is one; until that is known, Client.Addr counts.
	ClientAddr netip.Addr
	Request    Request
	W          ResponseWriter

	// Refused is why the request goes no further than to the rules: it is malformed, or nothing that the site lets pass. Whatever
	// rules say of it, this is what it is refused for. nil for every other request.
	Refused *reason.Error

	// Filled on the way.
	Site     string // first name of the site, "" when none matched
	Route    string // path prefix of the route, "" for the site itself
	Attempts []Attempt
	WAF      WAF
	Answer   Answer
	Incident string // id of the incident that its failure was counted in, "" for none

	// Aborted says that an answer was begun and cannot be ended properly: the listener closes or resets.
	Aborted bool
}

// Address returns ClientAddr, or the connection's client address until it is known.
func (x *Exchange) Address() netip.Addr {
	if x.ClientAddr.IsValid() || x.Client == nil {
		return x.ClientAddr
	}
	return x.Client.Addr.Addr()
}

// Client is what is known of the client's connection. Read-only after accept.
type Client struct {
	ConnID   uint64         // unique in this process
	Peer     netip.AddrPort // the TCP peer
	Addr     netip.AddrPort // the client: Peer, or from the PROXY protocol
	Local    netip.AddrPort // the listener's address
	Listener string         // its configured address
	TLS      *ClientTLS     // nil on a plain connection
}

// ClientTLS is the TLS state of a client's connection.
type ClientTLS struct {
	ServerName string // SNI, lower case, "" when absent
	Site       string // first name of the site whose certificate and client_auth the handshake used; "" where unknown
	Version    uint16 // tls.VersionTLS12, …
	Cipher     uint16
	ALPN       string
	Resumed    bool
	Chain      []*x509.Certificate // the client's own certificates as sent; empty without
	Verified   bool                // Chain was verified against the site's CA and CRL
}

// Answer is what the client got.
type Answer struct {
	Status    int           // 499 when the client left first
	Origin    bool          // the status is the origin's; false: Lunette made it up
	Reason    reason.Code   // why Lunette ended the exchange itself, "" where it did not
	Detail    string        // number or name that belongs to Reason
	InRequest bool          // the request was at fault, see reason.Error
	BytesIn   int64         // request body bytes received
	BytesOut  int64         // response body bytes sent
	Duration  time.Duration // from Start to the last byte
	First     time.Duration // from Start to the head of the answer; 0 when there was none
	Header    Header        // fields as they were handed to the listener, which adds its own; nil when there was no answer
}

// NotReached is the duration of a phase that an attempt did not get to.
const NotReached time.Duration = -1

// Attempt is the record of one try to reach an origin. Phases not reached are NotReached; phases skipped (reused connection) are 0.
type Attempt struct {
	Start   time.Time
	URL     string         // the configured origin URL
	Address netip.AddrPort // dialled address; zero before DNS answered
	Local   netip.AddrPort // our end
	ConnID  uint64         // the origin connection, unique in this process
	Reused  bool
	Idle    time.Duration // how long a reused connection had lain idle
	Uses    int           // requests that a reused connection had served before

	DNS, Connect, TLS, Write, FirstByte, Body time.Duration

	Proto          Proto
	Stream         uint32 // of HTTP/2
	Announced      bool   // the body was announced with Expect: 100-continue
	TLSVersion     uint16
	Cipher         uint16
	SNI            string
	ALPNSent       []string
	ALPN           string
	Resumed        bool
	Peer           *Peer
	Renegotiations int  // HelloRequests seen on the connection during this attempt
	CertRequested  bool // the origin asked for a client certificate
	CertSent       bool // and got one (false: an empty list)

	// How the origin is, beyond this exchange.
	TLSOffered          uint16 // highest version that we offered; 0 in clear
	SecureRenegotiation bool   // renegotiation_info came (RFC 5746), TLS <= 1.2
	Closing             bool   // the answer says that the connection ends with it
	Server              string // field Server of the answer, as it came; of the first request of a connection only

	BytesSent, BytesReceived int64
	AlertReceived            int // TLS alert number, -1 for none
	AlertSent                int // TLS alert number, -1 for none

	Status  int // the origin's status, 0 without
	Reason  reason.Code
	Detail  string
	Err     error // for the log at debug level; never classified by its text
	Retried bool  // another attempt followed
	Facts   []fact.Fact
	// Finding is the cause that the checks state of it, "" for none, and Confidence how sure they are.
	Finding, Confidence string

	// For whoever asks why it failed; they hold until the exchange has been recorded.
	Opening  *Opening  // of the connection; nil in clear
	Tape     Tape      // of the connection; nil where none is kept
	Sent     *Request  // as it went out
	Answered *Response // head of an answer that is an error, or was broken off; nil without
}

// Peer is the origin's leaf certificate, as the record shows it.
type Peer struct {
	Subject  string
	Issuer   string
	SANs     []string
	NotAfter time.Time

	NotBefore   time.Time
	Fingerprint string // SHA-256 of the certificate, hex
	KeyID       string // SHA-256 of its SubjectPublicKeyInfo, hex
	Key         string // "RSA 2048", "ECDSA P-256"
}

// WAF is the part of the record that the policy stage fills.
type WAF struct {
	Mode      string // block, detect, off; "" when the request never got there
	Verdict   string // pass, block, detect (would have blocked), error
	Phase     string // where it was decided: request_headers, request_body, response_headers, response_body
	Score     int
	Threshold int
	Matches   []Match
	Rules     []int // ids of all rules that matched and log, up to 512, in the order in which they did
	Spent     time.Duration
	Inspected int64 // request body bytes that rules saw
	Of        int64 // of so many; -1 unknown
	Audit     Audit
}

// Match is one rule that matched.
type Match struct {
	ID       int
	Message  string
	Severity string
	Score    int      // points that it added
	Target   string   // variable, e.g. ARGS:q
	Part     string   // the matched part, masked and bounded
	Data     string   // what the rule itself has to say (logdata), its macros filled in, masked and bounded; "" where it says nothing
	Tags     []string // the rule's tags, e.g. paranoia-level/1

	Transformations string // those that changed the value, e.g. t:urlDecodeUni,t:lowercase
	Paranoia        int    // level from which the rule runs; 0 for rules of every level
	Scoring         bool   // the rule adds points; false for those that keep the books

	File               string // where the rule stands, "" unknown
	Line               int
	Rev, Ver           string // as the rule says
	Maturity, Accuracy int
	NoAudit            bool // the rule says noauditlog
}
