package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// unruled says why a request ended that the rules never looked at: what its reason means, the detail, and what to check.
func unruled(rec *telemetry.Record) string {
	code := reason.Code(rec.Reason)
	if !reason.Known(code) {
		return "The rules did not look at this request, and nothing else ended it: it was answered as above.\n"
	}
	info := reason.Lookup(code)
	var b strings.Builder
	if rec.WAF == nil {
		fmt.Fprintf(&b, "No rule blocked this request: %s ended it before rules looked at it.\n\n", code)
	} else {
		fmt.Fprintf(&b, "No rule blocked this request: %s ended it, whatever rules say of it.\n\n", code)
	}
	if method, ok := strings.CutPrefix(rec.Detail, "method "); ok && code == reason.ClientBadRequest {
		info.Means = "The method is none that the site lets pass."
		info.Check = "If the application needs it, add it to methods of the site: " + strconv.Quote(method) + "; the list replaces the default, so name the others as well."
		if slices.Contains([]string{"CONNECT", "TRACE", "TRACK", "PRI"}, method) {
			info.Check = "Nothing: no site lets this method pass."
		}
	}
	fmt.Fprintf(&b, "What it means  %s\n", info.Means)
	if rec.Detail != "" {
		fmt.Fprintf(&b, "Detail         %s\n", strings.Trim(fmt.Sprintf("%+q", rec.Detail), `"`))
	}
	fmt.Fprintf(&b, "Check first    %s\n", info.Check)
	if rec.WAF != nil && len(rec.WAF.Rules) > 0 {
		fmt.Fprintf(&b, "\nRules looked at what of it could be read. Score %d, threshold %d:\n", rec.WAF.Score, rec.WAF.Threshold)
		for _, m := range rec.WAF.Rules {
			fmt.Fprintf(&b, "  %d  %s: %s\n", m.ID, policy.Printable(m.Target), policy.Printable(m.Message))
		}
	}
	return b.String()
}

// refused reports whether rec is of a request that was refused for its form or by its site: rules only looked on, see exchange.Exchange.Refused.
func refused(rec *telemetry.Record) bool {
	code := reason.Code(rec.Reason)
	return len(rec.Attempts) == 0 && (code == reason.ClientBadRequest || code == reason.ClientPathRefused || strings.HasPrefix(rec.Reason, "http1."))
}
