package origin

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// learned puts into the record of an attempt what tells how the origin is. resp is nil where none came.
func (t *try) learned(a *exchange.Attempt, resp *exchange.Response) {
	if t.ep.url.secure {
		a.TLSOffered = t.o.cfg.TLS.MaxVersion
	}
	if t.conn != nil {
		a.SecureRenegotiation = t.conn.tap.hello.secureReneg
	}
	if resp == nil {
		return
	}
	a.Closing = resp.Close
	if !a.Reused {
		a.Server = resp.Header.Get("Server")
	}
}

// idleEnded tells whoever wants to know that c, which lay idle that long, is about to be closed, and whether the origin was first.
func (ep *endpoint) idleEnded(c *conn, idle time.Duration) {
	if tell := ep.o.deps.IdleEnded; tell != nil {
		tell(ep.url.raw, idle, !c.probe.ok() && c.probe.ended())
	}
}

// keyName says which kind of key a certificate is for.
func keyName(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA " + strconv.Itoa(k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return c.PublicKeyAlgorithm.String()
}
