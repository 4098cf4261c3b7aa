// Package diagnosis lists the checks and asks them all about a case.
//
// Input: a case of facts. Output: what the checks say. Promises: those of package check; the list is a literal slice.
// Non-goals: words and drawings (explain), gathering (evidence).
package diagnosis

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/application"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/certificate"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/dns"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/handshake"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/http1"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/http2"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/route"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/session"
	"github.com/lunette-waf/lunette/internal/diagnosis/check/tcp"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Checks are all checks, in the order in which a connection meets their causes.
func Checks() []check.Check {
	return slices.Concat(dns.Checks(), tcp.Checks(), handshake.Checks(), certificate.Checks(), session.Checks(),
		http1.Checks(), http2.Checks(), application.Checks(), route.Checks())
}

// Named is the check with this code.
func Named(code finding.Code) (check.Check, bool) {
	for _, k := range Checks() {
		if k.Code == code {
			return k, true
		}
	}
	return check.Check{}, false
}

// Run asks all checks about c.
func Run(c *check.Case) check.Result { return check.Run(Checks(), c) }
