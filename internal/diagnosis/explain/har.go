package explain

import (
	"io"
	"strconv"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// HAR writes the HTTP exchanges of c as an HTTP archive of version 1.2, in the order of the flows.
func HAR(w io.Writer, c *Capture) error {
	j := newJSONer(w)
	j.w.put(`{"log":{"version":"1.2","creator":`)
	version := c.Program
	if version == "" {
		version = "devel"
	}
	if err := j.value(harCreator{"Lunette", version}); err != nil {
		return err
	}
	j.w.put(`,"pages":[],"entries":[`)
	before := "\n"
	for n, f := range c.told {
		setUp := setUpOf(f)
		for i, x := range f.Exchanges {
			if x.Request.Head == nil {
				continue // HAR has no entry without a request
			}
			if i > 0 {
				setUp = connection{}
			}
			j.w.put(before)
			before = ",\n"
			if err := j.value(harOf(c, c.number(n), f, x, setUp)); err != nil {
				return err
			}
		}
	}
	j.w.put("\n]}}\n")
	return j.w.done()
}

// connection is how long it took to make one: times in nanoseconds since the Unix epoch, 0 when not seen.
type connection struct{ began, connected, hello, secured int64 }

func setUpOf(f *flow.Flow) (c connection) {
	for i := range f.Facts {
		x := &f.Facts[i]
		at := x.At.UnixNano()
		switch {
		case x.Kind == fact.TCPSyn && c.began == 0:
			c.began = at
		case x.Kind == fact.TCPConnected && c.connected == 0:
			c.connected = at
		case x.Kind == fact.TLSClientHello && c.hello == 0:
			c.hello = at
		case x.Kind == fact.TLSHandshakeDone && c.secured == 0:
			c.secured = at
		}
	}
	return c
}

func harOf(c *Capture, number int, f *flow.Flow, x *httptimeline.Exchange, setUp connection) *harEntry {
	out := &harEntry{Request: harRequestOf(x), Response: harResponseOf(x), ServerIP: f.Server.Addr().String(), Connection: strconv.Itoa(number),
		Flow: number, Stream: x.Stream, Error: x.Reset, Broken: x.Broken}
	out.File, out.Frame = c.frame(x.Request.First.Frame)
	began := x.Request.First.At
	if setUp.began != 0 && setUp.connected != 0 && setUp.began < began {
		began = setUp.began
	}
	out.Started = time.Unix(0, began).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
	out.Timings = harTimingsOf(f, x, setUp)
	t := &out.Timings
	for _, ms := range []float64{t.Blocked, t.Connect, t.Send, t.Wait, t.Receive} {
		out.Time += max(ms, 0)
	}
	if s := x.WebSocket; s != nil {
		out.WebSocket = &harSocket{s.Messages[fact.SideClient], s.Messages[fact.SideServer]}
	}
	return out
}

// harTimingsOf takes an exchange apart; the first on a connection bears what it took to make it.
// send, wait and receive must not be negative: without a response, the wait lasted as long as the flow.
func harTimingsOf(f *flow.Flow, x *httptimeline.Exchange, c connection) harTimings {
	answered := x.Response.First.At
	if answered == 0 {
		answered = f.End.At
	}
	t := harTimings{Blocked: -1, DNS: -1, Connect: -1, SSL: -1, Send: max(between(x.Request.First.At, x.Request.Last.At), 0),
		Wait: max(between(max(x.Request.Last.At, x.Request.First.At), answered), 0), Receive: max(between(x.Response.First.At, x.Response.Last.At), 0)}
	if c.began == 0 || c.connected == 0 {
		return t
	}
	ready := max(c.connected, c.secured)
	if first := x.Request.First.At; ready > first {
		ready = first // early data
	}
	t.Connect, t.Blocked = between(c.began, ready), between(ready, x.Request.First.At)
	if c.hello != 0 && c.secured != 0 {
		t.SSL = between(c.hello, ready)
	}
	return t
}

// between is in milliseconds, -1 when an end is not known; what overlaps takes no time.
func between(from, to int64) float64 {
	if from == 0 || to == 0 {
		return -1
	}
	return float64(max(to-from, 0)) / 1e6
}
