package tlscrypt

import (
	"fmt"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
)

// ways is one suite of each family, with the version that it is mostly met in.
func ways() []variant {
	var out []variant
	for _, w := range []struct {
		id, version uint16
		etm         bool
	}{
		{0x1301, 0x0304, false}, {0x1302, 0x0304, false}, {0x1303, 0x0304, false}, {0x1304, 0x0304, false},
		{0x009c, 0x0303, false}, {0xcca8, 0x0303, false}, {0xc09c, 0x0303, false}, {0xc07a, 0x0303, false}, {0xc050, 0x0303, false},
		{0x002f, 0x0303, false}, {0x002f, 0x0303, true}, {0x002f, 0x0301, false}, {0x003d, 0x0303, false}, {0xc028, 0x0303, false},
		{0x0041, 0x0303, false}, {0x000a, 0x0301, false}, {0x0005, 0x0301, false}, {0x0004, 0x0301, false}, {0x000a, 0x0300, false},
		{0x0002, 0x0303, false},
	} {
		s, _ := tlswire.SuiteByID(w.id)
		out = append(out, variant{s, w.version, w.etm})
	}
	return out
}

func (v variant) half(t testing.TB) *Half {
	if v.version == tlswire.VersionTLS13 {
		h, err := NewHalf13(&v.suite, make([]byte, HashLen(v.suite.PRF)))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	k := DeriveKeys(&v.suite, v.version, make([]byte, MasterLen), make([]byte, RandomLen), make([]byte, RandomLen))
	h, err := NewHalf(&v.suite, v.version, v.etm, k.ClientMAC, k.ClientKey, k.ClientIV)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// BenchmarkOpen opens records of n bytes under each family of suites.
func BenchmarkOpen(b *testing.B) {
	for _, v := range ways() {
		for _, n := range []int{1400, tlswire.MaxPlaintext} {
			b.Run(fmt.Sprintf("%s/%#04x/etm=%v/%d", v.suite.Name, v.version, v.etm, n), func(b *testing.B) {
				rec, err := v.half(b).Seal(nil, 23, make([]byte, n))
				if err != nil {
					b.Fatal(err)
				}
				h := v.half(b)
				dst := make([]byte, 0, len(rec))
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					h.Seq = 0
					_, _, err = h.OpenRecord(dst, rec[0], uint16(rec[1])<<8|uint16(rec[2]), rec[5:])
				}
				if err != nil && h.Chain() == ChainNone {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkDecryptPreMaster is what each full handshake costs that a private key of 2,048 bits opens.
func BenchmarkDecryptPreMaster(b *testing.B) {
	key := captures.RSAKey(b)
	encrypted := encryptTo(key, make([]byte, PreMasterLen), 0xff)
	for b.Loop() {
		if _, err := DecryptPreMaster(key, encrypted); err != nil {
			b.Fatal(err)
		}
	}
}
