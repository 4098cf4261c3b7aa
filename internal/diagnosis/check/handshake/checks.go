// Package handshake holds the checks of the TLS handshake: versions, suites, groups, names, protocols.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: certificates of the server (certificate), what comes after the handshake (session).
package handshake

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		tlsToPlainPort,
		plainHTTPOnTLSPort,
		largeClientHelloDropped,
		versionIntolerant,
		noCommonVersion,
		sniMissing,
		sniRejected,
		alpnMismatch,
		noCommonGroup,
		noCommonCipher,
		weakDH,
		weakSignature,
		noSecureRenegotiation,
		misdirectedRequest,
		silentAfterHello,
		handshakeStalled,
		closedAfterHello,
	}
}
