package decrypt

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
)

// Records that nothing opens use the work up that a connection may cause, and no more: the search for their place ends, and so do those after it.
func TestSearchEndsWithBudget(t *testing.T) {
	for _, name := range []string{"dec_tls13_tls_aes_128_gcm_sha256", "tls12_ecdhe_aes128gcm_modern__normal", "tls10_rsa_rc4md5_gnutls__normal"} {
		c := captures.Find(t, name)
		conv := conversationsOf(t, c)[0]
		first := conv[len(conv)-1].rec
		junk := make([]byte, 16<<10)
		for i := range 64 {
			r := tlsrecord.Record{Type: tlswire.TypeApplicationData, Version: tlswire.VersionTLS12, Payload: junk, Length: len(junk), At: first.At, End: first.End}
			conv = append(conv, piece{fact.SideServer, r})
			if i%8 == 7 {
				conv = append(conv, piece{fact.SideServer, tlsrecord.Record{Lost: true, Unknown: true, Skipped: 1 << 20, At: first.At, End: first.End}})
			}
		}
		s, l := play(conv, storeOf(t, c, false))
		if s.budget > mostBudget || s.budget < -innerCost {
			t.Errorf("%s: %d bytes of work left", name, s.budget)
		}
		if s.Info().Closed < 64 || l.count(fact.TLSBadRecord) != 1 {
			t.Errorf("%s: %d closed, %d bad", name, s.Info().Closed, l.count(fact.TLSBadRecord))
		}
	}
}
