package decrypt

import (
	"encoding/hex"
	"slices"
)

// maxLog bounds the lines that a Session keeps, against connections that renegotiate for ever.
const maxLog = 1024

// KeyLog returns lines of an NSS key log for every handshake of this session whose secrets are known, those that a private key
// gave included: what a Decryption Secrets Block needs. At most 1,024.
func (s *Session) KeyLog() []string { return slices.Clone(s.log) }

func (s *Session) logLine(label string, random, secret []byte) {
	if len(secret) == 0 || len(s.log) >= maxLog {
		return
	}
	line := label + " " + hex.EncodeToString(random) + " " + hex.EncodeToString(secret)
	if !slices.Contains(s.log[max(0, len(s.log)-8):], line) {
		s.log = append(s.log, line)
	}
}
