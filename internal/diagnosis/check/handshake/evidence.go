package handshake

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// The alerts that checks of this package read (RFC 8446 section 6).
const (
	alertHandshakeFailure     = 40
	alertBadCertificate       = 42
	alertCertificateUnknown   = 46
	alertIllegalParameter     = 47
	alertProtocolVersion      = 70
	alertInsufficientSecurity = 71
	alertInternalError        = 80
	alertUserCanceled         = 90
	alertNoRenegotiation      = 100
	alertUnrecognizedName     = 112
	alertNoApplicationProto   = 120
)

// refusal is what a ClientHello got in place of a ServerHello.
type refusal struct {
	hello *fact.ClientHello // nil where only the event is known
	at    int               // of the ClientHello
	how   fact.Kind         // TLSAlert, TCPReset, TCPClosed: by the server; Silence: nothing came
	alert int               // number of the server's fatal alert
	end   int               // the fact that ended it, -1 where none was seen
	until time.Time         // of the end, or of the watching's
}

// refused is the refusal of the connection's first ClientHello; ok is false where it was answered, or the watching ended with it.
func refused(f *check.Flow) (r refusal, ok bool) {
	h, at := f.Hello()
	if at < 0 || f.Has(fact.TLSServerHello, fact.TLSHelloRetryRequest, fact.TLSHandshakeDone, fact.TLSNotTLS) {
		return r, false
	}
	end := f.EndAfter(at)
	r = refusal{hello: h, at: at, how: fact.Silence, end: end.At, until: end.Time}
	switch {
	case end.How == fact.TLSAlert && end.Side == fact.SideServer:
		r.how, r.alert = fact.TLSAlert, f.Facts[end.At].Code
		if r.alert == 0 {
			r.how = fact.TCPClosed
		}
	case end.Side == fact.SideServer && (end.How == fact.TCPReset || end.How == fact.TCPClosed):
		r.how = end.How
	case end.How == fact.GaveUp, end.Side == fact.SideClient, f.Reason == reason.TLSTimeout:
	case f.Reason == reason.TLSReset:
		r.how = fact.TCPReset
	case f.Reason == reason.TLSEOF:
		r.how = fact.TCPClosed
	}
	if r.how != fact.TLSAlert && spoke(f, at, end.At) && !(r.how != fact.Silence && startedOnly(f, at)) {
		return r, false // something came, if only a warning
	}
	if f.Lacks(fact.SideServer, at) || r.how != fact.TLSAlert && f.Lacks(fact.SideClient, at) {
		return r, false // the handshake went on, out of sight
	}
	return r, true
}

// spoke reports whether bytes of the server came after the fact at index i, in a fact other than that at index but.
func spoke(f *check.Flow, i, but int) bool {
	for i = f.Heard(fact.SideServer, i); i >= 0; i = f.Heard(fact.SideServer, i) {
		if k := f.Facts[i].Kind; i != but && k >= fact.PlainRequest && k <= fact.WebSocketClose {
			return true
		}
	}
	return false
}

// startedOnly reports whether all that came of the server after the fact at index i was the beginning of a record.
func startedOnly(f *check.Flow, i int) bool {
	cut := f.NextOf(fact.SideServer, i, fact.TLSBadRecord)
	return cut >= 0 && strings.HasPrefix(f.Facts[cut].Text, "cut short by the end of the stream") && !spoke(f, i, cut)
}

// waited is how long the client waited for an answer.
func (r *refusal) waited(f *check.Flow) time.Duration { return r.until.Sub(f.Facts[r.at].At) }

// did is what the server did, in words.
func (r *refusal) did() string {
	switch r.how {
	case fact.TLSAlert:
		return fmt.Sprintf("refused the ClientHello with alert %d", r.alert)
	case fact.TCPReset:
		return "reset the connection"
	case fact.TCPClosed:
		return "closed the connection"
	}
	return "said nothing"
}

// proof is the ClientHello and its end.
func (r *refusal) proof(f *check.Flow) []finding.Proof {
	out := []finding.Proof{f.Proof(r.at, offer(&f.Facts[r.at]))}
	if r.end < 0 {
		return out
	}
	x := &f.Facts[r.end]
	switch {
	case r.how == fact.TLSAlert:
		out = append(out, f.Proof(r.end, fmt.Sprintf("the origin refuses with alert %d %s", x.Code, x.Text)))
	case r.how == fact.Silence && x.Kind == fact.GaveUp:
		out = append(out, f.Proof(r.end, "nothing came, and the wait ends: "+x.Text))
	case r.how == fact.Silence:
		out = append(out, f.Proof(r.end, "nothing came, and the client ends it"))
	default:
		how, after := map[fact.Kind]string{fact.TCPReset: "resets", fact.TCPClosed: "closes"}[r.how], "without a byte of TLS"
		if startedOnly(f, r.at) {
			after = "in the midst of its first record"
		}
		out = append(out, f.Proof(r.end, "the origin "+how+" the connection "+after))
	}
	return out
}

// offer says what a ClientHello offers.
func offer(x *fact.Fact) string {
	h, _ := x.Detail.(*fact.ClientHello)
	if h == nil {
		return "the client sends its ClientHello"
	}
	name := "no sni"
	if h.ServerName != "" {
		name = "sni " + h.ServerName
	}
	size := ""
	if x.Size > 0 {
		size = fmt.Sprintf(" of %d bytes", x.Size)
	}
	return fmt.Sprintf("the client sends a ClientHello%s: %s, %d cipher suites, %s", size, versions(h), len(h.Suites), name)
}

// versions names the span of versions that h offers.
func versions(h *fact.ClientHello) string {
	low, high := bounds(h)
	if low == high {
		return high
	}
	return low + " to " + high
}

// bounds are the oldest and the newest version that h offers; without supported_versions the newest alone is known.
func bounds(h *fact.ClientHello) (low, high string) {
	for _, v := range h.Versions {
		if rank(v) == 0 {
			continue
		}
		if low == "" || rank(v) < rank(low) {
			low = v
		}
		if rank(v) > rank(high) {
			high = v
		}
	}
	if high == "" {
		return h.Version, h.Version
	}
	return low, high
}

// rank orders versions; 0 for what is none.
func rank(version string) int {
	return 1 + slices.Index([]string{"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"}, version)
}

// offersVersion reports whether h offers the version, or it is unknown.
func offersVersion(h *fact.ClientHello, version string) bool {
	if len(h.Versions) > 0 {
		return version == "" || slices.Contains(h.Versions, version)
	}
	return version == "" || rank(version) > 0 && rank(version) <= rank(h.Version) // all versions up to it (RFC 5246 appendix E.1)
}

// answered reports whether the server answered the ClientHello of f, with what it offered; nil where the offer is not known.
func answered(f *check.Flow) *fact.ClientHello {
	if !f.Has(fact.TLSServerHello) {
		return nil
	}
	h, _ := f.Hello()
	return h
}

// group is the named group that the server of f chose, "" unknown.
func group(f *check.Flow) string {
	if i := f.First(fact.TLSServerKeyExchange); i >= 0 {
		if k, ok := f.Facts[i].Detail.(*fact.KeyExchange); ok && k.Group != "" {
			return k.Group
		}
	}
	if s, _ := f.ServerHello(); s != nil {
		return s.Group
	}
	return ""
}

// suite is the cipher suite that the server of f chose, "" unknown.
func suite(f *check.Flow) string {
	if i := f.First(fact.TLSServerHello); i >= 0 {
		return f.Facts[i].Text
	}
	return ""
}

// alike reports whether two hellos offer the same suites, groups and versions.
func alike(a, b *fact.ClientHello) bool {
	return slices.Equal(known(a.Suites), known(b.Suites)) && slices.Equal(known(a.Groups), known(b.Groups)) && versions(a) == versions(b)
}

// known leaves out GREASE (RFC 8701), which differs each time.
func known(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.Contains(n, "GREASE") })
}

// keyed reports whether a suite for TLS up to 1.2 has one of these key exchanges: "RSA" is TLS_RSA_WITH_….
func keyed(suites []string, exchanges ...string) bool {
	return slices.ContainsFunc(suites, func(s string) bool {
		return slices.ContainsFunc(exchanges, func(x string) bool { return strings.HasPrefix(s, "TLS_"+x+"_WITH_") })
	})
}

// clientAlert is the index of the client's first fatal alert within the handshake, -1 without.
func clientAlert(f *check.Flow) int {
	done := f.First(fact.TLSHandshakeDone)
	return f.Find(-1, func(x *fact.Fact) bool {
		fatal := x.Size == 2 || x.Size == 0 && x.Code != 0 && x.Code != alertUserCanceled && x.Code != alertNoRenegotiation
		return x.Kind == fact.TLSAlert && x.Side == fact.SideClient && fatal && (done < 0 || !x.At.After(f.Facts[done].At))
	})
}

// answer is the ServerHello of another connection as a proof about f.
func answer(f, o *check.Flow, text string) finding.Proof {
	return f.ProofOther(&o.Facts[o.First(fact.TLSServerHello)], text)
}
