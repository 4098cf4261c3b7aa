package origin

import (
	"crypto/x509"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Verify checks a chain as every connection to an origin is checked, for those who ask an origin without forwarding to it. roots nil
// are the system's; name "" accepts any name. The error is nil where the chain is good.
func Verify(chain []*x509.Certificate, roots *x509.CertPool, name string, now time.Time) *reason.Error {
	return reason.Of(verifyChain(chain, roots, name, now))
}
