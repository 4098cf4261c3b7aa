// Package fact is the shared vocabulary of observations: what happened, when, on which connection, from which side.
//
// Input: the live origin leg, packet captures and probes emit facts. Output: checks and records read them.
// Promises: plain data, standard library only; the same event has the same fact whoever saw it.
// Non-goals: no causes here (reason, finding).
package fact

import "time"

// Side is who did it.
type Side uint8

// The sides of a connection.
const (
	SideNone   Side = iota
	SideClient      // the end that opened the connection; on the origin leg that is Lunette
	SideServer      // the end that accepted it
)

func (s Side) String() string {
	switch s {
	case SideClient:
		return "client"
	case SideServer:
		return "server"
	}
	return ""
}

// Kind is what happened.
type Kind uint8

// The kinds of fact. Code, Size and Text of a Fact mean what stands beside each.
const (
	None                  Kind = iota
	DNSAnswer                  // Text: addresses, comma separated; Size: how many
	DNSFailed                  // Text: rcode name or timeout
	TCPConnected               // Text: address
	TCPFailed                  // Code: errno; Text: errno name
	TCPReset                   // RST seen
	TCPClosed                  // FIN seen
	TLSClientHello             // Size: length of the message
	TLSServerHello             // Code: version; Text: cipher suite
	TLSCertificate             // Text: subject of the leaf
	TLSCertificateRequest      // the server wants a client certificate
	TLSHandshakeDone           // Code: version; Text: cipher suite
	TLSHelloRequest            // a handshake record of the server after application data in TLS <= 1.2
	TLSRenegotiated            // a handshake after the first one was completed
	TLSAlert                   // Code: alert number; Text: its name
	TLSNotTLS                  // first bytes of the server were no TLS record; Text: quoted start
	RequestSent                // Size: bytes of head and body
	ContinueWaited             // we held a body back for a 100; Text: answered or gave_up
	FirstByte                  // of the response head
	ResponseHead               // Code: status
	ResponseDone               // Size: body bytes
	Silence                    // Size: nanoseconds without a byte; Side: whose turn it was
)

var kindNames = [...]string{
	"none", "dns_answer", "dns_failed", "tcp_connected", "tcp_failed", "tcp_reset", "tcp_closed",
	"tls_client_hello", "tls_server_hello", "tls_certificate", "tls_certificate_request", "tls_handshake_done",
	"tls_hello_request", "tls_renegotiated", "tls_alert", "tls_not_tls",
	"request_sent", "continue_waited", "first_byte", "response_head", "response_done", "silence",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Fact is one observation. The zero values of Code, Size and Text mean "nothing to say".
type Fact struct {
	Kind Kind
	At   time.Time
	Conn uint64 // connection id, unique in this process or capture
	Side Side
	Code int
	Size int64
	Text string
}
