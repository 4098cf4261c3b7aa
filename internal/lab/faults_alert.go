package lab

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// alertFaults answer the ClientHello with a fatal alert, one fault for each number that TLS knows.
func alertFaults() []fault {
	var out []fault
	for n := range 256 {
		number := uint8(n)
		name := tlswire.AlertName(number)
		if number == tlswire.AlertCloseNotify || strings.HasPrefix(name, "alert_") {
			continue
		}
		out = append(out, alertFault("alert-"+strings.ReplaceAll(name, "_", "-"), number))
	}
	return out
}

func alertFault(name string, number uint8) fault {
	code, found := meaning(number)
	return fault{Fault: is(name, "answers the ClientHello with the fatal alert "+tlswire.AlertName(number), code, found),
		raw: afterHello(func(s *session) { s.alertInClear(tlswire.AlertFatal, number) })}
}

// meaning is what an alert says that comes before any ServerHello.
func meaning(number uint8) (reason.Code, finding.Code) {
	switch number {
	case tlswire.AlertHandshakeFailure: // byte for byte what a server without a common suite sends
		return reason.TLSNoCommonCipher, "tls.no_common_cipher"
	case tlswire.AlertInsufficientSecurity:
		return reason.TLSAlert, "tls.no_common_cipher"
	case tlswire.AlertProtocolVersion:
		return reason.TLSNoCommonVersion, "tls.no_common_version"
	case tlswire.AlertUnrecognizedName:
		return reason.TLSUnrecognizedName, "tls.sni_rejected"
	case tlswire.AlertNoApplicationProtocol:
		return reason.TLSALPNNone, "tls.alpn_mismatch"
	case tlswire.AlertCertificateRequired:
		return reason.TLSClientCertRequired, "tls.client_cert_required"
	}
	return reason.TLSAlert, "tls.handshake_alert"
}

func (s *session) alertInClear(level, number uint8) {
	alert := tlswire.AppendAlert(nil, tlswire.Alert{Level: level, Number: number})
	_, _ = s.nc.Write(tlswire.AppendRecord(nil, tlswire.TypeAlert, tlswire.VersionTLS12, alert))
}
