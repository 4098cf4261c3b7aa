package decrypt

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// pieces keeps every piece of plaintext for itself.
type pieces struct {
	listener
	all [][]byte
}

func (p *pieces) Plain(side fact.Side, at fact.Stamp, b []byte, early bool) {
	p.all = append(p.all, bytes.Clone(b))
	p.listener.Plain(side, at, b, early)
}

func playPieces(c conversation, src *secrets.Store) *pieces {
	p := &pieces{}
	s := New(Config{}, src, p)
	for i := range c {
		s.Record(c[i].side, &c[i].rec)
	}
	return p
}

// Whatever is damaged or lost, no byte is told that nobody wrote: records are altered one by one, and runs of them are lost, which
// is noticed at once or a few records later.
func TestNoOtherBytes(t *testing.T) {
	for _, c := range captures.All(t) {
		family := strings.HasSuffix(c.Name, "__normal") || strings.HasPrefix(c.Name, "dec_tls13") || strings.HasPrefix(c.Name, "client_pha")
		some := strings.HasPrefix(c.Name, "tls10") || c.Name == "client_pha_curl" || c.Name == "dec_tls13_hrr_p384"
		if !family || !some && os.Getenv("LUNETTE_SOAK") == "" {
			continue
		}
		store := storeOf(t, c, c.KeyLog == "")
		for _, conv := range conversationsOf(t, c) {
			whole := bytes.Join(playPieces(conv, store).all, nil)
			check := func(what string, at int, altered conversation) {
				for _, p := range playPieces(altered, store).all {
					if len(p) >= 8 && !bytes.Contains(whole, p) {
						t.Errorf("%s: %s at record %d: %q", c.Name, what, at, p)
					}
				}
			}
			for i := range conv {
				if n := len(conv[i].rec.Payload); n > 0 {
					for _, at := range []int{0, n / 2, max(0, n-33), n - 1} { // under encrypt-then-MAC the last block lies before the MAC
						out := append(conversation(nil), conv...)
						out[i].rec.Payload = bytes.Clone(out[i].rec.Payload)
						out[i].rec.Payload[at] ^= 1
						check("altered", i, out)
					}
				}
				for n := 1; n <= 3; n++ {
					for _, later := range []int{0, 1, 2} {
						check("lost", i, losing(conv, i, n, later))
					}
				}
			}
		}
	}
}

// losing takes n records of one side away, from record i on; the loss is told after that many records of the other side.
func losing(c conversation, i, n, later int) conversation {
	var out conversation
	lost := piece{c[i].side, tlsrecord.Record{At: c[i].rec.At, End: c[i].rec.End, Lost: true, Unknown: true}}
	told := false
	for j := range c {
		switch {
		case j < i:
			out = append(out, c[j])
		case c[j].side == lost.side && n > 0:
			n--
			lost.rec.Skipped += int64(c[j].rec.Length) + 5
		case c[j].side != lost.side && later > 0 && !told:
			later--
			out = append(out, c[j])
		default:
			if !told && n == 0 {
				told = true
				out = append(out, lost)
			}
			out = append(out, c[j])
		}
	}
	return out
}
