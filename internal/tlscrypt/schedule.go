package tlscrypt

import "github.com/lunette-waf/lunette/internal/tlswire"

// MasterSecret derives the master secret from the pre-master secret and both randoms (RFC 5246 section 8.1, RFC 6101 section 6.1).
func MasterSecret(version uint16, prf string, preMaster, clientRandom, serverRandom []byte) []byte {
	if version == tlswire.VersionSSL30 {
		return ssl3Expand(preMaster, concat(clientRandom, serverRandom), MasterLen)
	}
	return PRF(version, prf, preMaster, "master secret", concat(clientRandom, serverRandom), MasterLen)
}

// ExtendedMasterSecret derives it from the transcript up to and including ClientKeyExchange (RFC 7627 section 4).
func ExtendedMasterSecret(version uint16, prf string, preMaster, sessionHash []byte) []byte {
	return PRF(version, prf, preMaster, "extended master secret", sessionHash, MasterLen)
}

// ClientFinished returns the verify data of a client's Finished, TLS 1.0 to 1.2 (RFC 5246 section 7.4.9). SSL 3.0 has
// [Transcript.FinishedSSL3], TLS 1.3 [Finished13].
func ClientFinished(version uint16, prf string, master, transcriptHash []byte) []byte {
	return PRF(version, prf, master, "client finished", transcriptHash, FinishedLen)
}

// ServerFinished is the server's; see [ClientFinished].
func ServerFinished(version uint16, prf string, master, transcriptHash []byte) []byte {
	return PRF(version, prf, master, "server finished", transcriptHash, FinishedLen)
}

// Keys is a key block taken apart.
type Keys struct{ ClientMAC, ServerMAC, ClientKey, ServerKey, ClientIV, ServerIV []byte }

// DeriveKeys expands the master secret for a suite, SSL 3.0 to TLS 1.2 (RFC 5246 section 6.3, RFC 6101 section 6.2.2).
func DeriveKeys(s *tlswire.Suite, version uint16, master, clientRandom, serverRandom []byte) Keys {
	iv := s.Cipher.FixedIV
	if s.Cipher.Kind == tlswire.KindCBC && version <= tlswire.VersionTLS10 {
		iv = s.Cipher.Block
	}
	mac, key := s.MACLen(), s.Cipher.Key
	block := keyBlock(version, s.PRF, master, concat(serverRandom, clientRandom), 2*(mac+key+iv))
	take := func(n int) []byte {
		v := block[:n:n]
		block = block[n:]
		return v
	}
	return Keys{ClientMAC: take(mac), ServerMAC: take(mac), ClientKey: take(key), ServerKey: take(key), ClientIV: take(iv), ServerIV: take(iv)}
}

func keyBlock(version uint16, prf string, master, seed []byte, n int) []byte {
	if version == tlswire.VersionSSL30 {
		return ssl3Expand(master, seed, n)
	}
	return PRF(version, prf, master, "key expansion", seed, n)
}

func concat(a, b []byte) []byte { return append(append(make([]byte, 0, len(a)+len(b)), a...), b...) }
