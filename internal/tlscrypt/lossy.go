package tlscrypt

import "github.com/lunette-waf/lunette/internal/tlswire"

// Chain says what the next record needs of those before it, and so what a loss costs.
func (h *Half) Chain() Chain { return h.p.chained() }

// Pass goes on after a record that is there but did not open: Seq grows by one, and what chains moves on as if it had opened.
func (h *Half) Pass(sealed []byte) {
	h.p.pass(len(sealed), sealed)
	h.Seq++
}

// Lose goes on after one record of which payload bytes are missing. n is the length of its payload, tail its last bytes where these
// are known, else nil. Seq grows by one.
//
// ChainBlock: with a tail of a block nothing is lost; without, the next record opens with [Half.OpenLossy] only.
// ChainStream: the cipher moves n bytes on. Where the number of lost records is unknown, 5 bytes of each were headers: a reader that
// lost b bytes tries the most records first, Lose(b-5*k, nil), and then, one record fewer each time, Lose(5, nil), setting Seq for each try.
func (h *Half) Lose(n int, tail []byte) {
	h.p.pass(n, tail)
	h.Seq++
}

// Broken reports whether a lost record took the block with it that the next one is chained to: [Half.OpenLossy] is due.
func (h *Half) Broken() bool {
	c, ok := h.p.(*cbc)
	return ok && c.broken
}

// OpenLossy opens a record without what a loss took: with ChainBlock the first lost bytes of the plaintext are unknown and stand as
// zeros, and the MAC is not checked unless it was made last (RFC 7366); from the next record on all is checked again. A record of
// one block, all of it padding and unknown bytes, gives no plaintext. Without ChainBlock it leaves out the check of the MAC in CBC
// and stream suites; AEAD does not open so.
func (h *Half) OpenLossy(dst []byte, typ uint8, version uint16, sealed []byte) (plain []byte, lost int, err error) {
	l, ok := h.p.(lossy)
	if !ok {
		return dst, 0, BadTag
	}
	out, lost, err := l.openLossy(dst, header{h.Seq, typ, version}, sealed)
	if err != nil {
		return dst, 0, err
	}
	if len(out)-len(dst) > tlswire.MaxPlaintext {
		return dst, 0, BadLength
	}
	h.Seq++
	return out, lost, nil
}

// lossy is a protection that opens without its MAC.
type lossy interface {
	openLossy(dst []byte, h header, sealed []byte) ([]byte, int, error)
}

// GuessSeq returns the likely number of a record after a loss, from the part of its nonce that it carries (GCM and CCM of TLS 1.2):
// peers count it up with the records, from any start. ok is false where there is none, or no record was opened before.
func (h *Half) GuessSeq(sealed []byte) (seq uint64, ok bool) {
	a, is := h.p.(*aead)
	if !is || !a.seen || len(sealed) < a.explicit {
		return 0, false
	}
	return a.lastSeq + be64(sealed) - a.lastExplicit, true
}
