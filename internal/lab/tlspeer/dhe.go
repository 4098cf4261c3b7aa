package tlspeer

import (
	"crypto/rand"
	"encoding/binary"
	"math/big"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// oakley2 is the 1024-bit MODP group of RFC 2409 section 6.2: what old servers use, and what OpenSSL and Schannel now call too small.
const oakley2 = "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e3404dd" +
	"ef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed" +
	"ee386bfb5a899fa5ae9f24117c4b1fe649286651ece65381ffffffffffffffff"

// maxPrime bounds the work that a prime makes, in bytes.
const maxPrime = 1024

// prime is the modulus of DHE; the generator is 2.
func (c *Conn) prime() *big.Int {
	if n := len(c.cfg.DHPrime); n > 0 && n <= maxPrime {
		return new(big.Int).SetBytes(c.cfg.DHPrime)
	}
	p, _ := new(big.Int).SetString(oakley2, 16)
	return p
}

// newDHE makes our ephemeral key and returns the parameters that are signed: p, g, Ys (RFC 5246 section 7.4.3).
func (h *handshake) newDHE() ([]byte, error) {
	p := h.c.prime()
	x, err := rand.Int(rand.Reader, p)
	if err != nil {
		return nil, err
	}
	h.dh = x
	var out []byte
	for _, n := range []*big.Int{p, big.NewInt(2), new(big.Int).Exp(big.NewInt(2), x, p)} {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(n.Bytes()))), n.Bytes()...)
	}
	return out, nil
}

// agreeDHE makes the pre-master secret: the shared value without leading zeros (RFC 5246 section 8.1.2).
func (h *handshake) agreeDHE(public []byte) error {
	p, y := h.c.prime(), new(big.Int).SetBytes(public)
	if y.Sign() == 0 || y.Cmp(p) >= 0 {
		return h.c.fail(tlswire.AlertIllegalParameter)
	}
	h.preMaster = new(big.Int).Exp(y, h.dh, p).Bytes()
	return nil
}
