// Package http2 holds the checks of HTTP/2 connections and streams.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: HTTP semantics (application).
package http2

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		http11RequiredCheck, inadequateSecurity, flowControlStall, goAwayRace, streamReset, noAnswer,
	}
}
