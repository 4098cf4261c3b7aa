// Package tcp holds the checks of TCP and of waiting for a connection: refused, dropped, reset, stalled, exhausted.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: what TLS says (handshake).
package tcp

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		poolExhausted, portsExhausted, asymmetricPath, refused, acceptQueueOverflow, synDropped, resetAfterAccept, oneRequestPerConnection, keepAliveRace, halfOpen,
		mtuBlackHole, zeroWindow, packetLoss,
	}
}
