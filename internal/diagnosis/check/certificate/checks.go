// Package certificate holds the checks of the server's certificates and trust.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: certificates of clients (session).
package certificate

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		differsBetweenNodes,
		clockSkew,
		expired,
		notYetValid,
		notPermitted,
		weak,
		wrongOrder,
		commonNameOnly,
		nameMismatch,
		selfSigned,
		chainIncomplete,
		unknownCA,
		keyTypeMismatch,
	}
}
