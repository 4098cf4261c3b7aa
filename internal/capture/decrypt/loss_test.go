package decrypt

import (
	"bytes"
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
			c := talk(t, client, server, longScript)
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
