package analysis

import (
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/fact"
)

// judge makes judgements. It belongs to the goroutine that is in Advance, Run or Close.
type judge struct {
	cfg    *LiveConfig
	checks []check.Check
	busy   atomic.Int64
}

// flows are those that the packets in k show, as Run would find them in a file that ends at a time.
func (j *judge) flows(k *kept, end fact.Stamp) []*flow.Flow {
	var out []*flow.Flow
	cfg := j.cfg.Flow
	room := budget.New(int64(8 * (j.cfg.PerConn + 1<<20)))
	cfg.Budget = room
	stages := flow.NewStages(cfg, j.cfg.Secrets, func(f *flow.Flow) { out = append(out, f) })
	tracker := tcpstream.New(tcpstream.Config{Budget: room, Window: j.cfg.TCP, Silence: stages.Silence()},
		func(c *tcpstream.Conn) tcpstream.Handler { return stages.Open(c) })
	decoder := packet.New()
	var s packet.Segment
	k.each(func(p *pcap.Packet) bool {
		switch decoder.Decode(p, &s) {
		case packet.TCP:
			tracker.Segment(&s)
		case packet.ICMPError:
			tracker.ICMP(&s)
		}
		return true
	})
	stages.End(end)
	tracker.Close()
	if from, to := k.hole(); from != 0 {
		for _, f := range out {
			unsilenced(f, from, to)
			bridge(f, from, to)
		}
	}
	return slices.DeleteFunc(out, func(f *flow.Flow) bool { return !j.cfg.Filter.wants(f) })
}

// unsilenced takes silences out of f that are none: packets lack there because they were not kept.
func unsilenced(f *flow.Flow, from, to int64) {
	f.Facts = slices.DeleteFunc(f.Facts, func(x fact.Fact) bool {
		at := x.At.UnixNano()
		return x.Kind == fact.Silence && at <= to && at+x.Size >= from
	})
	f.Decisive = decisive(f.Facts)
}

// decisive is the index of the longest silence that somebody owed an answer in, -1 without.
func decisive(facts []fact.Fact) int {
	at := -1
	for i := range facts {
		if x := &facts[i]; x.Kind == fact.Silence && x.Side != fact.SideNone && (at < 0 || x.Size > facts[at].Size) {
			at = i
		}
	}
	return at
}

// bridge leaves out what lies around a hole that is ours, so that what came later is not doubted for it: the facts from the end of the first
// handshake up to a request behind the hole that is not the last one. Where there is none, or HTTP/2 is spoken, the hole stays.
func bridge(f *flow.Flow, from, to int64) {
	if f.HTTP == "HTTP/2" || f.Midstream || f.TLS != nil && (f.TLS.Why == decrypt.WhyLost || f.TLS.ALPN == "h2") {
		return
	}
	begins := slices.IndexFunc(f.Facts, func(x fact.Fact) bool { return x.Kind == fact.TLSHandshakeDone })
	if f.TLS == nil {
		begins = slices.IndexFunc(f.Facts, func(x fact.Fact) bool { return x.Kind == fact.TCPConnected && x.Side == fact.SideClient })
	}
	if begins < 0 || f.Facts[begins].At.UnixNano() > from {
		return
	}
	var asked []int // requests behind the hole; where they stay closed, what the client says after the server
	spoke := fact.SideClient
	for i := range f.Facts {
		x := &f.Facts[i]
		if x.At.UnixNano() <= to {
			continue
		}
		switch {
		case x.Kind == fact.RequestHead:
			asked = append(asked, i)
		case f.HTTP == "" && x.Kind == fact.TLSApplicationData:
			if x.Side == fact.SideClient && spoke == fact.SideServer {
				asked = append(asked, i)
			}
			spoke = x.Side
		}
	}
	if len(asked) < 2 {
		return
	}
	f.Facts = slices.Concat(f.Facts[:begins+1], f.Facts[asked[0]:])
	f.Decisive = decisive(f.Facts)
}

// judgeConn judges c and tells of it. The lock is let go of meanwhile, so that packets are taken.
func (l *Live) judgeConn(c *liveConn, lasts bool) {
	k, now := c.kept.snapshot(), l.now
	sure := lasts && c.start > l.lost // what is not kept shows as a gap
	c.judged, c.dirty, c.opened = now, false, false
	end := fact.Stamp{At: now, Frame: l.frame}
	if !lasts {
		end.At = l.last
	}
	l.stats.Judgements++
	l.mu.Unlock()
	begun := time.Now()
	flows := l.judge.flows(k, end)
	for _, f := range flows {
		l.beside.put(f)
	}
	var judged []*Judgement
	for i, f := range flows {
		judged = append(judged, l.judgeFlow(f, k, now, lasts && i == len(flows)-1, sure))
	}
	l.judge.busy.Add(int64(time.Since(begun)))
	l.mu.Lock()
	if c.released {
		return
	}
	c.latest = flows
	c.besides = l.beside.version(c.ends)
	c.stalled = lasts && owed(flows, now)
	l.lacks(c, flows)
	l.tell(c, judged)
}

// owed reports whether somebody is waited for at a time.
func owed(flows []*flow.Flow, now int64) bool {
	if len(flows) == 0 {
		return false
	}
	facts := flows[len(flows)-1].Facts
	for i := len(facts) - 1; i >= 0; i-- {
		if f := &facts[i]; f.Kind == fact.Silence && f.Side != fact.SideNone && f.At.UnixNano()+f.Size >= now-int64(time.Millisecond) {
			return true
		}
	}
	return false
}

// judgeBeside asks the checks again about a connection that others came beside since, or that lacked what was found meanwhile.
func (l *Live) judgeBeside(c *liveConn) {
	if c.latest == nil || c.released {
		return
	}
	if len(c.random) > 0 {
		c.random = nil // sessions of others may open it by now
		l.judgeConn(c, false)
		return
	}
	if c.besides == l.beside.version(c.ends) {
		return
	}
	k, now, flows := c.kept.snapshot(), l.now, c.latest
	l.mu.Unlock()
	begun := time.Now()
	var judged []*Judgement
	for _, f := range flows {
		judged = append(judged, l.judgeFlow(f, k, now, false, false))
	}
	l.judge.busy.Add(int64(time.Since(begun)))
	l.mu.Lock()
	if !c.released {
		l.tell(c, judged)
	}
}

// judgeFlow asks the checks about one flow.
func (l *Live) judgeFlow(f *flow.Flow, k *kept, now int64, lasts, sure bool) *Judgement {
	all, at := l.beside.around(f)
	c := evidence.Cases(all)[at]
	if lasts {
		c.Flow.End = time.Unix(0, max(now, c.Flow.End.UnixNano())).UTC()
		if sure {
			c.Flow.Watched |= check.Lasting
		}
	}
	if l.judge.checks == nil {
		l.judge.checks = diagnosis.Checks()
	}
	r := check.Run(l.judge.checks, c)
	return &Judgement{Flow: f, Result: r, At: time.Unix(0, min(now, math.MaxInt64)).UTC(), Lasts: lasts, Whole: k.whole(), kept: k}
}

// tell hands judgements on, each with what is new in it.
func (l *Live) tell(c *liveConn, all []*Judgement) {
	const most = 64 // causes of one connection
	for _, j := range all {
		for _, f := range j.Result.Findings {
			key := told{j.Flow.ID, f.Code}
			before, again := c.told[key]
			over := before.over(&f, j.Lasts, c.stalled)
			if f.Confidence <= before.confidence && !over || !again && len(c.told) >= most {
				continue
			}
			c.told[key] = telling{max(f.Confidence, before.confidence), j.Lasts, j.Lasts && c.stalled, wordsOf(&f)}
			if again {
				j.before = append(j.before, f.Code)
			}
			if over {
				j.over = append(j.over, f.Code)
			}
			j.New = append(j.New, f)
		}
	}
	l.mu.Unlock()
	defer l.mu.Lock()
	for _, j := range all {
		l.cfg.Judged(j)
	}
}
