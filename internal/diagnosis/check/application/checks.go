// Package application holds the checks of what the application answers: authentication, redirects, limits, unknown hosts, clients that left.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: framing (http1, http2).
package application

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		ntlmConnectionShared, redirectLoop, rateLimited, hostUnknown, unavailable, clientGone,
	}
}
