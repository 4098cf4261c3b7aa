// Package tlscrypt computes what SSL 3.0 to TLS 1.3 computes: the PRF or HKDF, the key schedule, pre-master secrets, signatures over
// handshakes, and the sealing and opening of records.
//
// Input: secrets and transcripts as bytes, suites and versions from tlswire. Output: derived secrets, records, plaintext.
// Promises: no I/O, no clocks, no goroutines; both directions (a live endpoint seals, a capture's way opens what others sealed);
// opening a record allocates nothing, and moves nothing when it fails: a reader of captures sets the record's number and tries again.
// Non-goals: hiding the time that a bad MAC takes (this serves loopback labs and captures, never the open network),
// handshakes (lab/tlspeer, capture/decrypt), the bindings of a PSK, IDEA, SEED and RC2, trust.
package tlscrypt

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// Sizes in bytes.
const (
	MasterLen    = 48
	PreMasterLen = 48 // of the RSA key exchange
	RandomLen    = 32
	FinishedLen  = 12
)

// newHash returns the hash called name in suites ("MD5", "SHA", "SHA256", "SHA384"), nil for another.
func newHash(name string) func() hash.Hash {
	switch name {
	case "MD5":
		return md5.New
	case "SHA":
		return sha1.New
	case "SHA256":
		return sha256.New
	case "SHA384":
		return sha512.New384
	}
	return nil
}
