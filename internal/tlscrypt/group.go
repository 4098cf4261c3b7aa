package tlscrypt

import "crypto/ecdh"

// Curve returns the curve of a named group (RFC 8422), nil when it is not spoken here.
func Curve(group uint16) ecdh.Curve {
	switch group {
	case 23:
		return ecdh.P256()
	case 24:
		return ecdh.P384()
	case 25:
		return ecdh.P521()
	case 29:
		return ecdh.X25519()
	}
	return nil
}
