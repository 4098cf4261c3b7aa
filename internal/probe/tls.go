package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"reflect"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

// offer is what a ClientHello of crypto/tls offers, and how the handshake and what follows are met.
type offer struct {
	sni      string
	min, max uint16
	suites   []uint16
	groups   []tls.CurveID
	alpn     []string
	reneg    tls.RenegotiationSupport
	cert     *tls.Certificate // shown where one is asked for; nil: an empty list
	cache    tls.ClientSessionCache
	enforce  bool          // break off where the chain is not trusted, as the gateway does
	ignore   time.Duration // a HelloRequest goes unanswered; wait so long
}

// verifiedInVain is the Code of TLSVerified where the chain was checked and the handshake went on whatever came of it.
const verifiedInVain = 2

// errUntrusted ends a handshake as the gateway would.
var errUntrusted = errors.New("the certificate is not trusted")

func (c *climb) speakTLS(o *Outcome, rc *recording.Conn, t try) {
	w := &watch{Conn: rc, ignore: t.offer.ignore, secure: t.offer.enforce}
	limit := t.shake
	if limit == 0 {
		limit = c.timeout
	}
	start := time.Now()
	rc.SetDeadline(start.Add(limit))
	tc := tls.Client(w, c.config(o, rc, &t))
	err := tc.HandshakeContext(c.ctx)
	o.Times.TLS = time.Since(start)
	state := tc.ConnectionState()
	o.State = &state
	if h := w.server; h != nil {
		o.Hello = Hello{Version: h.Negotiated(), Suite: h.Suite, Secure: h.RenegotiationInfo != nil}
	}
	if err != nil {
		o.Err, o.Phase, o.Alert = err, "tls", alertIn(err)
		c.gaveUp(rc, err, "timeouts.tls", o.Times.TLS)
		return
	}
	w.plain.Store(state.Version <= tls.VersionTLS12)
	c.exchangeAll(o, tc, rc, t)
	o.HelloRequests, o.Ignored = int(w.asked.Load()), time.Duration(w.ignored.Load())
	if o.spokeOn, o.expired = w.spokeOn, w.expired; w.expired {
		c.noteExpired(rc, o.Ignored)
	}
	if len(t.requests) == 0 && state.Version == tls.VersionTLS13 && t.offer.cache != nil {
		tc.SetReadDeadline(time.Now().Add(300 * time.Millisecond)) // for its tickets
		_, _ = tc.Read(make([]byte, 1))
	}
	rc.SetDeadline(time.Now().Add(time.Second))
	tc.Close()
}

func (c *climb) noteExpired(rc *recording.Conn, waited time.Duration) {
	if c.ctx.Err() == nil {
		rc.Note(fact.Fact{Kind: fact.GaveUp, Side: fact.SideClient, Size: waited.Nanoseconds(), Text: "timeouts.first_byte"})
	}
}

// config is f in the words of crypto/tls. Every setting stands here, none is left to the library.
func (c *climb) config(o *Outcome, rc *recording.Conn, t *try) *tls.Config {
	f := t.offer
	return &tls.Config{
		ServerName: f.sni, MinVersion: f.min, MaxVersion: f.max, CipherSuites: f.suites, CurvePreferences: f.groups, NextProtos: f.alpn,
		Renegotiation: f.reneg, ClientSessionCache: f.cache, KeyLogWriter: rc.KeyLog(),
		InsecureSkipVerify: true, // judged in VerifyConnection, which tells why and may go on
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			o.AsksCert = true
			return c.shown(o, t), nil
		},
		VerifyConnection: func(s tls.ConnectionState) error { return c.trust(o, rc, f, s.PeerCertificates) },
	}
}

// trust checks the chain as the gateway would; only an offer that enforces it breaks off.
func (c *climb) trust(o *Outcome, rc *recording.Conn, f *offer, chain []*x509.Certificate) error {
	if len(chain) == 0 || o.Chain != nil {
		return nil
	}
	o.Chain = chain
	if o.Trust, o.Trusted = c.cfg.Verify(chain, c.cfg.Roots, c.cfg.Target.Name); o.Trust == "" {
		o.Trust = "ok"
	}
	verified := fact.Fact{Kind: fact.TLSVerified, Side: fact.SideClient, Text: o.Trust}
	if !f.enforce {
		verified.Code = verifiedInVain
	}
	rc.Note(verified)
	if f.enforce && o.Trust != "ok" {
		return errUntrusted
	}
	return nil
}

// alertIn is the number of the alert by which the origin ended it, -1 without one. crypto/tls keeps the type of its alerts to itself; the
// kind of the value is what can be asked for.
func alertIn(err error) int {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return -1
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return int(v.Uint())
	}
	return -1
}
