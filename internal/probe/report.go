package probe

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// Report is what the climb brought. It is whole unless Cut says why not.
type Report struct {
	Target    Target
	Began     time.Time
	Ended     time.Time
	Lines     []Line
	Tries     []*Outcome   // every connection, in the order in which they were made
	Facts     []fact.Fact  // of no connection: lookups
	Addresses []netip.Addr // that the name has, or the one given
	Cut       string       // "interrupted", "the time is up", "the connections are used up"; "" for a whole climb
	Settings  Settings     // that fit this origin, as far as the tries tell
}

// Mark is how a line turned out.
type Mark uint8

// The marks of lines.
const (
	Said   Mark = iota // merely a figure
	Good               // it works
	Bad                // it does not, and should
	Absent             // it is not there, which is no fault by itself
)

func (m Mark) String() string { return [...]string{"said", "good", "bad", "absent"}[min(m, Absent)] }

// MarshalText implements encoding.TextMarshaler.
func (m Mark) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Line is one thing that was asked and what came of it, in words.
type Line struct {
	Step string `json:"step"`
	What string `json:"what"`
	Text string `json:"text"`
	Mark Mark   `json:"mark"`
}

// Outcome is what came of one connection. What was seen on it is in Recording; the rest is what our end knows.
type Outcome struct {
	Purpose   string // "plain", "tls1.0", "sni_none", …
	Path      string // that was asked for, "" without a request
	Via       bool   // through the gateway
	Cut       bool   // the climb ended before it did: what it shows is not whole
	Natural   bool   // made as a client in earnest would: its failure is a failure
	Addr      netip.AddrPort
	Recording *recording.Recording

	Err     error  // why it was given up, nil when it did what it was made for
	Phase   string // where: "connect", "tls", "request", "answer"; "" without Err
	Alert   int    // that the origin sent last, in clear or read by our end; -1 for none
	State   *tls.ConnectionState
	Hello   Hello // of the origin, where our own ClientHello asked
	Chain   []*x509.Certificate
	Trust   string // "ok", or the reason for which the chain was not trusted; "" where nobody looked
	Trusted string // what the reason is about

	HelloRequests int           // seen after the handshake
	Ignored       time.Duration // how long one of them was left without answer
	AsksCert      bool          // a client certificate was asked for
	spokeOn       bool          // the origin went on by itself after an ignored HelloRequest
	expired       bool          // or our own time was up

	Answers []Answer
	Times   Times

	what string // it was made for, in words; "" where Purpose says it
	made try    // what it was made of
}

// Hello is what the origin answered to a ClientHello.
type Hello struct {
	Version uint16 // 0: none came
	Suite   uint16
	Prime   int  // bits of the DH prime, where our own hello asked for one
	Secure  bool // it has renegotiation_info (RFC 5746)
}

// Answer is one answer to a request.
type Answer struct {
	Status    int
	Proto     string
	Header    http.Header
	Bytes     int64
	FirstByte time.Duration // since the request was sent
	Total     time.Duration
	close     bool // the origin closes after it
	part      bool // its body was not read to the end
}

// Times are how long the phases took; 0 for those that were not reached.
type Times struct{ Connect, TLS time.Duration }

// Connected reports whether TCP was connected.
func (o *Outcome) Connected() bool { return o != nil && o.Recording.Connect >= 0 }

// Shaken reports whether the TLS handshake was completed.
func (o *Outcome) Shaken() bool { return o != nil && o.State != nil && o.State.HandshakeComplete }

// Served reports whether an answer came that is no error of the server.
func (o *Outcome) Served() bool {
	return o != nil && o.Err == nil && len(o.Answers) > 0 && o.Answers[0].Status < 500
}

// Status is that of the first answer, 0 without one.
func (o *Outcome) Status() int {
	if o == nil || len(o.Answers) == 0 {
		return 0
	}
	return o.Answers[0].Status
}

// ended says how the server ended a connection, "" where it did not.
func ended(r *recording.Recording) string {
	for _, p := range r.Pieces {
		if p.Side == fact.SideServer && p.End == fact.TCPReset {
			return "reset the connection"
		}
		if p.Side == fact.SideServer && p.End == fact.TCPClosed {
			return "closed the connection"
		}
	}
	return ""
}
