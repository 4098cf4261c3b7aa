package decrypt

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
)

// split cuts the handshake records in clear of a conversation into smaller ones.
func split(c conversation, rng *rand.Rand) conversation {
	var out conversation
	clear := [3]bool{true, true, true}
	for _, p := range c {
		if p.rec.Type == tlswire.TypeChangeCipherSpec {
			clear[p.side] = false
		}
		rest := p.rec.Payload
		for p.rec.Type == tlswire.TypeHandshake && clear[p.side] && len(rest) > 1 {
			n := 1 + rng.IntN(min(len(rest)-1, 1+rng.IntN(500)))
			one := p
			one.rec.Payload, one.rec.Length = rest[:n], n
			out = append(out, one)
			rest = rest[n:]
		}
		p.rec.Payload, p.rec.Length = rest, len(rest)
		out = append(out, p)
	}
	return out
}

// How the messages are spread over records changes nothing.
func TestSplitRecords(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, name := range []string{"tls12_rsa_aes128ccm_modern__normal", "founding_01_normal_direct_tls10_rsa", "dec_tls13_hrr_p384", "tls12_rsa_aes256cbcsha256_modern__normal_cert",
		"tls12_ecdhe_aes128gcm_modern__abnormal_refused", "bad_21854_3des_only"} {
		c := captures.Find(t, name)
		stores := []bool{false}
		if c.RSA {
			stores = append(stores, true)
		}
		for _, key := range stores {
			for _, conv := range conversationsOf(t, c) {
				_, want := play(conv, storeOf(t, c, key))
				for range 20 {
					_, got := play(split(conv, rng), storeOf(t, c, key))
					if !reflect.DeepEqual(got.facts, want.facts) || string(got.plain[1]) != string(want.plain[1]) || string(got.plain[2]) != string(want.plain[2]) {
						t.Errorf("%s: other facts or bytes", name)
						got.dump(t)
						break
					}
				}
				if want.count(fact.TLSClientHello) == 0 {
					t.Errorf("%s: nothing was tested", name)
				}
			}
		}
	}
}
