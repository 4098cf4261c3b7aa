package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// A line of the origin's log is never stronger than what was watched: others write into logs too, ports come again, clocks differ.

const (
	shortest = time.Second     // no timer of an origin is shorter
	agreeing = 5 * time.Second // clocks that differ by no more need no further proof
	borne    = 3               // connections that bear out a larger difference
)

// Refuted says why the line of the origin's log at index i cannot be about this connection, or cannot be true, with the index of the
// fact that shows it; "" where nothing speaks against it.
func (f *Flow) Refuted(i int) (why string, by int) {
	l, ok := f.Facts[i].Detail.(*fact.OriginLog)
	if !ok {
		return "", -1
	}
	switch {
	case l.Format == "httperr" && strings.HasPrefix(l.Phrase, "Timer_"):
		if end := f.cut(); end >= 0 && !f.Has(fact.TCPMidstream) && f.Facts[end].At.Sub(f.Start) < shortest {
			return "the connection ended after " + finding.Span(f.Facts[end].At.Sub(f.Start)) + ", sooner than any timer runs out", end
		}
		if l.Phrase == "Timer_SslRenegotiation" {
			return f.cannotRenegotiate()
		}
	case l.Format == "apache_error" && slices.Contains([]string{"AH02226", "AH02221", "AH02220", "AH02261", "AH02264", "AH02257"}, l.Phrase):
		return f.speaks13()
	case l.Format == "apache_error" && l.Phrase == "AH10158":
		if v := f.Version(); v > 0 && v != tls13 {
			return "the connection does not speak TLS 1.3", f.First(fact.TLSServerHello, fact.TLSHandshakeDone)
		}
		return f.pleased()
	case l.Format == "apache_error" && slices.Contains([]string{"AH02263", "AH02262", "AH02276", "AH02039", "AH02018"}, l.Phrase):
		return f.pleased()
	}
	return "", -1
}

// speaks13 is the fact that shows TLS 1.3, which has no renegotiation (RFC 8446 section 4.1.2), or no TLS at all.
func (f *Flow) speaks13() (why string, by int) {
	if f.Version() == tls13 {
		return "the connection speaks TLS 1.3, which has no renegotiation", f.First(fact.TLSServerHello, fact.TLSHandshakeDone)
	}
	if i := f.First(fact.PlainRequest); i >= 0 && !f.Has(fact.TLSServerHello, fact.TLSHandshakeDone) {
		return "the connection has no TLS", i
	}
	return "", -1
}

// cannotRenegotiate is what shows that the origin did not wait for a new handshake.
func (f *Flow) cannotRenegotiate() (why string, by int) {
	if why, by = f.speaks13(); why != "" || f.Has(fact.TLSHelloRequest, fact.TLSRenegotiated) {
		return why, by
	}
	if n := len(f.exchanges); n > 0 && !slices.ContainsFunc(f.exchanges, func(x Exchange) bool { return x.Status() < 200 || x.CutShort >= 0 }) {
		return "every request was answered, without a new handshake", f.exchanges[n-1].ResponseAt
	}
	done := f.First(fact.TLSHandshakeDone)
	end := f.cut()
	sealed := f.NextOf(fact.SideServer, done, fact.TLSEncryptedMessage) >= 0 // it may be the HelloRequest
	if done >= 0 && end > done && f.Version() > 0 && !sealed && f.Watched&Records != 0 &&
		!f.Has(fact.TCPMidstream, fact.TCPGap, fact.TLSRecordLost, fact.TLSBadRecord) {
		return "the origin sent no HelloRequest until the end of the connection", end
	}
	return "", -1
}

// pleased is the last of the answers of f, where all are good ones: who wants something more does not serve the page.
func (f *Flow) pleased() (why string, by int) {
	n := len(f.exchanges)
	if n == 0 || slices.ContainsFunc(f.exchanges, func(x Exchange) bool { return x.Status() < 200 || x.Status() >= 400 || x.CutShort >= 0 }) {
		return "", -1
	}
	return fmt.Sprintf("every request was served, the last one with %d", f.exchanges[n-1].Status()), f.exchanges[n-1].ResponseAt
}

// cut is the index of the reset or close that ended the connection first, -1 without.
func (f *Flow) cut() int { return f.First(fact.TCPReset, fact.TCPClosed) }

// ByLog is how sure the line of the origin's log at index i makes a cause that nothing else shows, and what would make it certain: it
// is certain where the line names the port of this connection, or the answer that was seen, at a time that fits.
func (f *Flow) ByLog(i int) (sure finding.Confidence, settle string) {
	x := &f.Facts[i]
	l, ok := x.Detail.(*fact.OriginLog)
	if !ok {
		return finding.Possible, "the line of the log"
	}
	client, err := netip.ParseAddrPort(l.Client)
	named := err == nil && client.Port() > 0 && client.Port() == f.Client.Port()
	answered := l.Status > 0 && slices.ContainsFunc(f.exchanges, func(e Exchange) bool { return e.Status() == l.Status })
	offset := time.Duration(l.Offset).Abs()
	switch {
	case !named && !answered:
		return finding.Likely, "a line of the origin's log that names the client's port, or a capture with its secrets"
	case offset > agreeing && l.OffsetPairs < borne:
		return finding.Likely, "the origin's log of more connections: its clock differs from this one by " + finding.Span(offset) + ", and nothing else bears that out (see --origin-log-zone)"
	case x.At.Before(f.Start.Add(-agreeing)), strings.HasPrefix(l.Phrase, "Timer_") && x.At.Sub(f.Start) < shortest:
		return finding.Likely, "a line whose time fits the connection"
	}
	return finding.Certain, ""
}
