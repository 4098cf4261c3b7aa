package tlscrypt

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Opening a record, or failing to, allocates nothing.
func TestOpenAllocatesNothing(t *testing.T) {
	for _, v := range ways() {
		if c := v.suite.Cipher; c.Kind == tlswire.KindAEAD && !strings.HasPrefix(c.Name, "AES") && !strings.HasPrefix(c.Name, "CHACHA") {
			continue // crypto/cipher's GCM over a cipher that is not its own
		}
		seal, open := v.half(t), v.half(t)
		var recs [][]byte
		for range 22 {
			rec, err := seal.Seal(nil, 23, make([]byte, 1000))
			if err != nil {
				t.Fatal(err)
			}
			recs = append(recs, rec)
		}
		dst := make([]byte, 0, tlswire.MaxRecordPayload)
		next := 0
		if n := testing.AllocsPerRun(20, func() {
			rec := recs[next]
			next++
			open.Seq += 5
			_, err := open.Open(dst, rec[0], uint16(rec[1])<<8|uint16(rec[2]), rec[5:])
			if open.Seq -= 5; err == nil && v.suite.Cipher.Explicit == 0 {
				t.Errorf("%s: opens under another number", v.suite.Name)
			}
			if _, err := open.Open(dst, rec[0], uint16(rec[1])<<8|uint16(rec[2]), rec[5:]); err != nil {
				t.Errorf("%s %#x: %v", v.suite.Name, v.version, err)
			}
		}); n != 0 {
			t.Errorf("%s %#x etm %v: %v allocations a record", v.suite.Name, v.version, v.etm, n)
		}
	}
}
