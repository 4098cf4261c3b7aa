package incident

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Meaning is what a failure without a finding means, and what to look at first. A stall that lasts is no timeout yet: what is said of it is
// what is seen; detail says for how long.
func Meaning(r reason.Code, stall bool, detail string) (means, look string) {
	info := reason.Lookup(r)
	if !stall {
		return info.Means, info.Check
	}
	phase, cause, _ := strings.Cut(string(r), ".")
	switch {
	case phase == "tls":
		means = "The TLS handshake stands still"
	case phase == "tcp" || phase == "dns":
		means = "The connection is not there yet"
	case phase == "write":
		means = "The origin takes nothing of the request"
	case strings.Contains(cause, "body"):
		means = "The origin's answer has begun and stands still"
	default:
		means = "The origin is silent while it is its turn"
	}
	if detail != "" {
		means += ", " + detail
	}
	return means + "; it may yet go on.", info.Check
}

// CureWarning says what settings that cure a failure cost, "" where they cost nothing.
func CureWarning(yaml string) string {
	var weak []string
	for _, w := range []string{"insecure_renegotiation: true", "profile: legacy", `min_version: "1.0"`, `min_version: "1.1"`, "verify: none", "verify: off"} {
		if strings.Contains(yaml, w) {
			weak = append(weak, w)
		}
	}
	if len(weak) == 0 {
		return ""
	}
	return "beware: " + strings.Join(weak, ", ") + " weakens TLS on the way to this origin; take it until the origin is mended, and no longer."
}
