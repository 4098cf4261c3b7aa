package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
)

// bareTail is how many bytes of MAC end each record under a suite that encrypts nothing (TLS_…_WITH_NULL_…, up to TLS 1.2): such records
// are read without any secret, only that they are whole is not checked then. 0: the suite encrypts, or is not known.
func (h *handshake) bareTail() int {
	if !h.known || h.suite.TLS13() || h.suite.Cipher.Name != "NULL" {
		return 0
	}
	return h.suite.MACLen()
}

// bare reads a record that nobody encrypted. It returns false when it is another.
func (s *Session) bare(l *lane, r *tlsrecord.Record) bool {
	n := len(r.Payload) - l.bareTail
	if l.bareTail == 0 || n < 0 || !l.dark() {
		return false
	}
	if s.info.Source == "" {
		s.info.Source = sourceNone
		s.fact(fact.Fact{Kind: fact.TLSDecryptable, Text: sourceNone}, r)
	}
	s.info.Decrypted++
	l.opened, l.lost, l.gap = true, false, 0
	s.content(l, r.Type, r.Payload[:n:n], r)
	return true
}
