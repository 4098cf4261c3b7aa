package tlswire

import "strconv"

// VersionName returns "TLS 1.2" and the like; unknown numbers as hex.
func VersionName(v uint16) string {
	switch v {
	case 0x0002:
		return "SSL 2.0"
	case VersionSSL30:
		return "SSL 3.0"
	case VersionTLS10:
		return "TLS 1.0"
	case VersionTLS11:
		return "TLS 1.1"
	case VersionTLS12:
		return "TLS 1.2"
	case VersionTLS13:
		return "TLS 1.3"
	}
	return hex16(v)
}

func hex16(v uint16) string {
	const digits = "0123456789abcdef"
	return string([]byte{'0', 'x', digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15]})
}

// RecordTypeName returns the content type's name (RFC 8446 section 5.1).
func RecordTypeName(t uint8) string {
	switch t {
	case TypeChangeCipherSpec:
		return "change_cipher_spec"
	case TypeAlert:
		return "alert"
	case TypeHandshake:
		return "handshake"
	case TypeApplicationData:
		return "application_data"
	case TypeHeartbeat:
		return "heartbeat"
	}
	return "record_" + strconv.Itoa(int(t))
}

// MessageName returns the handshake message's name.
func MessageName(t uint8) string {
	switch t {
	case MsgHelloRequest:
		return "hello_request"
	case MsgClientHello:
		return "client_hello"
	case MsgServerHello:
		return "server_hello"
	case MsgNewSessionTicket:
		return "new_session_ticket"
	case MsgEndOfEarlyData:
		return "end_of_early_data"
	case MsgEncryptedExtensions:
		return "encrypted_extensions"
	case MsgCertificate:
		return "certificate"
	case MsgServerKeyExchange:
		return "server_key_exchange"
	case MsgCertificateRequest:
		return "certificate_request"
	case MsgServerHelloDone:
		return "server_hello_done"
	case MsgCertificateVerify:
		return "certificate_verify"
	case MsgClientKeyExchange:
		return "client_key_exchange"
	case MsgFinished:
		return "finished"
	case MsgCertificateStatus:
		return "certificate_status"
	case MsgKeyUpdate:
		return "key_update"
	}
	return "message_" + strconv.Itoa(int(t))
}

// GroupName returns the name of a named group (RFC 8422, RFC 7919, and the hybrid groups).
func GroupName(g uint16) string {
	switch g {
	case 21:
		return "P-224"
	case 22:
		return "secp256k1"
	case 23:
		return "P-256"
	case 24:
		return "P-384"
	case 25:
		return "P-521"
	case 29:
		return "X25519"
	case 30:
		return "X448"
	case 0x100, 0x101, 0x102, 0x103, 0x104:
		return [...]string{"ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"}[g-0x100]
	case 0x11eb:
		return "SecP256r1MLKEM768"
	case 0x11ec:
		return "X25519MLKEM768"
	case 0x11ed:
		return "SecP384r1MLKEM1024"
	}
	return hex16(g)
}

// ExtensionName returns the name of an extension that this package understands, else its number.
func ExtensionName(t uint16) string {
	switch t {
	case ExtServerName:
		return "server_name"
	case ExtStatusRequest:
		return "status_request"
	case ExtSupportedGroups:
		return "supported_groups"
	case ExtPointFormats:
		return "ec_point_formats"
	case ExtSignatureAlgorithms:
		return "signature_algorithms"
	case ExtALPN:
		return "application_layer_protocol_negotiation"
	case ExtEncryptThenMAC:
		return "encrypt_then_mac"
	case ExtExtendedMasterSecret:
		return "extended_master_secret"
	case ExtSessionTicket:
		return "session_ticket"
	case ExtPreSharedKey:
		return "pre_shared_key"
	case ExtEarlyData:
		return "early_data"
	case ExtSupportedVersions:
		return "supported_versions"
	case ExtCookie:
		return "cookie"
	case ExtPostHandshakeAuth:
		return "post_handshake_auth"
	case ExtKeyShare:
		return "key_share"
	case ExtEncryptedClientHello:
		return "encrypted_client_hello"
	case ExtRenegotiationInfo:
		return "renegotiation_info"
	}
	return strconv.Itoa(int(t))
}
