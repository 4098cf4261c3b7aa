package app

import (
	"fmt"
	"strings"

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
	fmt.Fprintf(&b, "No rule blocked this request: %s ended it before rules looked at it.\n\n", code)
	fmt.Fprintf(&b, "What it means  %s\n", info.Means)
	if rec.Detail != "" {
		fmt.Fprintf(&b, "Detail         %s\n", strings.Trim(fmt.Sprintf("%+q", rec.Detail), `"`))
	}
	fmt.Fprintf(&b, "Check first    %s\n", info.Check)
	return b.String()
}
