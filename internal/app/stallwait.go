package app

import (
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// wait is what an exchange waits for.
type wait struct {
	reason reason.Code // that it would end with
	what   string      // for the log
	from   time.Time   // from when on the timeout of this phase counts
	begun  time.Time   // of the attempt
}

// waitOf tells the phase of s as far as it shows without reading what is kept.
func waitOf(s *flight.Stall, rec *recording.Recording) *wait {
	w := &wait{reason: reason.ReadFirstByteTimeout, what: "the origin is silent while it is its turn", from: s.Since, begun: s.Begun}
	switch {
	case rec.Connect < 0:
		w.reason, w.what, w.from = reason.TCPTimeout, "the origin does not take the connection", rec.Start
	case strings.HasPrefix(s.URL, "https:") && handshaking(s, rec):
		w.reason, w.what, w.from = reason.TLSTimeout, "the origin is silent within the TLS handshake", rec.Start.Add(rec.Connect)
	case s.Writing:
		w.reason, w.what = reason.WriteTimeout, "the origin takes nothing of the request"
	}
	return w
}

// handshaking reports whether the first handshake of a connection is not over: the client has not sent a record with content, which in TLS
// 1.3 its last message of the handshake looks like.
func handshaking(s *flight.Stall, rec *recording.Recording) bool {
	t, ok := s.Tape.(flight.Taper)
	if !ok || slices.ContainsFunc(rec.Facts, func(x fact.Fact) bool { return x.Kind == fact.ConnReused }) {
		return false
	}
	last, count := t.Records()
	for i := range last {
		if last[i].Side == fact.SideClient {
			if count[0]--; last[i].Type == tlswire.TypeApplicationData {
				return false
			}
		}
	}
	return count[0] <= 0 // else earlier ones are not known
}

// look tells, from what was read of the connection, whether an answer has begun.
func (w *wait) look(s *flight.Stall, f *check.Flow) {
	if w.reason != reason.ReadFirstByteTimeout {
		return
	}
	var open *check.Exchange
	for i := range f.Exchanges() {
		x := &f.Exchanges()[i]
		if x.RequestAt < 0 || x.ResponseDone >= 0 {
			continue
		}
		if open == nil || asks(x, s.Path) || !asks(open, s.Path) {
			open = x
		}
	}
	switch {
	case open == nil:
	case open.ResponseAt >= 0:
		w.reason, w.what = reason.ReadBodyStall, "the origin stopped within its answer"
	case open.Stream == 0 && f.NextOf(fact.SideServer, open.RequestAt, fact.FirstByte) >= 0:
		w.reason, w.what = reason.ReadHeaderStall, "the origin stopped within the head of its answer"
		if open.RequestDone >= 0 {
			w.from = f.Facts[open.RequestDone].At
		}
	}
}

// asks reports whether x asks for the path.
func asks(x *check.Exchange, path string) bool {
	if x.Request == nil {
		return false
	}
	target, _, _ := strings.Cut(x.Request.Target, "?")
	return target == path
}

// end is the timeout of Lunette that will end the wait, its length, and how long that will yet take; "" where none will.
func (w *wait) end(r *route) (name string, limit, left time.Duration) {
	if r == nil {
		return "", 0, 0
	}
	t := &r.settings.Timeouts
	switch w.reason {
	case reason.TCPTimeout:
		name, limit = "timeouts.connect", t.Connect
	case reason.TLSTimeout:
		name, limit = "timeouts.tls", t.TLS
	case reason.WriteTimeout:
		name, limit = "timeouts.write", t.Write
	case reason.ReadFirstByteTimeout, reason.ReadHeaderStall:
		name, limit = "timeouts.first_byte", t.FirstByte
	case reason.ReadBodyStall:
		name, limit = "timeouts.read_idle", t.ReadIdle
	}
	if limit > 0 {
		left = time.Until(w.from.Add(limit))
	}
	if total := time.Until(w.begun.Add(t.Total)); t.Total > 0 && (limit <= 0 || total < left) { // of all attempts: at the latest then
		name, limit, left = "timeouts.total", t.Total, total
	}
	if limit <= 0 {
		return "", 0, 0
	}
	return name, limit, max(left, 0)
}

// timersUntil are the timers that may end the wait of c before the timeout of Lunette called name does, which will in left, and that one.
func timersUntil(c *finding.Finding, name string, left time.Duration) []finding.Timer {
	if c.Waited <= 0 {
		return nil
	}
	ends := (c.Waited + left).Round(time.Second / 10).Seconds()
	out := slices.DeleteFunc(slices.Clone(c.Timers), func(t finding.Timer) bool { return t.Seconds >= ends })
	return append(out, finding.Timer{Seconds: ends, Owner: "Lunette's own " + name})
}
