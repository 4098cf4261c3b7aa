// Package tlswire holds TLS records and handshake messages as data, both ways: parse and append.
//
// Input: bytes as they were on the wire, in slices of any size. Output: [Record] headers from a [RecordScanner],
// handshake [Message] values from a [MessageScanner], typed messages ([ClientHello], [ServerHello], …), names for numbers, and
// the fingerprints JA3, JA3S and JA4.
// Promises: no I/O, no clocks, no goroutines; every length is checked before it is used; splitting the input never changes
// the result; a scanner allocates nothing per record. What a parser returns aliases its input, strings apart; a message that is
// malformed is a [*ParseError] that names the field.
// Non-goals: secrets (tlscrypt), trust in certificates, SSL 2.0 but for the hello that offers more.
package tlswire

import (
	"errors"
	"fmt"
)

// Record content types (RFC 8446 section 5.1, RFC 6520).
const (
	TypeChangeCipherSpec uint8 = 20
	TypeAlert            uint8 = 21
	TypeHandshake        uint8 = 22
	TypeApplicationData  uint8 = 23
	TypeHeartbeat        uint8 = 24
)

// Handshake message types (RFC 5246 section 7.4, RFC 8446 section 4). Numbers without an RFC beside them are theirs.
const (
	MsgHelloRequest             uint8 = 0
	MsgClientHello              uint8 = 1
	MsgServerHello              uint8 = 2
	MsgHelloVerifyRequest       uint8 = 3 // RFC 6347
	MsgNewSessionTicket         uint8 = 4 // RFC 5077, RFC 8446
	MsgEndOfEarlyData           uint8 = 5
	MsgHelloRetryRequest        uint8 = 6 // drafts of TLS 1.3; the RFC sends a ServerHello, see ServerHello.HelloRetry
	MsgEncryptedExtensions      uint8 = 8
	MsgRequestConnectionID      uint8 = 9  // RFC 9147
	MsgNewConnectionID          uint8 = 10 // RFC 9147
	MsgCertificate              uint8 = 11
	MsgServerKeyExchange        uint8 = 12
	MsgCertificateRequest       uint8 = 13
	MsgServerHelloDone          uint8 = 14
	MsgCertificateVerify        uint8 = 15
	MsgClientKeyExchange        uint8 = 16
	MsgClientCertificateRequest uint8 = 17 // RFC 9261
	MsgFinished                 uint8 = 20
	MsgCertificateURL           uint8 = 21 // RFC 6066
	MsgCertificateStatus        uint8 = 22 // RFC 6066
	MsgSupplementalData         uint8 = 23 // RFC 4680
	MsgKeyUpdate                uint8 = 24
	MsgCompressedCertificate    uint8 = 25  // RFC 8879
	MsgEKTKey                   uint8 = 26  // RFC 8870
	MsgNextProtocol             uint8 = 67  // NPN, a draft
	MsgChannelID                uint8 = 203 // a draft
	MsgMessageHash              uint8 = 254 // only in a transcript
)

// Protocol versions.
const (
	VersionSSL20 uint16 = 0x0002
	VersionSSL30 uint16 = 0x0300
	VersionTLS10 uint16 = 0x0301
	VersionTLS11 uint16 = 0x0302
	VersionTLS12 uint16 = 0x0303
	VersionTLS13 uint16 = 0x0304
)

// Sizes in bytes.
const (
	RecordHeaderLen  = 5
	MaxPlaintext     = 1 << 14             // RFC 5246 section 6.2.1
	MaxRecordPayload = MaxPlaintext + 2048 // RFC 5246 section 6.2.3
	MessageHeaderLen = 4                   // type and 24-bit length
	MaxHello         = 64 << 10            // the longest ClientHello that PeekClientHello waits for
	MaxMessage       = 128 << 10           // the longest handshake message that a MessageScanner keeps whole
)

// ErrShort says that the bytes so far are a good beginning and more are needed.
var ErrShort = errors.New("read tls message: more bytes needed")

// ErrNotTLS says that the bytes are no TLS record at all.
var ErrNotTLS = errors.New("read tls record: not a tls record")

// ParseError says which field of which message is malformed.
type ParseError struct {
	Message string // "client hello"
	Field   string // "cipher suites"
}

func (e *ParseError) Error() string { return fmt.Sprintf("parse %s: bad %s", e.Message, e.Field) }
