package tlscrypt

import (
	"bytes"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// FuzzOpen: what a stranger sends never opens and never panics, and a Half that refused it still opens the next good record.
func FuzzOpen(f *testing.F) {
	for i, id := range []uint16{0x0005, 0x000a, 0x002f, 0x003c, 0x009c, 0xcca8, 0xc09c, 0xc0a0, 0xc077, 0xc051} {
		f.Add(id, uint8(i%3), i%2 == 0, bytes.Repeat([]byte{byte(i)}, 16*(i+1)))
	}
	f.Fuzz(func(t *testing.T, id uint16, minor uint8, etm bool, sealed []byte) {
		s, ok := tlswire.SuiteByID(id)
		version := tlswire.VersionSSL30 + uint16(minor%4)
		if !ok || len(sealed) > tlswire.MaxRecordPayload {
			return
		}
		k := DeriveKeys(&s, version, make([]byte, MasterLen), make([]byte, RandomLen), make([]byte, RandomLen))
		_, open, err := Halves(&s, version, etm, &k)
		if err != nil {
			return
		}
		if got, err := open.Open(nil, 23, version, sealed); err == nil {
			t.Fatalf("%s opened %x as %x", s.Name, sealed, got)
		}
		_, lossy, err := Halves(&s, version, etm, &k)
		if err != nil {
			t.Fatal(err)
		}
		lossy.Lose(len(sealed), nil)
		lossy.GuessSeq(sealed)
		if got, lost, err := lossy.OpenLossy(nil, 23, version, sealed); err == nil && (lost > len(got) || len(got) > len(sealed)) {
			t.Errorf("%s: %d of %d bytes are lost", s.Name, lost, len(got))
		}
		lossy.Pass(sealed)
		good, err := NewHalf(&s, version, etm, k.ServerMAC, k.ServerKey, k.ServerIV)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := good.Seal(nil, 23, []byte("good"))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := open.Open(nil, 23, version, rec[tlswire.RecordHeaderLen:]); err != nil || string(got) != "good" {
			t.Fatalf("%s: after a stranger's record: %q, %v", s.Name, got, err)
		}
	})
}
