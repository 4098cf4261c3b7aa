package check

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// LeftUnasked is the index of the client's end where it left at once behind a completed handshake and had asked for nothing, -1 without. So
// do clients that compare the name, or look at the chain, when the handshake is over (OpenSSL's: curl, nginx as a proxy, Python), and
// probes that want a handshake and no more.
func (f *Flow) LeftUnasked() int {
	const atOnce = time.Second
	done := f.First(fact.TLSHandshakeDone)
	if done < 0 || f.Ours || f.Purpose != "" || f.Version() >= tls13 && f.Has(fact.TLSUndecryptable) || f.Lacks(fact.SideNone, -1) ||
		f.Has(fact.RequestHead, fact.RequestSent, fact.ResponseHead, fact.HTTP2Preface, fact.TLSHelloRequest, fact.TLSBadRecord, fact.TCPMidstream) {
		return -1
	}
	if f.FirstOf(fact.SideClient, fact.TLSApplicationData) >= 0 || f.FirstOf(fact.SideServer, fact.TLSApplicationData) >= 0 {
		return -1
	}
	e := f.EndAfter(done)
	if e.At < 0 || e.Side != fact.SideClient || e.Time.Sub(f.Facts[done].At) > atOnce || e.How == fact.TLSAlert && f.Facts[e.At].Code != 0 ||
		e.How != fact.TLSAlert && e.How != fact.TCPClosed && e.How != fact.TCPReset {
		return -1
	}
	return e.At
}
