package tlswire

import (
	"sort"
	"strconv"
)

// VersionName returns "TLS 1.2" and the like, "TLS 1.3 (draft 28)" for a draft, "GREASE"; unknown numbers as hex.
func VersionName(v uint16) string {
	switch v {
	case VersionSSL20, 0x0200:
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
	case 0xfeff:
		return "DTLS 1.0"
	case 0xfefd:
		return "DTLS 1.2"
	case 0xfefc:
		return "DTLS 1.3"
	}
	switch {
	case v>>8 == 0x7f:
		return "TLS 1.3 (draft " + strconv.Itoa(int(v&0xff)) + ")"
	case GREASE(v):
		return grease
	}
	return hex16(v)
}

const hexDigits = "0123456789abcdef"

func hex16(v uint16) string {
	return string([]byte{'0', 'x', hexDigits[v>>12], hexDigits[v>>8&15], hexDigits[v>>4&15], hexDigits[v&15]})
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

// MessageName returns the handshake message's name in snake case, "message_n" for an unknown one.
func MessageName(t uint8) string {
	for i := range messageNames {
		if messageNames[i].n == t {
			return messageNames[i].name
		}
	}
	return "message_" + strconv.Itoa(int(t))
}

var messageNames = [...]struct {
	n    uint8
	name string
}{
	{MsgHelloRequest, "hello_request"}, {MsgClientHello, "client_hello"}, {MsgServerHello, "server_hello"},
	{MsgHelloVerifyRequest, "hello_verify_request"}, {MsgNewSessionTicket, "new_session_ticket"},
	{MsgEndOfEarlyData, "end_of_early_data"}, {MsgHelloRetryRequest, "hello_retry_request"},
	{MsgEncryptedExtensions, "encrypted_extensions"}, {MsgRequestConnectionID, "request_connection_id"},
	{MsgNewConnectionID, "new_connection_id"}, {MsgCertificate, "certificate"}, {MsgServerKeyExchange, "server_key_exchange"},
	{MsgCertificateRequest, "certificate_request"}, {MsgServerHelloDone, "server_hello_done"},
	{MsgCertificateVerify, "certificate_verify"}, {MsgClientKeyExchange, "client_key_exchange"},
	{MsgClientCertificateRequest, "client_certificate_request"}, {MsgFinished, "finished"},
	{MsgCertificateURL, "certificate_url"}, {MsgCertificateStatus, "certificate_status"},
	{MsgSupplementalData, "supplemental_data"}, {MsgKeyUpdate, "key_update"},
	{MsgCompressedCertificate, "compressed_certificate"}, {MsgEKTKey, "ekt_key"}, {MsgNextProtocol, "next_protocol"},
	{MsgChannelID, "channel_id"}, {MsgMessageHash, "message_hash"},
}

// GREASE reports whether v is one of the values that clients send so that servers learn to ignore unknown ones (RFC 8701).
func GREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// name is a number of an IANA registry and what it is called there.
type name struct {
	n    uint16
	name string
}

// nameIn finds v in a table in order of number: "GREASE" for those values, hex for what is not there.
func nameIn(table []name, v uint16) string {
	i := sort.Search(len(table), func(i int) bool { return table[i].n >= v })
	switch {
	case i < len(table) && table[i].n == v:
		return table[i].name
	case GREASE(v):
		return grease
	}
	return hex16(v)
}

const grease = "GREASE"
