package flow

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
)

// tlsLayer cuts both sides into records and hands them to the session that opens them.
type tlsLayer struct {
	session *decrypt.Session
	streams [3]tlsrecord.Stream // by fact.Side
	record  [3]func(*tlsrecord.Record)
	first   [3]*held // of a side whose start may be missing, while it is open whether it begins with a record
	lost    [3]bool  // this side is no TLS (any more)
	records int64
}

// opened is the Builder as the handler of its session.
type opened Builder

func (b *Builder) startTLS(holes bool) {
	t := &tlsLayer{session: decrypt.New(b.stages.cfg.Decrypt, b.stages.src, (*opened)(b))}
	for _, side := range []fact.Side{fact.SideClient, fact.SideServer} {
		t.record[side] = func(r *tlsrecord.Record) {
			if !r.Unknown {
				t.records++
			}
			t.session.Record(side, r)
		}
		t.streams[side].Buffers = &b.stages.buffers
		if holes {
			t.first[side] = &held{}
		}
	}
	b.tls = t
}

func (t *tlsLayer) data(b *Builder, side fact.Side, at fact.Stamp, p []byte) {
	if h := t.first[side]; h != nil {
		h.add(at, p)
		if g := sniffRecord(h.buf); g != unclear {
			t.begin(b, side, g == other)
		}
		return
	}
	peer := side.Other()
	t.streams[peer].Settle(t.record[peer])
	if t.lost[side] || t.streams[side].Feed(at, p, t.record[side]) {
		return
	}
	t.lost[side] = true
	text := strconv.QuoteToASCII(string(t.streams[side].Lost()))
	b.tell(&fact.Fact{Kind: fact.TLSNotTLS, At: at.Time(), Frame: at.Frame, Side: side, Text: text})
}

// begin hands on what was held of a side; middle says that its first bytes are no record.
func (t *tlsLayer) begin(b *Builder, side fact.Side, middle bool) {
	h := t.first[side]
	if h == nil {
		return
	}
	if t.first[side] = nil; middle {
		t.streams[side].Midstream()
	}
	for len(h.pieces) > 0 {
		h.next(side, b)
	}
}

func (t *tlsLayer) gap(b *Builder, side fact.Side, at fact.Stamp, n int64) {
	t.begin(b, side, false)
	if !t.lost[side] {
		t.streams[side].Gap(at, n, t.record[side])
	}
}

// miss is gap for records of which it is known how many they are.
func (t *tlsLayer) miss(b *Builder, side fact.Side, at fact.Stamp, n, records int64, tail []byte) {
	t.begin(b, side, false)
	if !t.lost[side] {
		t.streams[side].Miss(at, n, records, tail, t.record[side])
	}
}

// end tells of a record that its sender did not finish.
func (t *tlsLayer) end(b *Builder, side fact.Side, at fact.Stamp, how fact.Kind) {
	t.begin(b, side, false)
	if t.lost[side] {
		return
	}
	t.streams[side].Close(at, t.record[side])
	if have, lacks := t.streams[side].Pending(); have > 0 && how != fact.None && t.records > 0 {
		text := "cut short by the end of the stream, " + strconv.Itoa(lacks) + " bytes lacking"
		b.tell(&fact.Fact{Kind: fact.TLSBadRecord, At: at.Time(), Frame: at.Frame, Side: side, Size: int64(have), Text: text})
	}
	t.lost[side] = true
}

func (t *tlsLayer) close(b *Builder, at fact.Stamp) {
	t.end(b, fact.SideClient, b.conn.End, fact.None)
	t.end(b, fact.SideServer, b.conn.End, fact.None)
	t.session.Close(at)
}

// Fact implements decrypt.Handler.
func (o *opened) Fact(f fact.Fact) {
	b := (*Builder)(o)
	if f.Kind == fact.TLSApplicationData {
		b.turn.data(&f)
		b.facts.add(&f)
		return
	}
	b.tell(&f)
	const closeNotify = 0
	if f.Kind == fact.TLSAlert && f.Code == closeNotify {
		b.endHTTP(f.Side, fact.Stamp{At: f.At.UnixNano(), Frame: f.Frame}, fact.TCPClosed)
	}
}

// Plain implements decrypt.Handler.
func (o *opened) Plain(side fact.Side, at fact.Stamp, p []byte, _ bool) {
	b := (*Builder)(o)
	if b.http == nil {
		b.startHTTP(true)
		for side, n := range b.lacks {
			if n > 0 {
				b.http.Missing(fact.Side(side), at, n)
			}
		}
	}
	b.plain(side, at, p)
}

// Missing implements decrypt.Handler.
func (o *opened) Missing(side fact.Side, at fact.Stamp, n int64) {
	b := (*Builder)(o)
	if b.http == nil {
		b.lacks[side] += max(n, 1)
		return
	}
	b.http.Missing(side, at, n)
}

// finishTLS sums TLS up. Bytes in the middle of a connection that held no record at all were no TLS.
func (b *Builder) finishTLS() {
	t := b.tls
	if t == nil {
		return
	}
	if t.records == 0 && b.conn.Midstream {
		b.flow.Protocol = ProtocolUnknown
		return
	}
	info := t.session.Info()
	b.flow.TLS = &info
	if b.stages.cfg.KeyLog {
		b.flow.KeyLog = t.session.KeyLog()
	}
}
