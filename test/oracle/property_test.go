package oracle_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// bestStore holds the key log of a capture, or the RSA key where there is none.
func bestStore(t testing.TB, c *captures.Capture) *secrets.Store {
	t.Helper()
	if c.KeyLog == "" && c.RSA {
		return storeOf(t, c, withKey)
	}
	return storeOf(t, c, withLog)
}

// TestEdits holds that cutting, repeating and shuffling packets changes no message of either side and no decrypted byte.
func TestEdits(t *testing.T) {
	t.Parallel()
	seeds := uint64(4)
	if soak() {
		seeds = 40
	}
	for _, c := range editable(t) {
		frames, keys := recorded.Frames(t, c.Path)
		flows, _ := lunette(t, written(t, frames, keys), bestStore(t, &c))
		want := told(flows)
		for seed := range seeds {
			r := rand.New(rand.NewPCG(seed, 1))
			for _, edit := range []struct {
				name   string
				frames []frame
			}{
				{"cut", cut(r, frames)}, {"repeated", repeat(r, frames)}, {"shuffled", shuffle(r, frames)},
				{"cut, repeated and shuffled", shuffle(r, repeat(r, cut(r, frames)))},
			} {
				flows, _ := lunette(t, written(t, edit.frames, keys), bestStore(t, &c))
				if got := told(flows); got != want {
					t.Errorf("%s %s, seed %d:\n%swhole:\n%s", c.Name, edit.name, seed, got, want)
				}
			}
		}
	}
}

// told is what flows say: the events of each side in order, and their application data.
func told(flows []*seen) string {
	var out strings.Builder
	for _, one := range flows {
		fmt.Fprintf(&out, "%v to %v: %q, %d closed\n", one.Client, one.Server, one.TLS.Why, one.TLS.Closed)
		for _, side := range []fact.Side{fact.SideClient, fact.SideServer} {
			for _, e := range one.events {
				if text, ok := strings.CutPrefix(e.what, side.String()); ok {
					out.WriteString(text + ",")
				}
			}
			fmt.Fprintf(&out, " %s: %d bytes %x\n", side, len(one.sent[side]), hash(one.sent[side]))
		}
	}
	return out.String()
}

// TestDroppedPackets drops each packet with data in turn: a fact says so at that place, and what the cipher allows is still opened.
func TestDroppedPackets(t *testing.T) {
	t.Parallel()
	for _, c := range editable(t) {
		if strings.HasPrefix(c.Name, "damaged") || strings.HasPrefix(c.Name, "post_1m") {
			continue // something is missing in the former already; the latter have too many packets
		}
		d := &dropping{capture: c}
		d.frames, d.keys = recorded.Frames(t, c.Path)
		flows, _ := lunette(t, written(t, d.frames, d.keys), bestStore(t, &c))
		for _, one := range flows {
			d.one = one
			for i, f := range d.frames {
				if f.Carried() > 0 && d.sender(f) != fact.SideNone && !d.resent(f) {
					d.drop(t, i)
				}
			}
		}
	}
}

// dropping is one connection of a capture whose packets are dropped.
type dropping struct {
	capture captures.Capture
	frames  []frame
	keys    []byte
	one     *seen // read whole
}

// sender is the side of the connection that sent a frame, none for frames of others.
func (d *dropping) sender(f frame) fact.Side {
	client, server := uint32(d.one.Client.Port()), uint32(d.one.Server.Port())
	switch ports(f) {
	case client<<16 | server:
		return fact.SideClient
	case server<<16 | client:
		return fact.SideServer
	}
	return fact.SideNone
}

// resent reports whether the bytes of a frame are in the capture twice.
func (d *dropping) resent(f frame) bool {
	n := 0
	for _, g := range d.frames {
		if ports(g) == ports(f) && g.Seq() == f.Seq() && g.Carried() > 0 {
			n++
		}
	}
	return n > 1
}

// drop drops one packet.
func (d *dropping) drop(t *testing.T, i int) {
	t.Helper()
	rest := slices.Delete(slices.Clone(d.frames), i, i+1)
	flows, _ := lunette(t, written(t, rest, d.keys), bestStore(t, &d.capture))
	side, name := d.sender(d.frames[i]), fmt.Sprintf("%s without frame %d", d.capture.Name, i+1)
	at := slices.IndexFunc(flows, func(s *seen) bool { return s.Client == d.one.Client && s.Server == d.one.Server })
	if at < 0 {
		if len(rest) > 8 {
			t.Errorf("%s: the connection is gone", name)
		}
		return
	}
	got := flows[at]
	if !d.last(i) && !slices.ContainsFunc(got.Facts, func(f fact.Fact) bool { return f.Kind == fact.TCPGap && f.Side == side }) {
		t.Errorf("%s: no gap of the %s is told", name, side)
	}
	if d.keyless(i) {
		return
	}
	records := d.touched(i)
	other := side.Other()
	if !bytes.Equal(got.sent[other], d.one.sent[other]) {
		t.Errorf("%s: the %s said %d bytes, %d are left", name, other, len(d.one.sent[other]), len(got.sent[other]))
	}
	if lost, ok := hole(d.one.sent[side], got.sent[side]); !ok || lost > records {
		t.Errorf("%s: the %s said %d bytes, %d are left, in one piece: %t; records of %d bytes were touched", name, side,
			len(d.one.sent[side]), len(got.sent[side]), ok, records)
	}
}

// last reports whether a frame has the last data of its side: nobody can know that it is missing, unless something follows.
func (d *dropping) last(i int) bool {
	side := d.sender(d.frames[i])
	return !slices.ContainsFunc(d.frames[i+1:], func(f frame) bool {
		return d.sender(f) == side && (f.Carried() > 0 || f.Flags()&recorded.FIN != 0)
	})
}

// keyless reports whether the packet has a hello, without which later records have no keys. CBC up to TLS 1.0 chains records: there the
// packet before that on the same side, and the ChangeCipherSpec with the Finished behind it, take a hello's first block with them.
// With the RSA key alone all up to the ClientKeyExchange is needed.
func (d *dropping) keyless(i int) bool {
	side := d.sender(d.frames[i])
	at := []int64{int64(i) + 1}
	suite, _ := tlswire.SuiteByID(d.one.TLS.Suite)
	chained := suite.Cipher.Kind == tlswire.KindCBC && d.one.TLS.Version <= tlswire.VersionTLS10
	if chained {
		for j := i + 1; j < len(d.frames) && len(at) < 2; j++ {
			if d.sender(d.frames[j]) == side && d.frames[j].Carried() > 0 {
				at = append(at, int64(j)+1)
			}
		}
	}
	return slices.ContainsFunc(d.one.events, func(e timed) bool {
		hello := strings.HasSuffix(e.what, " handshake 1") || strings.HasSuffix(e.what, " handshake 2")
		if d.capture.KeyLog == "" && strings.HasSuffix(e.what, " handshake 16") && int64(i) < e.frame {
			return true
		}
		return hello && slices.Contains(at, e.frame) || chained && e.frame == at[0] && strings.HasSuffix(e.what, "change_cipher_spec")
	})
}

// touched is how many bytes of payload the records have that a packet has a part of, and the first block of the record after, which
// is chained to them up to TLS 1.0.
func (d *dropping) touched(i int) int {
	side := d.sender(d.frames[i])
	var stream []byte
	var first uint32
	for _, f := range d.frames {
		switch {
		case d.sender(f) != side:
		case f.Flags()&recorded.SYN != 0:
			first = f.Seq() + 1
		case f.Carried() > 0 && int(f.Seq()-first) == len(stream):
			stream = append(stream, f.Data[f.Payload():]...)
		}
	}
	from := int(d.frames[i].Seq() - first)
	to := from + d.frames[i].Carried()
	const block = 16
	n := block
	for at := 0; at+tlswire.RecordHeaderLen <= len(stream); {
		end := at + tlswire.RecordHeaderLen + (int(stream[at+3])<<8 | int(stream[at+4]))
		if at < to && end > from {
			n += end - at
		}
		at = end
	}
	return n
}

// hole reports whether got is want without one piece, and how many bytes that has.
func hole(want, got []byte) (int, bool) {
	head := 0
	for head < len(got) && head < len(want) && got[head] == want[head] {
		head++
	}
	return len(want) - len(got), len(got) <= len(want) && bytes.HasSuffix(want, got[head:])
}
