package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Explained names the request that is explained.
type Explained struct {
	Path  string // as received
	Site  string // first name of its site; "" unknown
	Route string // path of its route; "" the site itself
	Key   string // of that site or route in the configuration, such as sites[1].routes[0]; "" unknown
}

// Explain says in words why rules decided as w records: what decided first, the rules that scored, what they matched, and what to do if the
// request is harmless: the narrowest exclusion, as YAML of our configuration, the setting that bounds it, or the user's own rule, and where it stands.
// Whatever in it comes from the request is free of control characters.
func Explain(w *exchange.WAF, r Explained) string {
	var b strings.Builder
	v := judge(w)
	v.headline(&b)
	for _, m := range v.rules {
		writeMatch(&b, m)
	}
	for _, m := range w.Matches {
		if m.ID == 0 {
			fmt.Fprintf(&b, "\n  note       %s\n", Printable(m.Message))
		}
	}
	v.propose(&b, r)
	return b.String()
}

// Printable returns s as it may be shown on a terminal: unchanged, or escaped as in Go where it holds anything that does not print.
func Printable(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// unprintable also holds for what is no UTF-8.
func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// verdict is a record, sorted by what counted.
type verdict struct {
	*exchange.WAF
	rules   []exchange.Match // the one that decided by itself, if one did, and those that added points
	decided *exchange.Match  // the rule that decided by itself; nil where the score or a note did
	note    bool             // no rule decided but a limit, which stands among the notes
}

// judge finds out what decided. The engine puts a rule that decides by itself first.
func judge(w *exchange.WAF) *verdict {
	v := &verdict{WAF: w}
	scored := false
	for i := range w.Matches {
		m := &w.Matches[i]
		switch {
		case isEvaluation(m):
			scored = true
		case m.ID == 0:
			v.note = v.note || strings.HasPrefix(m.Message, string(reason.LimitBodyTooBig))
		case m.Score > 0 || (w.Verdict == VerdictPass || w.Verdict == VerdictError) && !keepsBooks(m.ID):
			v.rules = append(v.rules, *m)
		}
	}
	if scored || v.note || w.Verdict != VerdictBlock && w.Verdict != VerdictDetect || w.Score >= w.Threshold && len(w.Matches) >= many {
		return v
	}
	for i := range w.Matches {
		if m := &w.Matches[i]; m.ID != 0 {
			v.decided = m
			v.rules = slices.DeleteFunc(v.rules, func(o exchange.Match) bool { return o.ID == m.ID })
			v.rules = slices.Insert(v.rules, 0, *m)
			break
		}
	}
	return v
}

// many is how many matches a record holds at most; the one that compares the score comes last.
const many = 64

// isEvaluation reports whether m is a rule that compares the score with the threshold.
func isEvaluation(m *exchange.Match) bool {
	return m.ID != 0 && strings.HasPrefix(m.Target, "TX:") && strings.Contains(m.Target, "anomaly_score")
}

// keepsBooks reports whether rule id of the Core Rule Set only compares or reports scores.
func keepsBooks(id int) bool { return id/1000 == 949 || id/1000 == 959 || id/1000 == 980 }

// own reports whether m is of a rule that the user wrote: by where it stands, or, where that is not known, by the ids that are taken.
func own(m *exchange.Match) bool {
	if m.File != "" {
		return !strings.HasPrefix(m.File, "@owasp_crs/")
	}
	return m.ID > 0 && (m.ID < 200_000 || m.ID > 200_099) && (m.ID < 900_000 || m.ID > 999_999) && m.ID < 40_000_000
}

// place says where m's rule stands, "" unknown.
func place(m *exchange.Match) string {
	if m.File == "" || m.Line <= 0 {
		return ""
	}
	return Printable(m.File) + ":" + strconv.Itoa(m.Line)
}

func (v *verdict) headline(b *strings.Builder) {
	where := strings.ReplaceAll(v.Phase, "_", " ")
	if where != "" {
		where = " at the " + where
	}
	did := "Blocked"
	if v.Verdict == VerdictDetect {
		did, where = "Would have been blocked", where+" (mode detect)"
	}
	switch v.Verdict {
	case VerdictBlock, VerdictDetect:
		switch {
		case v.decided != nil:
			fmt.Fprintf(b, "%s%s by rule %d alone, whatever the score (%d, blocked from %d).\n", did, where, v.decided.ID, v.Score, v.Threshold)
		case v.note || v.Score < v.Threshold:
			fmt.Fprintf(b, "%s%s, not by the score (%d, blocked from %d) but by what the note below says.\n", did, where, v.Score, v.Threshold)
		default:
			fmt.Fprintf(b, "%s%s: score %d, blocked from %d.\n", did, where, v.Score, v.Threshold)
		}
	case VerdictError:
		fmt.Fprintf(b, "Rules failed%s; what they had found until then: score %d, blocked from %d.\n", where, v.Score, v.Threshold)
	case VerdictPass:
		fmt.Fprintf(b, "Passed: score %d, blocked from %d.\n", v.Score, v.Threshold)
	default:
		b.WriteString("No rules looked at this request.\n")
	}
}

func writeMatch(b *strings.Builder, m exchange.Match) {
	fmt.Fprintf(b, "\n  rule %-7d %s\n", m.ID, Printable(m.Message))
	if p := place(&m); p != "" && own(&m) {
		fmt.Fprintf(b, "    your rule  %s\n", p)
	}
	if m.Score > 0 {
		fmt.Fprintf(b, "    points     %d (%s)\n", m.Score, Printable(m.Severity))
	}
	if m.Target != "" {
		fmt.Fprintf(b, "    where      %s", Printable(m.Target))
		if strings.HasPrefix(m.Target, "&") {
			b.WriteString(" (how many there are)")
		}
		b.WriteByte('\n')
	}
	if m.Part != "" {
		fmt.Fprintf(b, "    matched    %s\n", strconv.Quote(m.Part))
	}
	if m.Data != "" && m.Data != m.Part {
		fmt.Fprintf(b, "    says       %s\n", Printable(m.Data))
	}
}
