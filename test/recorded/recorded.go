// Package recorded reads captures down to TLS records, for the tests of the stages behind them.
//
// Input: a pcap or pcapng file. Output: for each connection in it the records and losses of both sides, in the order of cause and
// effect, copied; the key logs that are inside. Promises: the stages of the capture lane do the work. Non-goals: speed, traffic
// that is no TLS.
package recorded

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Piece is one record of one side.
type Piece struct {
	Side   fact.Side
	Record tlsrecord.Record
}

// Connection is one connection of a capture.
type Connection struct {
	Port   uint16 // of the server
	Pieces []Piece
	Last   fact.Stamp // of the last segment
	info   *tcpstream.Conn
	sides  [2]tlsrecord.Stream
}

// Read returns the connections of a capture in the order of their first packets, and its key logs.
func Read(t testing.TB, path string) ([]*Connection, []byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var keys []byte
	r, err := pcap.NewReader(f, pcap.Config{
		Buffer:  func(n int) []byte { return make([]byte, n) },
		Secrets: func(_ pcap.SecretsType, b []byte) { keys = append(keys, b...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []*Connection
	tracker := tcpstream.New(tcpstream.Config{}, func(c *tcpstream.Conn) tcpstream.Handler {
		one := &Connection{Port: c.Server.Port(), info: c}
		if c.Midstream {
			one.sides[0].Midstream()
			one.sides[1].Midstream()
		}
		out = append(out, one)
		return one
	})
	d := packet.New()
	for {
		var p pcap.Packet
		err := r.Next(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		var s packet.Segment
		if d.Decode(&p, &s) == packet.TCP {
			tracker.Segment(&s)
		}
	}
	tracker.Close()
	return out, keys
}

// Data implements tcpstream.Handler.
func (c *Connection) Data(side fact.Side, at fact.Stamp, p []byte) {
	c.sides[side.Other()-1].Settle(c.keep(side.Other()))
	c.sides[side-1].Feed(at, p, c.keep(side))
}

// Gap implements tcpstream.Handler.
func (c *Connection) Gap(side fact.Side, at fact.Stamp, n int64) {
	c.sides[side-1].Gap(at, n, c.keep(side))
}

// End implements tcpstream.Handler.
func (c *Connection) End(side fact.Side, at fact.Stamp, _ fact.Kind) {
	c.sides[side-1].Close(at, c.keep(side))
}

// Fact implements tcpstream.Handler.
func (c *Connection) Fact(fact.Fact) {}

// Done implements tcpstream.Handler.
func (c *Connection) Done() { c.Last = c.info.End }

// keep copies a record; what waits for the other side's silence is settled first.
func (c *Connection) keep(side fact.Side) func(*tlsrecord.Record) {
	return func(r *tlsrecord.Record) {
		one := *r
		one.Payload, one.Tail = bytes.Clone(r.Payload), bytes.Clone(r.Tail)
		c.Pieces = append(c.Pieces, Piece{side, one})
	}
}
