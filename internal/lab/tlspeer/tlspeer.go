// Package tlspeer is a TLS endpoint that does what crypto/tls cannot: as a server of TLS 1.0 to 1.3 it renegotiates, speaks without
// RFC 5746, asks for a certificate after the handshake, and stops or breaks off before any message; as a client, up to TLS 1.2, it
// ignores or refuses a HelloRequest.
//
// Input: a net.Conn and a Config. Output: a [Conn], itself a net.Conn.
// Promises: RSA, DHE and ECDHE key exchange, every cipher of tlscrypt, encrypt-then-MAC, extended master secret, secure
// renegotiation, tickets, ALPN, client certificates; TLS 1.3 with HelloRetryRequest, KeyUpdate and post-handshake authentication;
// no goroutines; what a peer can make it hold is bounded.
// Non-goals: TLS 1.3 as a client, resumption in TLS 1.3, standing on the open network (it hides no timing).
package tlspeer

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// ClientAuth is what a server wants of a client certificate.
type ClientAuth uint8

// The three settings, named as IIS does.
const (
	Ignore  ClientAuth = iota // do not ask
	Accept                    // ask; none will do
	Require                   // ask; the caller decides what to do without one: IIS answers 403.7, others break the handshake
)

// Reaction is what a client does about a HelloRequest.
type Reaction uint8

// The reactions that real clients show.
const (
	Comply Reaction = iota // begin a handshake
	Drop                   // RFC 5246 section 7.4.1.1 allows to ignore it
	Refuse                 // answer with the warning no_renegotiation
)

// Config is how an endpoint behaves. The zero Config is a client that verifies nothing; a server needs a Certificate.
type Config struct {
	MinVersion, MaxVersion uint16             // default TLS 1.0 and TLS 1.2
	Suites                 []uint16           // in order of preference; default DefaultSuites
	Groups                 []uint16           // default P-256, X25519, P-384
	Certificate            *certs.Certificate // a client's is sent when asked for
	ClientAuth             ClientAuth         // server, in the first handshake
	RequireInHandshake     bool               // server: Require without a certificate breaks the handshake with alert 40
	ClientCAs              [][]byte           // server: DER subjects named in its CertificateRequest
	ServerName             string             // client: SNI
	ALPN                   []string           // server: the protocols it speaks, best first; client: what it offers
	RequireALPN            bool               // server: without one in common the handshake breaks with alert 120
	ForceALPN              string             // server: answers this one, whatever was offered
	Roots                  *x509.CertPool     // client: verifies the server's chain; nil: it is taken as it is
	OnHelloRequest         Reaction           // client

	NoSecureRenegotiation  bool      // speak as before RFC 5746
	NoExtendedMasterSecret bool      // as Schannel before 2015
	NoEncryptThenMAC       bool      // as Schannel always
	LoseTicket             bool      // server: promises a ticket in the ServerHello of a renegotiation and sends none
	DHPrime                []byte    // server: of DHE, big-endian; default Oakley group 2, 1024 bits
	KeyLog                 io.Writer // a whole line of the NSS key log in each Write, for each handshake; nil: none
	Sessions               *Sessions // server: gives out tickets and resumes by them, up to TLS 1.2; nil: neither
	// Before is called when the server is about to send handshake message msg (tlswire.MsgServerHello, …, MsgFinished); what comes
	// before it has left. An error ends the handshake.
	Before func(c *Conn, msg uint8) error
}

// DefaultSuites is what a Config without Suites offers or accepts, best first.
func DefaultSuites() []uint16 {
	return []uint16{
		0xc02f, 0xc030, 0xc02b, 0xc02c, 0xcca8, 0xcca9, // ECDHE with GCM or ChaCha20
		0xc027, 0xc013, 0xc014, 0xc009, 0xc00a, 0xc023, // ECDHE with AES-CBC
		0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, // RSA with AES
		0xc012, 0x000a, // 3DES
	}
}

var defaultGroups = [...]uint16{23, 29, 24}

// AlertError is a fatal alert, or the no_renegotiation warning.
type AlertError struct {
	tlswire.Alert
	Sent bool // by us; false: received
}

func (e *AlertError) Error() string {
	verb := "receive"
	if e.Sent {
		verb = "send"
	}
	return fmt.Sprintf("%s alert: %d %s", verb, e.Number, tlswire.AlertName(e.Number))
}

// ErrReadAhead says that more application data came before the answer to a HelloRequest than the caller let it buffer.
var ErrReadAhead = errors.New("wait for client hello: read-ahead buffer full")

// Conn is one TLS connection. One goroutine may read while another writes; handshakes run within Handshake, Renegotiate and Read.
type Conn struct {
	nc     net.Conn
	cfg    Config
	client bool

	done    bool   // the first handshake is over
	version uint16 // negotiated, 0 before
	alpn    string // negotiated
	suite   tlswire.Suite
	secure  bool // RFC 5746 was agreed
	resumed bool // the latest handshake
	count   int  // handshakes completed
	peer    []*x509.Certificate

	clientVerify, serverVerify []byte // of the latest handshake

	t13        *state13 // TLS 1.3, once its handshake is over
	in, nextIn *tlscrypt.Half
	raw        []byte // record buffer
	msgs       []byte // handshake bytes not consumed yet
	app        []byte // plaintext not read yet
	readErr    error

	wmu          sync.Mutex
	out, nextOut *tlscrypt.Half
}

// Server wraps an accepted connection; Client one that was dialled.
func Server(nc net.Conn, cfg Config) *Conn { return newConn(nc, cfg, false) }

// Client wraps a dialled connection.
func Client(nc net.Conn, cfg Config) *Conn { return newConn(nc, cfg, true) }

func newConn(nc net.Conn, cfg Config, client bool) *Conn {
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tlswire.VersionTLS10
	}
	if cfg.MaxVersion == 0 {
		cfg.MaxVersion = tlswire.VersionTLS12
	}
	if cfg.Suites == nil {
		cfg.Suites = DefaultSuites()
	}
	if cfg.Groups == nil {
		cfg.Groups = defaultGroups[:]
	}
	return &Conn{nc: nc, cfg: cfg, client: client}
}

// Handshake runs the first handshake; later calls do nothing.
func (c *Conn) Handshake() error {
	if c.done {
		return nil
	}
	if c.client {
		return c.clientHandshake()
	}
	return c.serverHandshake(nil, c.cfg.ClientAuth)
}

// Renegotiate is a server's: it sends a HelloRequest and runs the handshake that the client begins, asking for a certificate
// as auth says. Application data that comes first is kept for Read, up to readAhead bytes (then ErrReadAhead). A client that
// refuses gives an *AlertError; one that is silent the error of the read deadline that the caller has set.
func (c *Conn) Renegotiate(auth ClientAuth, readAhead int) error {
	return c.RenegotiateAfter(auth, readAhead, nil)
}

// RenegotiateAfter is Renegotiate with application data sent between HelloRequest and ServerHello.
func (c *Conn) RenegotiateAfter(auth ClientAuth, readAhead int, data []byte) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	if err := c.writeRecords(tlswire.TypeHandshake, tlswire.HelloRequest()); err != nil {
		return err
	}
	if len(data) > 0 {
		if err := c.writeRecords(tlswire.TypeApplicationData, data); err != nil {
			return err
		}
	}
	hello, err := c.message(len(c.app) + readAhead)
	if err != nil {
		return err
	}
	return c.serverHandshake(hello, auth)
}

// State is what was negotiated.
type State struct {
	Version    uint16
	Suite      uint16
	Secure     bool // RFC 5746
	Resumed    bool // the latest handshake
	ALPN       string
	OffersPHA  bool // a client of TLS 1.3 that offered post_handshake_auth
	Handshakes int
	Peer       []*x509.Certificate // the peer's chain in the latest handshake that asked for one
}

// State returns what was negotiated. Not while another goroutine reads.
func (c *Conn) State() State {
	return State{Version: c.version, Suite: c.suite.ID, Secure: c.secure, Resumed: c.resumed, ALPN: c.alpn,
		OffersPHA: c.t13 != nil && c.t13.offersPHA, Handshakes: c.count, Peer: slices.Clone(c.peer)}
}

// LocalAddr and the rest of net.Conn pass to the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr is the peer's.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// SetDeadline sets both deadlines.
func (c *Conn) SetDeadline(t time.Time) error { return c.nc.SetDeadline(t) }

// SetReadDeadline bounds Read and Renegotiate; a read that it ended may be tried again.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.nc.SetReadDeadline(t) }

// SetWriteDeadline bounds Write.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.nc.SetWriteDeadline(t) }

// Raw is the connection below, for faults that need it (half a record, a reset).
func (c *Conn) Raw() net.Conn { return c.nc }

// Close sends close_notify, for which it waits a second at most, and closes.
func (c *Conn) Close() error {
	_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second))
	_ = c.sendAlert(tlswire.AlertWarning, tlswire.AlertCloseNotify)
	return c.nc.Close()
}
