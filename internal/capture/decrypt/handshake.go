package decrypt

import (
	"crypto/rsa"
	"crypto/x509"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// maxTranscript bounds the messages that are kept of a running handshake, in bytes.
const maxTranscript = 256 << 10

// handshake is one that is under way: what its keys are made of.
type handshake struct {
	client, server bool // the hellos were seen
	inner          bool // it runs under the keys of one before it
	hidden         bool // and those are not known: its messages are closed
	holes          bool // bytes of it are missing
	retried        bool // a HelloRetryRequest came
	offers13       bool
	ech            bool
	pskOnly        bool // TLS 1.3: a PSK was taken, and no key share
	clientRandom   [32]byte
	serverRandom   [32]byte
	offeredSession []byte   // session id that the client wants to resume
	offeredTicket  []byte   // ticket that it wants to resume with
	offeredSuites  []uint16 // of TLS 1.3
	session        []byte   // session id of the ServerHello
	ticket         []byte   // of a NewSessionTicket
	modulus        []byte   // of the RSA key in the server's certificate
	version        uint16
	suite          tlswire.Suite
	known          bool // suite is taken apart
	extended       bool // extended master secret (RFC 7627)
	etm            bool
	full           bool   // messages of a full handshake were seen
	exchanged      bool   // ClientKeyExchange was seen
	exchange       []byte // its body
	transcript     tlscrypt.Transcript
	overlong       bool   // the transcript is cut
	sessionHash    []byte // of the transcript up to and including ClientKeyExchange

	stage      int // how many sources of candidates were asked
	candidates []candidate
	chosen     *candidate // it opened a record
	changed    [2]bool    // ChangeCipherSpec came
	finished   [2]bool
	dark       *dark
}

// candidate is a master secret that may be the one; the first record under it decides.
type candidate struct {
	master []byte
	source string
	halves [2]*tlscrypt.Half
}

// note adds a message to the transcript until the keys can be made.
func (h *handshake) note(m tlswire.Message) {
	switch {
	case h.exchanged || h.overlong:
	case m.Raw == nil || len(h.transcript.Bytes())+len(m.Raw) > maxTranscript:
		h.overlong = true
		h.transcript = tlscrypt.Transcript{}
	default:
		h.transcript.Add(m.Raw)
	}
}

// exchangeSeen keeps what a ClientKeyExchange gives, and lets the transcript go.
func (h *handshake) exchangeSeen(body []byte) {
	h.exchange = append([]byte(nil), body...)
	if h.extended && h.server && !h.holes && !h.overlong {
		h.sessionHash = h.transcript.Sum(h.version, h.suite.PRF)
	}
	h.exchanged, h.full = true, true
	h.transcript = tlscrypt.Transcript{}
}

// certificateSeen keeps the modulus of an RSA key.
func (h *handshake) certificateSeen(der []byte) {
	h.modulus = nil
	if cert, err := x509.ParseCertificate(der); err == nil {
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
			h.modulus = key.N.Bytes()
		}
	}
}

// resumed says how an abbreviated handshake resumed: "" for a full one, and while that is not clear.
func (h *handshake) resumed() string {
	switch {
	case !h.client || !h.server || h.full:
		return ""
	case len(h.session) > 0 && string(h.session) == string(h.offeredSession):
		if len(h.offeredTicket) > 0 {
			return "ticket" // the client made the id up (RFC 5077 section 3.4)
		}
		return "session_id"
	case len(h.offeredTicket) > 0 && h.changed[1]:
		return "ticket"
	}
	return ""
}

// names are the sessions that this handshake makes resumable.
func (h *handshake) names() [][]byte {
	var out [][]byte
	if len(h.session) > 0 {
		out = append(out, h.session)
	}
	if len(h.ticket) > 0 {
		out = append(out, h.ticket)
	}
	return out
}
