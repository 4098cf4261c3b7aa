package tlscrypt

import (
	"bytes"
	"crypto/cipher"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// sealAll seals each payload and returns the sealed payloads of the records.
func sealAll(t *testing.T, h *Half, payloads ...string) [][]byte {
	t.Helper()
	var out [][]byte
	for _, p := range payloads {
		rec, err := h.Seal(nil, 23, []byte(p))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, rec[5:])
	}
	return out
}

// After a lost record that chained, its successor opens but for the first block, and all after that is checked again. Where the end of
// the lost one is known nothing is missing.
func TestLossOfAChainedRecord(t *testing.T) {
	const long = "a request of more than one block of any cipher"
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		if open.Chain() != ChainBlock {
			continue
		}
		block := v.suite.Cipher.Block
		recs := sealAll(t, seal, "first", "lost", long, "last", long, "after it")
		mustOpen := func(i int, want string) {
			t.Helper()
			if got, err := open.Open(nil, 23, v.version, recs[i]); err != nil || string(got) != want {
				t.Fatalf("%s %#x etm %v: record %d: %q, %v", v.suite.Name, v.version, v.etm, i, got, err)
			}
		}
		mustOpen(0, "first")
		open.Lose(len(recs[1]), nil)
		if _, err := open.Open(nil, 23, v.version, recs[2]); err != BadChain || !open.Broken() {
			t.Errorf("%s: a broken chain opens: %v", v.suite.Name, err)
		}
		got, lost, err := open.OpenLossy([]byte("x"), 23, v.version, recs[2])
		if err != nil || lost != block || string(got[1+lost:]) != long[lost:] || !bytes.Equal(got[1:1+lost], make([]byte, block)) {
			t.Errorf("%s %#x etm %v: lossy %q, %d lost, %v", v.suite.Name, v.version, v.etm, got, lost, err)
		}
		mustOpen(3, "last")
		open.Lose(len(recs[4]), recs[4][max(0, len(recs[4])-64):])
		mustOpen(5, "after it")
	}
}

// The empty record in front of a chained one, and the 1/n-1 split, keep their places after a loss.
func TestShortRecordsAfterALoss(t *testing.T) {
	for _, v := range variants(t) {
		for _, short := range []string{"", "G"} {
			seal, open := v.pair(t)
			recs := sealAll(t, seal, "lost", short, "ET / HTTP/1.1")
			if open.Chain() == ChainStream {
				open.Lose(len(recs[0]), nil)
			} else {
				open.Lose(0, nil)
			}
			if open.Broken() {
				if got, lost, err := open.OpenLossy(nil, 23, v.version, recs[1]); err != nil || lost != min(len(short), len(got)) {
					t.Errorf("%s %#x etm %v: lossy %q, %d lost, %v", v.suite.Name, v.version, v.etm, got, lost, err)
				}
			} else if got, err := open.Open(nil, 23, v.version, recs[1]); err != nil || string(got) != short {
				t.Errorf("%s %#x etm %v: %q, %v", v.suite.Name, v.version, v.etm, got, err)
			}
			if got, err := open.Open(nil, 23, v.version, recs[2]); err != nil || string(got) != "ET / HTTP/1.1" {
				t.Errorf("%s %#x etm %v: after it %q, %v", v.suite.Name, v.version, v.etm, got, err)
			}
		}
	}
}

// RC4 goes on after a loss of unknown many records: the bytes are known, and each record took 5 of them for its header.
func TestStreamSearch(t *testing.T) {
	s, _ := tlswire.SuiteByID(0x0005)
	v := variant{s, tlswire.VersionTLS10, false}
	seal, open := v.pair(t)
	recs := sealAll(t, seal, "one", "two", "three", "found")
	bytesLost := 0
	for _, r := range recs[:3] {
		bytesLost += 5 + len(r)
	}
	records := bytesLost / (5 + s.MACLen())
	open.Lose(bytesLost-5*records, nil)
	for ; records > 0; records-- {
		open.Seq = uint64(records)
		if got, err := open.Open(nil, 23, v.version, recs[3]); err == nil {
			if string(got) != "found" || records != 3 {
				t.Errorf("%q as record %d", got, records)
			}
			return
		}
		open.Lose(5, nil)
	}
	t.Error("not found")
}

func TestPassAfterAnAlteredRecord(t *testing.T) {
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		recs := sealAll(t, seal, "first", "second")
		at := 0 // not in the block that the next one is chained to
		if v.etm {
			at = len(recs[0]) - 1
		}
		recs[0][at] ^= 1
		if _, err := open.Open(nil, 23, v.version, recs[0]); err == nil {
			t.Fatalf("%s: an altered record opens", v.suite.Name)
		}
		open.Pass(recs[0])
		if got, err := open.Open(nil, 23, v.version, recs[1]); err != nil || string(got) != "second" {
			t.Errorf("%s %#x etm %v: %q, %v", v.suite.Name, v.version, v.etm, got, err)
		}
	}
}

// What failed has a name.
func TestBadRecordsAreNamed(t *testing.T) {
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		rec := sealAll(t, seal, "hello, origin")[0]
		c := &v.suite.Cipher
		bad := bytes.Clone(rec)
		bad[len(bad)-1] ^= 0x80
		want := BadMAC
		switch {
		case c.Kind == tlswire.KindAEAD:
			want = BadTag
		case c.Kind == tlswire.KindCBC && !v.etm:
			want = BadPadding // the last block is garbage, which is no padding under these keys
		}
		if _, err := open.Open(nil, 23, v.version, bad); err != want && !(want == BadPadding && err == BadMAC) {
			t.Errorf("%s %#x etm %v: altered: %v", v.suite.Name, v.version, v.etm, err)
		}
		if c.Kind == tlswire.KindCBC && !v.etm {
			open.Seq = 7
			if _, err := open.Open(nil, 23, v.version, rec); err != BadMAC {
				t.Errorf("%s %#x: another number: %v", v.suite.Name, v.version, err)
			}
			open.Seq = 0
		}
		if _, err := open.Open(nil, 23, v.version, rec[:3]); err != BadLength {
			t.Errorf("%s: cut: %v", v.suite.Name, err)
		}
		if got, err := open.Open(nil, 23, v.version, rec); err != nil || string(got) != "hello, origin" {
			t.Errorf("%s %#x etm %v: and then %q, %v", v.suite.Name, v.version, v.etm, got, err)
		}
	}
}

func TestGuessSeq(t *testing.T) {
	for _, id := range []uint16{0x009c, 0xc09c, 0xcca8, 0x002f} {
		s, _ := tlswire.SuiteByID(id)
		v := variant{s, tlswire.VersionTLS12, false}
		seal, open := v.pair(t)
		first := sealAll(t, seal, "first")[0]
		if _, ok := open.GuessSeq(first); ok {
			t.Errorf("%s: a guess before the first record", s.Name)
		}
		if _, err := open.Open(nil, 23, v.version, first); err != nil {
			t.Fatal(err)
		}
		seal.Seq = 1 << 40
		later := sealAll(t, seal, "later")[0]
		seq, ok := open.GuessSeq(later)
		if ok != (s.Cipher.Explicit > 0) || ok && seq != 1<<40 {
			t.Errorf("%s: guessed %d, %v", s.Name, seq, ok)
		}
	}
}

// Without the MAC all but AEAD opens, under any number.
func TestOpenLossyWithoutLoss(t *testing.T) {
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		rec := sealAll(t, seal, "hello, origin")[0]
		if v.suite.Cipher.Kind != tlswire.KindAEAD && !v.etm {
			open.Seq = 99
		}
		got, lost, err := open.OpenLossy(nil, 23, v.version, rec)
		if v.suite.Cipher.Kind == tlswire.KindAEAD {
			if err != BadTag {
				t.Errorf("%s: %q, %v", v.suite.Name, got, err)
			}
		} else if err != nil || lost != 0 || string(got) != "hello, origin" {
			t.Errorf("%s %#x etm %v: %q, %d lost, %v", v.suite.Name, v.version, v.etm, got, lost, err)
		}
	}
}

// A peer may add up to 255 bytes of padding, of which SSL 3.0 alone demands less than a block.
func TestLongPadding(t *testing.T) {
	for _, v := range variants(t) {
		seal, open := v.pair(t)
		c, ok := seal.p.(*cbc)
		if !ok {
			continue
		}
		h := header{0, 23, v.version}
		block := v.suite.Cipher.Block
		iv := make([]byte, block)
		if c.chain != nil {
			iv = bytes.Clone(c.chain)
		}
		plain := []byte("hello, origin")
		if !c.etm {
			plain = append(plain, c.mac.sum(h, plain)...)
		}
		pad := 255 - (len(plain)+256)%block // so that with the length byte whole blocks come out
		plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad+1)...)
		cipher.NewCBCEncrypter(c.b, iv).CryptBlocks(plain, plain)
		sealed := plain
		if c.chain == nil {
			sealed = slices.Concat(iv, plain)
		}
		if c.etm {
			sealed = append(sealed, c.mac.sum(h, sealed)...)
		}
		got, err := open.Open(nil, 23, v.version, sealed)
		if v.version == tlswire.VersionSSL30 {
			if err != BadPadding {
				t.Errorf("%s in SSL 3.0: %q, %v", v.suite.Name, got, err)
			}
		} else if err != nil || string(got) != "hello, origin" {
			t.Errorf("%s %#x etm %v: %q, %v", v.suite.Name, v.version, v.etm, got, err)
		}
	}
}
