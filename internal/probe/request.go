package probe

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Suites as the gateway's profiles have them.
func modernSuites() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

func ecdheCBC() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	}
}

func rsaAES() []uint16 {
	return []uint16{
		tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_RSA_WITH_AES_128_CBC_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA,
	}
}

func tripleDES() []uint16 {
	return []uint16{tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}
}

func rc4() []uint16 {
	return []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_RC4_128_SHA}
}

func compatibleSuites() []uint16 { return append(append(modernSuites(), ecdheCBC()...), rsaAES()...) }

func legacySuites() []uint16 { return append(append(compatibleSuites(), tripleDES()...), rc4()...) }

func classicGroups() []tls.CurveID {
	return []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521}
}

func allGroups() []tls.CurveID { return append([]tls.CurveID{tls.X25519MLKEM768}, classicGroups()...) }

// modern is what the gateway offers by default (docs/decisions/0001).
func (c *climb) modernOffer() *offer {
	return &offer{sni: c.cfg.Target.sni(), min: tls.VersionTLS12, max: tls.VersionTLS13, suites: modernSuites(), groups: allGroups(),
		alpn: []string{"h2", "http/1.1"}, reneg: tls.RenegotiateFreelyAsClient, cert: c.cfg.Certificate, enforce: true}
}

// legacy is everything that can be spoken with crypto/tls, in the smallest hello; trust is not asked for.
func (c *climb) legacyOffer() *offer {
	return &offer{sni: c.cfg.Target.sni(), min: tls.VersionTLS10, max: tls.VersionTLS13, suites: legacySuites(), groups: classicGroups(),
		reneg: tls.RenegotiateFreelyAsClient}
}

// request asks for every path as the gateway does with its defaults.
func (c *climb) request() bool {
	for _, path := range c.cfg.Paths {
		t := try{purpose: "plain", natural: true, requests: []request{{target: path}}}
		if c.cfg.Target.TLS {
			t.offer = c.modernOffer()
		}
		o := c.do(t)
		c.modern = append(c.modern, o)
		if c.plain == nil {
			c.plain = o
		}
		mark := Bad
		if o.Served() && o.Status() < 400 {
			mark = Good
		} else if o.Served() {
			mark = Said
		}
		if o.Cut {
			mark = Said
		}
		c.say("GET "+path, mark, outcomeText(o))
		if !o.Connected() {
			c.again()
			return false
		}
		if o.Phase == "tls" {
			break // no path fares better
		}
	}
	if c.timeout = 3 * time.Second; c.plain.Shaken() {
		c.timeout = min(max(8*c.plain.Times.TLS, 2*time.Second), slowHandshake)
	}
	return true
}

// outcomeText says what came of a connection.
func outcomeText(o *Outcome) string {
	var parts []string
	if o.Purpose == "plain" || o.Purpose == "via" {
		if o.State != nil && o.State.Version != 0 {
			parts = append(parts, versionOf(o), suiteOf(o))
		}
		if o.State != nil && o.State.NegotiatedProtocol != "" {
			parts = append(parts, o.State.NegotiatedProtocol)
		}
	}
	for _, a := range o.Answers {
		parts = append(parts, fmt.Sprintf("status %d, %d bytes", a.Status, a.Bytes))
	}
	if o.Err != nil {
		parts = append(parts, errText(o))
	}
	if len(o.Answers) > 0 {
		parts = append(parts, timesText(o))
	}
	return strings.Join(parts, ", ")
}

// timesText is where the time went.
func timesText(o *Outcome) string {
	text := "connect " + span(o.Times.Connect)
	if o.Times.TLS > 0 {
		text += ", TLS " + span(o.Times.TLS)
	}
	a := &o.Answers[0]
	return text + ", first byte " + span(a.FirstByte) + ", all " + span(a.Total)
}

// errText says why it was given up, in our words.
func errText(o *Outcome) string {
	waits := map[string]string{"tls": "the handshake", "answer": "an answer", "connect": "a connection"}
	switch {
	case o.Cut && o.Recording.Start.IsZero():
		return "not tried any more"
	case o.Cut:
		text := "cut short by the end of the climb after " + span(o.Recording.End.Sub(o.Recording.Start))
		if len(spoken(o.Recording)) == 0 {
			text += ", in which nothing came"
		}
		return text
	case !o.Connected():
		return failedText(o)
	case o.Alert >= 0:
		return "the origin broke off: alert " + tlswire.AlertName(uint8(o.Alert))
	case o.HelloRequests > 0 && o.Purpose == purposeRefuse:
		return "refused with the warning no_renegotiation, which ends it"
	case errors.Is(o.Err, errUntrusted):
		return "certificate not trusted: " + strings.TrimSpace(o.Trust+" "+o.Trusted)
	case errors.Is(o.Err, errInsecure):
		return "it asks to renegotiate without RFC 5746 (renegotiation_info), which Lunette refuses by default"
	case errors.Is(o.Err, errHeadTooLarge):
		return fmt.Sprintf("the head of the answer is longer than %d KiB", maxHead>>10)
	case errors.Is(o.Err, errIgnored):
		return "HelloRequest left without answer for " + span(o.Ignored)
	case timedOut(o.Err):
		return "gave up waiting for " + waits[o.Phase]
	case errors.Is(o.Err, syscall.ECONNRESET), errors.Is(o.Err, syscall.EPIPE):
		return "the origin reset the connection"
	case errors.Is(o.Err, io.EOF), errors.Is(o.Err, io.ErrUnexpectedEOF):
		return "the origin closed the connection"
	}
	return cut(o.Err.Error(), mostError)
}

// span writes a duration with two or three digits.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func versionOf(o *Outcome) string { return tlswire.VersionName(o.State.Version) }

func suiteOf(o *Outcome) string { return tlswire.SuiteName(o.State.CipherSuite) }

// Why says in words why the connection was given up, "" where it was not.
func (o *Outcome) Why() string {
	if o.Err == nil {
		return ""
	}
	return errText(o)
}

// Chosen are the version and the suite that the origin chose, "" where it did not.
func (o *Outcome) Chosen() (version, suite string) {
	switch {
	case o.Shaken():
		return versionOf(o), suiteOf(o)
	case o.Hello.Version != 0:
		return tlswire.VersionName(o.Hello.Version), tlswire.SuiteName(o.Hello.Suite)
	}
	return "", ""
}
