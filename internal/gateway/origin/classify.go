package origin

import (
	"context"
	"errors"
	"net"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// The TLS alerts that decide a reason (RFC 8446 section 6).
const (
	alertUnexpectedMessage   = 10
	alertHandshakeFailure    = 40
	alertProtocolVersion     = 70
	alertNoRenegotiation     = 100
	alertUnrecognizedName    = 112
	alertCertificateRequired = 116
	alertNoApplicationProto  = 120
)

// tlsAlert returns the alert number that crypto/tls wraps, and whether the origin sent it. The alert type is not
// exported; it is told by where it comes from and its kind, never by its text (a test holds crypto/tls to it).
func tlsAlert(err error) (number int, remote, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Err == nil || (op.Op != "remote error" && op.Op != "local error") {
		return 0, false, false
	}
	v := reflect.ValueOf(op.Err)
	if v.Kind() != reflect.Uint8 || v.Type().PkgPath() != "crypto/tls" {
		return 0, false, false
	}
	return int(v.Uint()), op.Op == "remote error", true
}

func alertDetail(n int) string { return strconv.Itoa(n) + " " + tlswire.AlertName(uint8(n)) }

func isTimeout(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// ended returns the reason that the exchange itself was ended for, when that is why I/O failed.
func ended(ctx context.Context) *reason.Error {
	if ctx.Err() == nil {
		return nil
	}
	var r *reason.Error
	if errors.As(context.Cause(ctx), &r) {
		return r
	}
	return reason.New(reason.ClientGone, "", context.Cause(ctx))
}

// handshakeError says why the TLS handshake with the origin failed, from what the tap saw.
func (c *conn) handshakeError(err error) *reason.Error {
	var r *reason.Error
	if errors.As(err, &r) {
		return r
	}
	t := c.tap
	if lost := t.in.Lost(); lost != nil {
		return reason.New(reason.TLSNotTLS, "the origin began with "+quoteStart(lost), err)
	}
	if n, remote, ok := tlsAlert(err); ok {
		t.alerted(n, remote)
	}
	switch {
	case t.alertIn.Load() >= 0:
		return c.alertReceived(int(t.alertIn.Load()), err)
	}
	switch r := reason.FromNet(err, reason.PhaseTLS); r.Code {
	case reason.TLSTimeout, reason.TLSReset, reason.TLSEOF:
		r.Detail = handshakeStage(t)
		return r
	}
	return c.refusedByUs(err)
}

func handshakeStage(t *tap) string {
	switch {
	case t.received.Load() == 0:
		return "no answer to the ClientHello"
	case t.ccsIn:
		return "after the origin's ChangeCipherSpec"
	case t.hello.seen:
		return "after the ServerHello"
	}
	return "inside the first record"
}

// alertReceived reads an alert that the origin sent in the handshake.
func (c *conn) alertReceived(n int, err error) *reason.Error {
	t := c.tap
	asked := c.certRequested.Load() || t.hello.certRequest
	switch {
	case n == alertProtocolVersion:
		return reason.New(reason.TLSNoCommonVersion, c.o.offeredVersions()+"; alert "+alertDetail(n), err)
	case n == alertUnrecognizedName:
		return reason.New(reason.TLSUnrecognizedName, alertDetail(n)+", sni "+c.sni, err)
	case n == alertNoApplicationProto:
		return reason.New(reason.TLSALPNNone, strings.Join(c.alpnSent, ","), err)
	case n == alertCertificateRequired:
		return reason.New(reason.TLSClientCertRequired, alertDetail(n), err)
	case asked && !c.certSent.Load() && (n == alertHandshakeFailure || certAlert(n)):
		return reason.New(reason.TLSClientCertRequired, alertDetail(n), err)
	case asked && c.certSent.Load() && certAlert(n):
		return reason.New(reason.TLSClientCertRejected, alertDetail(n), err)
	case n == alertHandshakeFailure && !t.hello.seen && !asked && c.o.onlyCiphersLeft():
		return reason.New(reason.TLSNoCommonCipher, "profile "+c.o.cfg.TLS.Profile+", or the origin signs with SHA-1 only; alert "+alertDetail(n), err)
	}
	return reason.New(reason.TLSAlert, alertDetail(n), err)
}

// certAlert reports whether alert n is about the certificate of the end that receives it (RFC 5246 section 7.2.2).
func certAlert(n int) bool { return (n >= 41 && n <= 46) || n == 48 || n == 49 }

// refusedByUs reads a handshake that our own TLS stack broke off.
func (c *conn) refusedByUs(err error) *reason.Error {
	t := c.tap
	sent := int(t.alertOut.Load())
	switch {
	case t.hello.seen && (t.hello.version < c.o.cfg.TLS.MinVersion || t.hello.version > c.o.cfg.TLS.MaxVersion):
		return reason.New(reason.TLSNoCommonVersion, "the origin chose "+tlswire.VersionName(t.hello.version)+", "+c.o.offeredVersions(), err)
	case t.hello.weakSig:
		return reason.New(reason.TLSWeakKeyOrHash, "ServerKeyExchange signed with SHA-1 or MD5", err)
	case sent >= 0:
		return reason.New(reason.TLSAlert, "sent "+alertDetail(sent), err)
	}
	return reason.New(reason.TLSSessionFault, "", err)
}

func (o *Origin) offeredVersions() string {
	lowest, highest := o.cfg.TLS.MinVersion, o.cfg.TLS.MaxVersion
	if lowest == highest {
		return "we offer " + tlswire.VersionName(lowest) + " only"
	}
	return "we offer " + tlswire.VersionName(lowest) + " to " + tlswire.VersionName(highest)
}

// onlyCiphersLeft reports whether our hello rules out the other readings of an early handshake_failure: every usual
// group is offered, and certificates of both kinds (all profiles offer RSA and ECDSA suites) are accepted.
func (o *Origin) onlyCiphersLeft() bool { return len(o.cfg.TLS.Groups) == 0 }

// quoteStart shows the first bytes of what was no TLS.
func quoteStart(b []byte) string {
	if len(b) > 24 {
		b = b[:24]
	}
	return strconv.Quote(string(b))
}

// ioError says why reading or writing on an established connection failed.
func (c *conn) ioError(ph reason.Phase, err error) *reason.Error {
	if r := c.dead.why.Load(); r != nil {
		return r
	}
	var r *reason.Error
	if errors.As(err, &r) {
		return r
	}
	if c.tls != nil {
		if r := c.tlsError(ph, err); r != nil {
			return r
		}
	}
	r = reason.FromNet(err, ph)
	switch r.Code {
	case reason.ReadEOFBeforeHeader, reason.ReadResetBeforeHeader:
		if c.reused && ph == reason.PhaseFirstByte {
			r.Code = reason.ReadStaleReusedConnection
		}
		r.Detail = c.certHint()
	case reason.ReadFirstByteTimeout:
		if c.tap.renegs.Load() > 0 {
			r.Detail = "after a HelloRequest"
		}
	}
	return r
}

// tlsError reads alerts and renegotiation; nil when neither explains the failure.
func (c *conn) tlsError(ph reason.Phase, err error) *reason.Error {
	t := c.tap
	asked, sent := c.certRequested.Load(), c.certSent.Load()
	n, remote, ok := tlsAlert(err)
	switch {
	case t.refused.Load() != nil:
		return t.refused.Load()
	case ok && !remote:
		t.alerted(n, remote)
		if n == alertNoRenegotiation {
			return reason.New(reason.TLSRenegotiationRefused, "renegotiation: "+c.o.cfg.TLS.Renegotiation, err)
		}
		if t.state.Load() == tapReneg {
			return reason.New(reason.TLSRenegotiationFailed, "sent "+alertDetail(n)+t.pushedHint(n), err)
		}
		return reason.New(reason.TLSAlert, "sent "+alertDetail(n), err)
	case ok:
		t.alerted(n, remote)
		if asked && !sent && (n == alertHandshakeFailure || n == alertCertificateRequired || certAlert(n)) {
			return reason.New(reason.TLSClientCertRequired, alertDetail(n), err)
		}
		if asked && sent && (n == alertHandshakeFailure || certAlert(n)) {
			return reason.New(reason.TLSClientCertRejected, alertDetail(n), err)
		}
		if t.renegs.Load() > 0 {
			return reason.New(reason.TLSRenegotiationFailed, alertDetail(n), err)
		}
		return reason.New(reason.TLSAlert, alertDetail(n), err)
	case t.renegs.Load() > 0 && c.o.cfg.TLS.Renegotiation == "never":
		return reason.New(reason.TLSRenegotiationRefused, "renegotiation: never", err)
	case t.state.Load() == tapReneg && !isTimeout(err):
		return reason.New(reason.TLSRenegotiationFailed, "the origin closed during the handshake"+prefixed(c.certHint()), err)
	case t.state.Load() == tapReneg && ph == reason.PhaseWrite:
		return reason.New(reason.TLSRenegotiationFailed, "the origin reads no more of the request body", err)
	case t.state.Load() == tapReneg:
		return reason.New(reason.TLSRenegotiationFailed, "no answer to our ClientHello", err)
	}
	return nil
}

// pushedHint explains the alert that application data in the midst of a renegotiation ends in: RFC 5246 section 7.4.1.1
// lets the origin send it, crypto/tls cannot take it.
func (t *tap) pushedHint(alert int) string {
	if alert == alertUnexpectedMessage && t.pushed.Load() {
		return ": the origin went on sending data while it renegotiated"
	}
	return ""
}

func prefixed(s string) string {
	if s == "" {
		return ""
	}
	return ", " + s
}

// certHint says, without claiming it as the cause, that the origin had asked for a certificate and got none.
func (c *conn) certHint() string {
	if c.certRequested.Load() && !c.certSent.Load() {
		return "the origin had asked for a client certificate and got none"
	}
	return ""
}
