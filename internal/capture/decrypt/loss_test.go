package decrypt

import (
	"bytes"
	"crypto/tls"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
)

// without loses record i of a conversation: its header is there, or nothing of it.
func without(c conversation, i int, whole bool) conversation {
	out := append(conversation(nil), c...)
	r := c[i].rec
	lost := tlsrecord.Record{Type: r.Type, Version: r.Version, Length: r.Length, At: r.At, End: r.End, Lost: true}
	if whole {
		lost = tlsrecord.Record{At: r.At, End: r.End, Lost: true, Unknown: true, Skipped: int64(r.Length) + 5}
	}
	out[i].rec = lost
	return out
}

// hellos are the records that hold one of the two hellos, without which a handshake does not open.
func hellos(facts []fact.Fact) map[int]bool {
	out := map[int]bool{}
	for _, f := range facts {
		if f.Kind == fact.TLSClientHello || f.Kind == fact.TLSServerHello {
			out[int(f.Frame)-1] = true
		}
	}
	return out
}

// checkLosses loses each record of c in turn, in either way: every other one still opens.
func checkLosses(t *testing.T, c conversation, st *secrets.Store) {
	t.Helper()
	for i := range c {
		c[i].rec.At.Frame, c[i].rec.End.Frame = int64(i)+1, int64(i)+1
	}
	_, all := play(c, st)
	needed := hellos(all.facts)
	for i := range c {
		if needed[i] {
			continue
		}
		for _, whole := range []bool{false, true} {
			s, l := play(without(c, i, whole), st)
			name := strconv.Itoa(i) + map[bool]string{false: " its payload", true: " the whole"}[whole]
			if n := s.Info().Closed; n > 0 {
				t.Errorf("lost %s (type %d of side %d): %d closed, %q", name, c[i].rec.Type, c[i].side, n, s.Info().Why)
			}
			if l.count(fact.TLSRecordLost) != 1 || l.count(fact.TLSBadRecord) != 0 {
				t.Errorf("lost %s: %d lost, %d bad", name, l.count(fact.TLSRecordLost), l.count(fact.TLSBadRecord))
			}
			for side := 1; side <= 2; side++ {
				lack := len(all.plain[side]) - len(l.plain[side])
				switch {
				case lack < 0 || lack > c[i].rec.Length+32:
					t.Errorf("lost %s: %d of %d bytes of side %d", name, len(l.plain[side]), len(all.plain[side]), side)
				case lack > 0 && l.missing[side] < int64(lack) || lack == 0 && l.missing[side] > 0 && !whole && s.Info().Version < tlswire.VersionTLS13: // there it may be a ticket or an alert
					t.Errorf("lost %s: side %d lacks %d bytes, told of %d", name, side, lack, l.missing[side])
				case lack == 0 && !bytes.Equal(l.plain[side], all.plain[side]):
					t.Errorf("lost %s: other bytes of side %d", name, side)
				}
			}
			if t.Failed() {
				l.dump(t)
				return
			}
		}
	}
}

// A record that is lost costs itself, under every cipher of Go.
func TestLossOfAnyRecord(t *testing.T) {
	ec, rs := certificate(t, false), certificate(t, true)
	for _, v := range variations() {
		t.Run(v.name, func(t *testing.T) {
			var log strings.Builder
			client, server := v.configs(ec, rs, &log)
			c := talk(t, client, server, []string{"hello", strings.Repeat("a long line ", 300), "x", "bye"})
			checkLosses(t, c, storeFrom(t, log.String()))
		})
	}
}

// And under those of the captures, in one handshake or two.
func TestLossInCaptures(t *testing.T) {
	for _, name := range []string{"tls12_rsa_aes128gcm_legacy__normal_cert", "tls11_ecdhe_aes256cbcsha_legacy__normal", "tls12_ecdhe_chacha20_modern__normal",
		"dec_tls13_keyupdate", "dec_tls13_hrr_p384", "dec_tls12_tiny_records_rsa", "dec_gnutls_rc4md5_rsa_tls10", "tls12_rsa_aes128ccm8_legacy__normal"} {
		t.Run(name, func(t *testing.T) {
			c := captures.Find(t, name)
			st := storeOf(t, c, false)
			for _, conv := range conversationsOf(t, c) {
				checkLosses(t, conv, st)
			}
		})
	}
}

// A record that was altered is told, and costs itself alone.
func TestBadRecord(t *testing.T) {
	ec, rs := certificate(t, false), certificate(t, true)
	for _, v := range variations() {
		t.Run(v.name, func(t *testing.T) {
			var log strings.Builder
			client, server := v.configs(ec, rs, &log)
			c := talk(t, client, server, []string{"hello", "a line that is altered on its way", "bye"})
			st := storeFrom(t, log.String())
			_, all := play(c, st)
			n := 0
			for i := range c {
				if c[i].rec.Type != tlswire.TypeApplicationData || i < len(c)-6 || i >= len(c)-2 {
					continue
				}
				bad := append(conversation(nil), c...)
				bad[i].rec.Payload = bytes.Clone(c[i].rec.Payload)
				bad[i].rec.Payload[0] ^= 1
				s, l := play(bad, st)
				lack := len(all.plain[1]) + len(all.plain[2]) - len(l.plain[1]) - len(l.plain[2])
				if info := s.Info(); info.Closed != 1 || l.count(fact.TLSBadRecord) != 1 || info.Why != WhyNot || lack <= 0 || lack > 40 {
					t.Errorf("record %d: %d bytes lack, %+v", i, lack, info)
					l.dump(t)
				}
				n++
			}
			if n == 0 {
				t.Error("nothing was tested")
			}
		})
	}
}

// After a gap of a hundred megabytes the place is found again where the number of a record has to be guessed.
func TestLongGap(t *testing.T) {
	ec, rs := certificate(t, false), certificate(t, true)
	for _, v := range []variation{
		{name: "1.3", version: tls.VersionTLS13},
		{name: "1.2 ChaCha20", version: tls.VersionTLS12, suite: tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, rsa: true},
		{name: "1.2 GCM", version: tls.VersionTLS12, suite: tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, rsa: true},
		{name: "1.2 CBC", version: tls.VersionTLS12, suite: tls.TLS_RSA_WITH_AES_128_CBC_SHA, rsa: true},
		{name: "1.0 CBC", version: tls.VersionTLS10, suite: tls.TLS_RSA_WITH_AES_128_CBC_SHA, rsa: true},
	} {
		t.Run(v.name, func(t *testing.T) {
			var log strings.Builder
			client, server := v.configs(ec, rs, &log)
			conv := talk(t, client, server, []string{"hello"})
			l := &listener{}
			s := New(Config{}, storeFrom(t, log.String()), l)
			for i := range conv[:len(conv)-2] {
				s.Record(conv[i].side, &conv[i].rec)
			}
			half := sealer(t, s, conv, v)
			const lost = 6000
			half.Seq = s.lanes[1].half.Seq + lost
			for i := range 2 { // under CBC of TLS 1.0 the first lacks a block, and is not checked
				rec, err := half.Seal(nil, 23, bytes.Repeat([]byte("after the gap, "), 10))
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					s.Record(fact.SideServer, &tlsrecord.Record{Lost: true, Unknown: true, Skipped: lost * int64(16384+len(rec)-150)})
				}
				s.Record(fact.SideServer, &tlsrecord.Record{Type: 23, Version: uint16(rec[1])<<8 | uint16(rec[2]), Payload: rec[5:], Length: len(rec) - 5})
			}
			if i := s.Info(); i.Closed > 0 || i.PlainBytes[2] < 280 || l.missing[2] < lost<<14 {
				t.Errorf("%d missing, %+v", l.missing[2], i)
				l.dump(t)
			}
		})
	}
}
