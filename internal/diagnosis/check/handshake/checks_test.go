package handshake

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/checktest"
)

func TestSamples(t *testing.T) { checktest.Samples(t, "testdata", Checks()) }

func TestHostile(t *testing.T) {
	checktest.Hostile(t, Checks(), reason.TLSTimeout, reason.TLSReset, reason.TLSEOF, reason.TLSNotTLS, reason.TLSWrongPort, reason.TLSNoCommonVersion,
		reason.TLSALPNNone, reason.TLSWeakKeyOrHash, reason.CertExpired, reason.CertNotYetValid, reason.CertUnknownCA, reason.CertChainGap, reason.CertSelfSigned,
		reason.CertNameMismatch, reason.CertNoSAN, reason.CertBadUsage, reason.CertWrongOrder)
}
