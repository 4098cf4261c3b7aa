package tlswire

// SealedLen is the payload length of a record that protects n bytes under suite with the least padding.
// etm says that encrypt-then-MAC was agreed (extension 22 in the ServerHello).
func SealedLen(s *Suite, version uint16, etm bool, n int) int {
	c := &s.Cipher
	switch {
	case version >= VersionTLS13:
		return n + 1 + c.Tag
	case c.Kind == KindAEAD:
		return c.Explicit + n + c.Tag
	case c.Kind == KindStream:
		return n + s.MACLen()
	}
	iv := 0
	if version >= VersionTLS11 {
		iv = c.Block
	}
	if etm {
		return iv + pad(n+1, c.Block) + s.MACLen()
	}
	return iv + pad(n+s.MACLen()+1, c.Block)
}

func pad(n, block int) int { return (n + block - 1) / block * block }

// LooksLikeHelloRequest tells, without any key, whether an encrypted handshake record of the server can be a HelloRequest:
// the message is 4 bytes long, which fixes the record's length under each suite up to TLS 1.2. Random padding (some peers add
// it to CBC) breaks the length, never the rule that such a record after the handshake begins a renegotiation.
// For an unknown suite it answers false.
func LooksLikeHelloRequest(suite, version uint16, etm bool, length int) bool {
	s, ok := SuiteByID(suite)
	return ok && version < VersionTLS13 && length == SealedLen(&s, version, etm, MessageHeaderLen)
}

// LooksLikeAlert is the same for the two bytes of an encrypted alert.
func LooksLikeAlert(suite, version uint16, etm bool, length int) bool {
	s, ok := SuiteByID(suite)
	return ok && length == SealedLen(&s, version, etm, 2)
}
