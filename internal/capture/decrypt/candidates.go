package decrypt

import (
	"bytes"
	"strings"

	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// sources of candidates up to TLS 1.2, the cheap ones first. The last costs a private key's operation.
const (
	stageLog = iota
	stageSession
	stagePreMaster
	stagePSK
	stageKey
	stages
)

// maxCandidates bounds the secrets that one handshake is tried with.
const maxCandidates = 32

// more asks the next sources until one has something new; false when none is left.
func (s *Session) more(h *handshake) bool {
	for had := len(h.candidates); h.stage < stages; {
		stage := h.stage
		h.stage++
		s.ask1(h, stage)
		if len(h.candidates) > had {
			return true
		}
	}
	return false
}

func (s *Session) ask1(h *handshake, stage int) {
	if s.src.empty() || !h.server || !h.known || h.suite.TLS13() {
		return
	}
	switch stage {
	case stageLog:
		h.add(s.src.Master(h.clientRandom[:]), sourceLog)
		h.premaster(s.src.PreMaster(h.clientRandom[:]), sourceLog)
	case stageSession:
		if !h.full {
			h.add(s.src.Recall(h.offeredTicket), sourceSession)
			h.add(s.src.Recall(h.session), sourceSession)
		}
		h.add(s.src.MasterOfSession(h.session), sourceLog)
	case stagePreMaster:
		if enc := h.encrypted(); len(enc) >= 8 {
			h.premaster(s.src.PreMasterOf(enc), sourceLog)
		}
	case stagePSK:
		if h.suite.KX == "PSK" {
			s.askPSK(h, nil)
		}
	case stageKey:
		s.askKeys(h)
	}
}

// askKeys decrypts the pre-master secret of RSA and RSA_PSK with the private keys.
func (s *Session) askKeys(h *handshake) {
	enc := h.encrypted()
	if enc == nil {
		return
	}
	for _, key := range s.src.RSAKeys(h.modulus) {
		if len(h.candidates) >= maxCandidates {
			return
		}
		pre, err := tlscrypt.DecryptPreMaster(key, enc)
		switch {
		case err != nil:
		case h.suite.KX == "RSA_PSK":
			s.askPSK(h, pre)
		default:
			h.premaster(pre, sourceKey)
		}
		if h.modulus != nil && bytes.Equal(key.N.Bytes(), h.modulus) {
			return // it is this one's certificate: no other key fits
		}
	}
}

func (s *Session) askPSK(h *handshake, other []byte) {
	for _, psk := range s.src.PSKs() {
		if len(h.candidates) >= maxCandidates {
			return
		}
		if pre, err := tlscrypt.PSKPreMaster(other, psk); err == nil {
			h.premaster(pre, sourcePSK)
		}
	}
}

// encrypted returns the encrypted pre-master secret of the ClientKeyExchange, nil when there is none.
func (h *handshake) encrypted() []byte {
	if !h.exchanged || !strings.HasPrefix(h.suite.KX, "RSA") {
		return nil
	}
	body := h.exchange
	if h.suite.KX == "RSA_PSK" { // the identity stands first (RFC 4279 section 4)
		if _, body = vector16(body); body == nil {
			return nil
		}
	}
	if h.version == tlswire.VersionSSL30 {
		return body
	}
	enc, rest := vector16(body)
	if enc == nil || len(rest) > 0 {
		return nil
	}
	return enc
}

// vector16 takes a vector with 16 bits of length off b; nil when b is shorter.
func vector16(b []byte) (v, rest []byte) {
	if len(b) < 2 || len(b)-2 < int(b[0])<<8|int(b[1]) {
		return nil, nil
	}
	n := 2 + (int(b[0])<<8 | int(b[1]))
	return b[2:n:n], b[n:]
}

// premaster adds the master secret that follows from a pre-master secret.
func (h *handshake) premaster(pre []byte, source string) {
	switch {
	case pre == nil:
	case !h.extended:
		if h.client {
			h.add(tlscrypt.MasterSecret(h.version, h.suite.PRF, pre, h.clientRandom[:], h.serverRandom[:]), source)
		}
	case h.sessionHash != nil:
		h.add(tlscrypt.ExtendedMasterSecret(h.version, h.suite.PRF, pre, h.sessionHash), source)
	}
}

// add adds a master secret that is not there yet.
func (h *handshake) add(master []byte, source string) {
	if len(master) != tlscrypt.MasterLen || !h.client || len(h.candidates) >= maxCandidates {
		return
	}
	for i := range h.candidates {
		if bytes.Equal(h.candidates[i].master, master) {
			return
		}
	}
	keys := tlscrypt.DeriveKeys(&h.suite, h.version, master, h.clientRandom[:], h.serverRandom[:])
	client, server, err := tlscrypt.Halves(&h.suite, h.version, h.etm, &keys)
	if err != nil {
		h.known = false // no cipher of ours: the reason will say so
		return
	}
	h.candidates = append(h.candidates, candidate{master, source, [2]*tlscrypt.Half{client, server}})
}
