package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Explain says in words why rules decided as w records: the rules that scored, what they matched, and the narrowest
// exclusion, as YAML of our configuration, that would let the same request pass. path is the request's path as received.
func Explain(w *exchange.WAF, path string) string {
	var b strings.Builder
	headline(&b, w)
	rules := scoring(w)
	for _, m := range rules {
		writeMatch(&b, m)
	}
	for _, m := range w.Matches {
		if m.ID == 0 {
			fmt.Fprintf(&b, "\n  note       %s\n", m.Message)
		}
	}
	writeExclusions(&b, w, rules, path)
	return b.String()
}

func headline(b *strings.Builder, w *exchange.WAF) {
	where := strings.ReplaceAll(w.Phase, "_", " ")
	if where != "" {
		where = " at the " + where
	}
	alone := w.Score < w.Threshold
	switch {
	case w.Verdict == VerdictBlock && alone:
		fmt.Fprintf(b, "Blocked%s, not by the score (%d, blocked from %d) but by what stands below.\n", where, w.Score, w.Threshold)
	case w.Verdict == VerdictDetect && alone:
		fmt.Fprintf(b, "Would have been blocked%s (mode detect), not by the score (%d, blocked from %d) but by what stands below.\n", where, w.Score, w.Threshold)
	case w.Verdict == VerdictBlock:
		fmt.Fprintf(b, "Blocked%s: score %d, blocked from %d.\n", where, w.Score, w.Threshold)
	case w.Verdict == VerdictDetect:
		fmt.Fprintf(b, "Would have been blocked%s (mode detect): score %d, blocked from %d.\n", where, w.Score, w.Threshold)
	case w.Verdict == VerdictError:
		fmt.Fprintf(b, "Rules failed%s; what they had found until then: score %d, blocked from %d.\n", where, w.Score, w.Threshold)
	case w.Verdict == VerdictPass:
		fmt.Fprintf(b, "Passed: score %d, blocked from %d.\n", w.Score, w.Threshold)
	default:
		b.WriteString("No rules looked at this request.\n")
	}
}

// scoring returns the matches that added points or, where none did, the rules that decided by themselves.
func scoring(w *exchange.WAF) []exchange.Match {
	var out, others []exchange.Match
	for _, m := range w.Matches {
		switch {
		case m.Score > 0:
			out = append(out, m)
		case m.ID != 0:
			others = append(others, m)
		}
	}
	if len(out) == 0 {
		return others
	}
	return out
}

func writeMatch(b *strings.Builder, m exchange.Match) {
	fmt.Fprintf(b, "\n  rule %-7d %s\n", m.ID, m.Message)
	if m.Score > 0 {
		fmt.Fprintf(b, "    points     %d (%s)\n", m.Score, m.Severity)
	}
	if m.Target != "" {
		fmt.Fprintf(b, "    where      %s\n", m.Target)
	}
	if m.Part != "" {
		fmt.Fprintf(b, "    matched    %s\n", strconv.Quote(m.Part))
	}
}

// writeExclusions proposes what takes the fewest points' worth of rules out: those with the most points first, until the
// rest stays below the threshold.
func writeExclusions(b *strings.Builder, w *exchange.WAF, rules []exchange.Match, path string) {
	if w.Verdict != VerdictBlock && w.Verdict != VerdictDetect || len(rules) == 0 {
		return
	}
	order := slices.Clone(rules)
	slices.SortStableFunc(order, func(x, y exchange.Match) int { return y.Score - x.Score })
	left := 0
	for _, m := range order {
		left += m.Score
	}
	path, exact := plainPath(path)
	b.WriteString("\nIf this request is harmless, the narrowest exclusion is:\n\nwaf:\n  exclusions:\n")
	for _, m := range order {
		if m.Score > 0 && left < w.Threshold {
			break
		}
		left -= m.Score
		fmt.Fprintf(b, "    - {rule: %d", m.ID)
		if t := excludable(m.Target); t != "" {
			fmt.Fprintf(b, ", target: %s", strconv.Quote(t))
		}
		if path != "" {
			fmt.Fprintf(b, ", path: %s", strconv.Quote(path))
		}
		b.WriteString("}\n")
	}
	switch {
	case path == "":
		b.WriteString("\nIt holds for every path: the path of this request has dot segments or a backslash, and exclusions by path never apply to such.\n")
	case !exact:
		b.WriteString("\nThe path holds characters that an exclusion cannot name; the part before them stands there as a prefix.\n")
	}
	if unreadable(rules) {
		b.WriteString("\nRules could not read this request. With the exclusion it reaches the origin without having been inspected: rather mend the client.\n")
	}
	b.WriteString("\nCheck first that it is harmless: what the exclusion lets pass reaches the origin.\n")
}

// unreadable reports whether a rule decided because the request cannot be read.
func unreadable(rules []exchange.Match) bool {
	return slices.ContainsFunc(rules, func(m exchange.Match) bool {
		return m.Target == "REQBODY_ERROR" || m.Target == "MULTIPART_STRICT_ERROR" || m.Target == "ARGUMENTS_LIMIT_REACHED"
	})
}

// excludable returns the target as an exclusion may name it, "" for the whole rule: a name with characters of SecLang's own
// is given up, a variable that is the rules' own never says anything.
func excludable(target string) string {
	name, key, _ := strings.Cut(target, ":")
	if name == "" || name == "TX" || name == "UNKNOWN" || strings.HasPrefix(name, "MATCHED_VAR") {
		return ""
	}
	if strings.ContainsAny(key, "\"'`,;|!&\\ \t\r\n") || strings.HasPrefix(key, "/") && name != "XML" {
		return name
	}
	return target
}

// plainPath decodes a path as exclusions are compared. Where it holds what cannot be named, exact is false and the
// result is the prefix before it. It is "" for a path to which no exclusion by path applies.
func plainPath(path string) (plain string, exact bool) {
	var b strings.Builder
	exact = true
	for i := 0; i < len(path); i++ {
		c := path[i]
		if v, err := strconv.ParseUint(path[min(i+1, len(path)):min(i+3, len(path))], 16, 8); c == '%' && err == nil && i+2 < len(path) {
			c, i = byte(v), i+2
		}
		if c == '\\' {
			return "", false
		}
		if exact && (c < ' ' || c == 0x7f || strings.IndexByte("\"'`%*", c) >= 0) {
			plain, exact = b.String()+"*", false
		}
		b.WriteByte(c)
	}
	decoded := b.String()
	for seg := range strings.SplitSeq(decoded, "/") {
		if seg == "." || seg == ".." {
			return "", false
		}
	}
	if exact {
		plain = decoded
	}
	return plain, exact
}
