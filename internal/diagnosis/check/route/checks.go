// Package route holds the checks of the way between the client and the origin: timers, limits, middleboxes, settings of the proxy.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: the origin itself.
package route

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		tlsInspected, sniReset, resetInjected, requestRewritten, bodyTooLarge, timerInversion, retryAmplification, healthCheckBlind, logRefuted,
	}
}
