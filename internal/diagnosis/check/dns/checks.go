// Package dns holds the checks of how the origin's name is looked up.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: the connection that follows (tcp).
package dns

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		nameNotFound, resolverFailing, staleAddress, pointsAtProxy, ipv6PathBroken,
	}
}
