// Package session holds the checks of TLS after its handshake: renegotiation, client certificates, resumption, closing.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: the first handshake (handshake), certificates of
// the server (certificate).
package session

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		renegotiationBodyDeadlock(),
		renegotiationBodyTooLarge(),
		renegotiationOverHTTP2(),
		renegotiationForCipher(),
		ticketLostInRenegotiation(),
		helloRequestIgnored(),
		helloRequestRefused(),
		clientIdentityLost(),
		clientCertRequired(),
		clientCertRejected(),
		postHandshakeAuth(),
		issuerListTooLong(),
		revocationStall(),
		resumptionFailed(),
		keyUpdateStall(),
		recordsCorrupted(),
		noCloseNotify(),
		handshakeAlert(),
	}
}
