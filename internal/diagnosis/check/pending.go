package check

import (
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// tls13 is the version from which records do not tell handshake from application data.
const tls13 = 0x0304

// alertRecord is the payload of a TLS 1.3 record that holds an alert, without padding: 2 bytes, the type, the tag.
const alertRecord = 19

// Pending is a request that had no byte of its final answer when its connection, or the watching, ended.
type Pending struct {
	At       int       // index of the fact with which the request was out, as far as it got
	Exchange *Exchange // nil where HTTP was not read
	Sure     bool      // that At is a request, and that nothing of an answer came
	First    bool      // of its connection
	Whole    bool      // it was sent in whole; true where that cannot be seen
}

// Line is the request line in short.
func (p *Pending) Line() string {
	if p.Exchange == nil {
		return "the request"
	}
	return p.Exchange.Line()
}

// Pending is the request of HTTP/1 that was still to be answered at the end, nil without one. Where HTTP was not read, it is the last
// application data of the client, with none of the server behind it. Of TLS 1.3 that is never sure: it may be a frame of HTTP/2 as well.
func (f *Flow) Pending() *Pending {
	if f.Has(fact.HTTP2Preface, fact.HTTP2Settings, fact.Upgraded) {
		return nil
	}
	if n := len(f.exchanges); n > 0 {
		x := &f.exchanges[n-1]
		if x.ResponseAt >= 0 || x.RequestAt < 0 || x.Stream != 0 {
			return nil
		}
		if b := f.NextOf(fact.SideServer, x.RequestAt, fact.FirstByte, fact.HTTPBroken); b >= 0 {
			return nil // an answer began
		}
		if f.lacksAfter(x.RequestAt) {
			return nil
		}
		reused := f.Has(fact.ConnReused)
		return &Pending{At: max(x.RequestAt, x.RequestDone), Exchange: x, Sure: !f.Has(fact.TCPGap, fact.TLSRecordLost, fact.TLSBadRecord), First: n == 1 && !reused, Whole: x.RequestDone >= 0}
	}
	if !f.Established() && !f.Has(fact.TLSServerHello) || f.Watched&Plain != 0 {
		return nil
	}
	if h, _ := f.ServerHello(); h != nil && h.ALPN == "h2" {
		return nil
	}
	at, before := f.lastRecords()
	if at < 0 || f.lacksAfter(at) {
		return nil
	}
	old := f.Version() != 0 && f.Version() < tls13
	// Behind an answer it may be a message of a WebSocket, or what is left of a body that was answered early.
	return &Pending{At: at, Sure: old && before && !f.Has(fact.TCPGap, fact.TLSRecordLost, fact.TCPMidstream), First: before, Whole: true}
}

// lacksAfter reports whether bytes of the server are missing behind index i, or stayed closed: an answer may be among them.
func (f *Flow) lacksAfter(i int) bool {
	return f.NextOf(fact.SideServer, i, fact.TCPGap, fact.TLSRecordLost, fact.TLSBadRecord, fact.TLSUndecryptable) >= 0
}

// lastRecords is the last run of application data of the client behind which the server sent none, -1 without; first says that the
// server has sent none before either. In TLS 1.3 the handshake, tickets and close_notify look like application data.
func (f *Flow) lastRecords() (at int, first bool) {
	at, first = -1, true
	v := f.Version()
	seen := 0 // records of the client
	for i := f.Next(-1, fact.TLSApplicationData); i >= 0; i = f.Next(i, fact.TLSApplicationData) {
		x := &f.Facts[i]
		switch {
		case x.Side == fact.SideServer:
			at, first = -1, false
		case x.Side == fact.SideClient && v >= tls13 && x.Code == 1 && x.Size <= alertRecord && seen > 0:
		case x.Side == fact.SideClient:
			if seen += x.Code; v < tls13 || seen > 1 { // the first of TLS 1.3 is Finished
				at = i
			}
		}
	}
	return at, first
}

// Wait is how a wait for an answer went.
type Wait struct {
	Length time.Duration
	End    End
	Timer  string // our timer that ended it: "timeouts.first_byte"
}

// WaitOf is how long p was waited for, and what ended that. Facts and the attempt's reason tell our own timers.
func (f *Flow) WaitOf(p *Pending) Wait {
	e := f.EndAfter(p.At)
	w := Wait{Length: e.Time.Sub(f.Facts[p.At].At), End: e}
	if i := f.Next(p.At, fact.GaveUp); i >= 0 && (e.At < 0 || i <= e.At) {
		if w.Timer = f.Facts[i].Text; f.Purpose != "" {
			w.Timer = "the doctor's patience"
		}
		w.Length = max(w.Length, time.Duration(f.Facts[i].Size))
	} else if slices.Contains([]reason.Code{reason.ReadFirstByteTimeout, reason.ReadHeaderStall, reason.ReadBodyStall, reason.ReadOverTotalTime}, f.Reason) {
		w.Timer = "our timer (" + string(f.Reason) + ")"
	}
	if length, at := f.SilenceAfter(p.At, e.At); at >= 0 {
		w.Length = max(w.Length, length)
	}
	return w
}

// Lasts reports whether what goes on behind index i is known to go on still, now.
func (f *Flow) Lasts(i int) bool { return f.Watched&Lasting != 0 && f.EndAfter(i).At < 0 }

// Handshaken reports whether TLS went on after index i: a request to renegotiate, for a certificate, a fatal alert. Then silence and ends
// are matters of TLS.
func (f *Flow) Handshaken(i int) bool {
	return f.Find(i, func(x *fact.Fact) bool {
		switch x.Kind {
		case fact.TLSHelloRequest, fact.TLSPostHandshakeAuth, fact.TLSRenegotiated, fact.TLSClientHello, fact.TLSCertificateRequest, fact.TLSBadRecord:
			return true
		case fact.TLSAlert:
			return x.Size == 2
		}
		return false
	}) >= 0
}
