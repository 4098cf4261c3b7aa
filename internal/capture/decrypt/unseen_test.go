package decrypt

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
)

// withoutTwo loses record i of a conversation and the next of the same side, as one hole. It returns the place of the second.
func withoutTwo(c conversation, i int) (conversation, int) {
	for j := i + 1; j < len(c); j++ {
		if c[j].side == c[i].side {
			out := without(c, i, true)
			out[i].rec.Skipped += int64(c[j].rec.Length) + tlswire.RecordHeaderLen
			return append(out[:j:j], c[j+1:]...), j
		}
	}
	return nil, 0
}

// The server's ChangeCipherSpec and Finished are lost together, and a HelloRequest comes next: the renegotiation still opens.
func TestChangeAndFinishedLost(t *testing.T) {
	for _, name := range []string{"tls12_ecdhe_chacha20_modern__normal_cert", "tls12_ecdhe_aes128gcm_modern__normal",
		"tls11_rsa_aes128cbcsha_modern__normal", "dec_gnutls_rc4sha_rsa_tls12"} {
		t.Run(name, func(t *testing.T) {
			c := captures.Find(t, name)
			st, conv := storeOf(t, c, false), conversationsOf(t, c)[0]
			_, whole := play(conv, st)
			for i := range conv {
				if conv[i].side != fact.SideServer || conv[i].rec.Type != tlswire.TypeChangeCipherSpec {
					continue
				}
				lost, _ := withoutTwo(conv, i)
				s, l := play(lost, st)
				if info := s.Info(); info.Closed > 0 || info.Why != WhyNot {
					t.Errorf("%d closed, %q", info.Closed, info.Why)
					l.dump(t)
				}
				if string(l.plain[fact.SideServer]) != string(whole.plain[fact.SideServer]) || l.count(fact.TLSHelloRequest) != whole.count(fact.TLSHelloRequest) {
					t.Errorf("the server said %q, not %q", l.plain[fact.SideServer], whole.plain[fact.SideServer])
				}
				return
			}
		})
	}
}

// Whatever two records are lost, under whatever secrets, that is told and nothing breaks.
func TestAnyTwoLost(t *testing.T) {
	for _, c := range captures.All(t) {
		for _, key := range []bool{false, true} {
			st := storeOf(t, c, key)
			for _, conv := range conversationsOf(t, c) {
				for i := range conv {
					if len(conv) > 60 {
						break
					}
					if lost, _ := withoutTwo(conv, i); lost != nil {
						s, l := play(lost, st)
						if n := l.count(fact.TLSRecordLost); n == 0 {
							t.Errorf("%s (key: %t), without records from %d on: %d lost, %+v", c.Name, key, i, n, s.Info())
						}
					}
				}
			}
		}
	}
}
