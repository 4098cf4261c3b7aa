package decrypt

import (
	"bytes"
	"crypto/tls"
	"runtime"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// script writes records as the bytes that FuzzSession reads: per record one byte of flags (1: of the server, 2: lost, 4: unknown),
// type, minor version, two bytes of length, payload.
func script(c conversation) []byte {
	var out []byte
	for _, p := range c {
		flags := byte(p.side - fact.SideClient)
		out = append(out, flags, p.rec.Type, byte(p.rec.Version), byte(p.rec.Length>>8), byte(p.rec.Length))
		out = append(out, p.rec.Payload...)
	}
	return out
}

// unscript reads them.
func unscript(b []byte) conversation {
	var out conversation
	for len(b) >= 5 && len(out) < 2000 {
		n := int(b[3])<<8 | int(b[4])
		r := tlsrecord.Record{Type: b[1], Version: 0x0300 | uint16(b[2]&7), Length: n}
		r.End = fact.Stamp{At: int64(len(out)) * 1e8, Frame: int64(len(out)) + 1}
		side := fact.SideClient + fact.Side(b[0]&1)
		lost := b[0]&2 != 0
		unknown := lost && b[0]&4 != 0
		b = b[5:]
		if lost {
			r.Lost, r.Unknown = true, unknown
			if unknown {
				r.Type, r.Version, r.Skipped = 0, 0, int64(n)
			}
		} else {
			n = min(n, len(b), tlswire.MaxRecordPayload)
			r.Length, r.Payload = n, b[:n]
			b = b[n:]
		}
		out = append(out, piece{side, r})
	}
	return out
}

// FuzzSession: no record of any kind, in any order, with any loss, makes a Session panic, tell more than there is, or tell otherwise
// the second time.
func FuzzSession(f *testing.F) {
	ec, rs := certificate(f, false), certificate(f, true)
	var log strings.Builder
	for _, v := range []variation{
		{version: tls.VersionTLS13}, {version: tls.VersionTLS13, curves: []tls.CurveID{tls.CurveP384}},
		{version: tls.VersionTLS12}, {version: tls.VersionTLS10, suite: tls.TLS_RSA_WITH_AES_128_CBC_SHA, rsa: true},
		{version: tls.VersionTLS12, suite: tls.TLS_RSA_WITH_RC4_128_SHA, rsa: true},
	} {
		client, server := v.configs(ec, rs, &log)
		conv := talk(f, client, server, []string{"hello", "bye"})
		f.Add(log.String(), script(conv))
		b := script(conv)
		f.Add(log.String(), append(append([]byte(nil), b...), b...)) // two handshakes on one connection
		b[0] |= 2
		f.Add(log.String(), b)
	}
	f.Fuzz(func(t *testing.T, log string, b []byte) {
		st := storeFromAny(log)
		conv := unscript(b)
		s, l := play(conv, st)
		i := s.Info()
		total := int64(0)
		for _, p := range conv {
			total += int64(len(p.rec.Payload))
		}
		if i.PlainBytes[1]+i.PlainBytes[2] > total || i.Decrypted+i.Closed > int64(len(conv)) {
			t.Fatalf("more than there is: %+v", i)
		}
		for _, k := range l.facts {
			if k.Frame < 1 || k.Frame > int64(len(conv)) {
				t.Fatalf("%s at frame %d", k.Kind, k.Frame)
			}
		}
		again, m := play(conv, storeFromAny(log))
		if again.Info() != i || len(m.facts) != len(l.facts) || !bytes.Equal(m.plain[1], l.plain[1]) || !bytes.Equal(m.plain[2], l.plain[2]) {
			t.Fatalf("%+v, then %+v", i, again.Info())
		}
	})
}

// A Session that is over holds little, whatever it saw.
func TestMemory(t *testing.T) {
	var log strings.Builder
	for _, v := range []variation{{name: "1.3", version: tls.VersionTLS13}, {name: "1.2", version: tls.VersionTLS12}} {
		client, server := v.configs(certificate(t, false), certificate(t, true), &log)
		conv := talk(t, client, server, []string{"hello"})
		st := storeFrom(t, log.String())
		const n = 1000
		var scratch Scratch
		keep := make([]*Session, 0, n)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range n {
			s := New(Config{Scratch: &scratch}, st, silent{})
			for i := range conv[:len(conv)-2] {
				s.Record(conv[i].side, &conv[i].rec)
			}
			keep = append(keep, s)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		per := int64(after.HeapAlloc-before.HeapAlloc) / n
		t.Logf("%s: %d bytes", v.name, per)
		if per > 6000 {
			t.Errorf("%s: a session holds %d bytes", v.name, per)
		}
		runtime.KeepAlive(keep)
	}
}

// Endless handshakes are followed in bounded memory.
func TestEndlessHandshakes(t *testing.T) {
	var hello []byte
	hello = tlswire.AppendClientHello(hello, &tlswire.ClientHello{Version: 0x0303, Suites: []uint16{0x2f}, Compression: []byte{0}})
	odd := tlswire.AppendMessage(nil, 99, make([]byte, 16000))
	s := New(Config{}, nil, silent{})
	for i := range 20_000 {
		r := tlsrecord.Record{Type: 22, Version: 0x0303, Payload: hello, Length: len(hello)}
		if i%2 == 1 {
			r.Payload, r.Length = odd, len(odd)
		}
		s.Record(fact.SideClient+fact.Side(i/7%2), &r)
		if s.hs != nil && len(s.hs.transcript.Bytes()) > maxTranscript {
			t.Fatal("the transcript grows")
		}
	}
}
