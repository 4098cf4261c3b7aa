package tlswire

import "strconv"

// Alert levels.
const (
	AlertWarning uint8 = 1
	AlertFatal   uint8 = 2
)

// Alert numbers (RFC 5246 section 7.2, RFC 8446 section 6, RFC 6066, RFC 7301).
const (
	AlertCloseNotify            uint8 = 0
	AlertUnexpectedMessage      uint8 = 10
	AlertBadRecordMAC           uint8 = 20
	AlertRecordOverflow         uint8 = 22
	AlertHandshakeFailure       uint8 = 40
	AlertNoCertificate          uint8 = 41
	AlertBadCertificate         uint8 = 42
	AlertUnsupportedCertificate uint8 = 43
	AlertCertificateRevoked     uint8 = 44
	AlertCertificateExpired     uint8 = 45
	AlertCertificateUnknown     uint8 = 46
	AlertIllegalParameter       uint8 = 47
	AlertUnknownCA              uint8 = 48
	AlertAccessDenied           uint8 = 49
	AlertDecodeError            uint8 = 50
	AlertDecryptError           uint8 = 51
	AlertProtocolVersion        uint8 = 70
	AlertInsufficientSecurity   uint8 = 71
	AlertInternalError          uint8 = 80
	AlertInappropriateFallback  uint8 = 86
	AlertUserCanceled           uint8 = 90
	AlertNoRenegotiation        uint8 = 100
	AlertMissingExtension       uint8 = 109
	AlertUnsupportedExtension   uint8 = 110
	AlertUnrecognizedName       uint8 = 112
	AlertBadStatusResponse      uint8 = 113
	AlertUnknownPSKIdentity     uint8 = 115
	AlertCertificateRequired    uint8 = 116
	AlertNoApplicationProtocol  uint8 = 120
	AlertECHRequired            uint8 = 121
)

// Alert is an alert in clear.
type Alert struct {
	Level  uint8
	Number uint8
}

// ParseAlert reads the payload of an alert record in clear; ok is false for an encrypted one (its length is not 2).
func ParseAlert(payload []byte) (a Alert, ok bool) {
	if len(payload) != 2 {
		return Alert{}, false
	}
	return Alert{payload[0], payload[1]}, true
}

// AppendAlert appends the two bytes.
func AppendAlert(dst []byte, a Alert) []byte { return append(dst, a.Level, a.Number) }

// AlertName returns the name of alert n as the RFCs spell it, "alert_n" for an unknown one.
func AlertName(n uint8) string {
	for i := range alertNames {
		if alertNames[i].n == n {
			return alertNames[i].name
		}
	}
	return "alert_" + strconv.Itoa(int(n))
}

var alertNames = [...]struct {
	n    uint8
	name string
}{
	{AlertCloseNotify, "close_notify"}, {AlertUnexpectedMessage, "unexpected_message"}, {AlertBadRecordMAC, "bad_record_mac"},
	{21, "decryption_failed"}, {AlertRecordOverflow, "record_overflow"}, {30, "decompression_failure"},
	{AlertHandshakeFailure, "handshake_failure"}, {AlertNoCertificate, "no_certificate"}, {AlertBadCertificate, "bad_certificate"},
	{AlertUnsupportedCertificate, "unsupported_certificate"}, {AlertCertificateRevoked, "certificate_revoked"},
	{AlertCertificateExpired, "certificate_expired"}, {AlertCertificateUnknown, "certificate_unknown"},
	{AlertIllegalParameter, "illegal_parameter"}, {AlertUnknownCA, "unknown_ca"}, {AlertAccessDenied, "access_denied"},
	{AlertDecodeError, "decode_error"}, {AlertDecryptError, "decrypt_error"}, {52, "too_many_cids_requested"}, {60, "export_restriction"},
	{AlertProtocolVersion, "protocol_version"}, {AlertInsufficientSecurity, "insufficient_security"},
	{AlertInternalError, "internal_error"}, {AlertInappropriateFallback, "inappropriate_fallback"}, {AlertUserCanceled, "user_canceled"},
	{AlertNoRenegotiation, "no_renegotiation"}, {AlertMissingExtension, "missing_extension"},
	{AlertUnsupportedExtension, "unsupported_extension"}, {111, "certificate_unobtainable"},
	{AlertUnrecognizedName, "unrecognized_name"}, {AlertBadStatusResponse, "bad_certificate_status_response"},
	{114, "bad_certificate_hash_value"}, {AlertUnknownPSKIdentity, "unknown_psk_identity"},
	{AlertCertificateRequired, "certificate_required"}, {117, "general_error"}, {AlertNoApplicationProtocol, "no_application_protocol"},
	{AlertECHRequired, "ech_required"},
}
