package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Rules by which an engine refuses what it cannot read.
const (
	idUnparsable = 200002
	idMultipart  = 200003
	idTooMany    = 200007
)

// propose says what to do if the request is harmless: see advise, else it writes the exclusion that takes the fewest points' worth of rules out:
// the rule that decided by itself, then those with the most points, until the rest stays below the threshold.
func (v *verdict) propose(b *strings.Builder, r Explained) {
	if v.advise(b, r) || v.Verdict != VerdictBlock && v.Verdict != VerdictDetect || len(v.rules) == 0 {
		return
	}
	order := slices.Clone(v.rules)
	slices.SortStableFunc(order, func(x, y exchange.Match) int { return y.Score - x.Score })
	d := v.decided
	if d != nil {
		order = slices.DeleteFunc(order, func(m exchange.Match) bool { return m.ID == d.ID })
	}
	left := 0
	for _, m := range order {
		left += m.Score
	}
	switch {
	case d != nil && own(d):
		writeOwn(b, d)
		if left < v.Threshold {
			return
		}
		fmt.Fprintf(b, "\nThe score would block it all the same. The narrowest exclusion%s is:\n\nwaf:\n  exclusions:\n", at(r))
	default:
		fmt.Fprintf(b, "\nIf this request is harmless, the narrowest exclusion%s is:\n\nwaf:\n  exclusions:\n", at(r))
	}
	path, exact := plainPath(r.Path)
	if d != nil && !own(d) {
		writeExclusion(b, *d, path)
	}
	for _, m := range order {
		if left < v.Threshold {
			break
		}
		left -= m.Score
		writeExclusion(b, m, path)
	}
	v.remarks(b, r, path, exact)
}

// remarks says what to know of the exclusion.
func (v *verdict) remarks(b *strings.Builder, r Explained, path string, exact bool) {
	if r.Route != "" {
		b.WriteString("\nA list of exclusions on a route replaces that of its site: what the route needs of the site's must stand in it as well.\n")
	} else if r.Site != "" {
		b.WriteString("\nIf exclusions stand there already, add the lines to them.\n")
	}
	switch {
	case path == "":
		b.WriteString("\nIt holds for every path: the path of this request has dot segments or a backslash, and exclusions by path never apply to such.\n")
	case !exact:
		b.WriteString("\nThe path holds characters that an exclusion cannot name; the part before them stands there as a prefix.\n")
	}
	if v.decided != nil && (v.decided.ID == idUnparsable || v.decided.ID == idMultipart) {
		b.WriteString("\nRules could not read this request. With the exclusion it reaches the origin without having been inspected: rather mend the client.\n")
	}
	if strings.HasPrefix(v.Phase, "response") {
		b.WriteString("\nCheck first that the response is harmless: what the exclusion lets pass reaches the client.\n")
		return
	}
	b.WriteString("\nCheck first that it is harmless: what the exclusion lets pass reaches the origin.\n")
}

// writeOwn says that m is of the user's own rule: an exclusion would only hide what the rule lacks.
func writeOwn(b *strings.Builder, m *exchange.Match) {
	where := place(m)
	if where != "" {
		where = ", " + where
	}
	fmt.Fprintf(b, "\nThis is your own rule%s. If it errs, change it there: an exclusion would switch rule %d off for the whole path.\n", where, m.ID)
}

// advise says which setting to change where no exclusion can help, and reports whether that is so.
func (v *verdict) advise(b *strings.Builder, r Explained) bool {
	key, how := v.bound()
	switch key {
	case "":
		if how != "" {
			b.WriteString("\n" + how + "\n")
		}
		return how != ""
	default:
		fmt.Fprintf(b, "\nNo exclusion helps here. If the request is harmless, raise %s%s%s\n", key, at(r), how)
		return true
	}
}

// bound returns the setting that ended the exchange and what else to say of it; without a setting, what to say at all.
func (v *verdict) bound() (key, how string) {
	if v.decided != nil && (v.Verdict == VerdictBlock || v.Verdict == VerdictDetect) {
		return boundOfRule(v.decided)
	}
	for i := range v.Matches {
		if m := &v.Matches[i]; m.ID == 0 && (v.note || v.Verdict == VerdictError) {
			if key, how = boundOfNote(m.Message, v.Spent); key+how != "" {
				return key, how
			}
		}
	}
	return "", ""
}

// boundOfRule reads what the engine says of a request that it could not look at whole: the key of a bound stands first.
func boundOfRule(m *exchange.Match) (key, how string) {
	key, _, found := strings.Cut(m.Data, ":")
	found = found && strings.HasPrefix(key, "waf.")
	switch {
	case m.ID == idTooMany && found:
		return key, "; each value costs time in every rule."
	case m.ID == idTooMany && m.Data != "":
		return "", "Neither an exclusion nor a setting helps: the client must send less at once."
	case m.ID == idTooMany:
		return "waf.arguments (query, forms) or waf.leaves (JSON, XML, GraphQL, protobuf)", "."
	case m.ID == idUnparsable && found:
		return key, ": an exclusion of the rule would let such bodies pass without any inspection."
	}
	return "", ""
}

// boundOfNote reads what is noted of a body that is too long, and of rules that failed.
func boundOfNote(text string, spent time.Duration) (key, how string) {
	took := " They took " + spent.Round(time.Millisecond).String() + ".\n"
	const slow = "A pattern of a custom rule that is slow on this body is the usual cause: lunette check names such."
	switch {
	case strings.HasPrefix(text, string(reason.LimitBodyTooBig)):
		return "waf.body_limit", " above the size of the body, or set waf.on_limit: partial there: then rules see the beginning alone, and an attack may hide in the rest."
	case !strings.Contains(text, string(reason.WAFTimeout)):
		return "", ""
	case strings.Contains(text, "work for rules is spent"):
		return "waf.work_limit", ": rules looked at more bytes than it allows, whatever the machine was doing." + took + slow
	case strings.Contains(text, "time for rules is spent"):
		return "waf.time_limit", ": rules had no more time." + took + slow + " So is a machine that has too much to do: see its load at that time."
	case !strings.Contains(text, "bod"):
		return "", ""
	}
	return "", "No exclusion helps here: too many large bodies came at once for this machine. See its load and memory, and who sends them."
}

func writeExclusion(b *strings.Builder, m exchange.Match, path string) {
	if p := place(&m); p != "" && own(&m) {
		fmt.Fprintf(b, "    # your own rule, %s: rather change it there\n", p)
	}
	fmt.Fprintf(b, "    - {rule: %d", m.ID)
	if t := excludable(m.Target); t != "" {
		fmt.Fprintf(b, ", target: %s", strconv.Quote(t))
	}
	if path != "" {
		fmt.Fprintf(b, ", path: %s", strconv.Quote(path))
	}
	b.WriteString("}\n")
}

// at says where in the configuration, with a space before it, as far as that is known.
func at(r Explained) string {
	name := Printable(r.Site + r.Route)
	switch {
	case r.Key != "":
		return " at " + r.Key + " (" + name + ")"
	case r.Route != "":
		return " at the route " + name
	case r.Site != "":
		return " at the site " + name
	}
	return ""
}

// excludable returns the target as an exclusion may name it, "" for the whole rule: a name with characters of SecLang's own
// is given up, a variable that is the rules' own never says anything.
func excludable(target string) string {
	name, key, _ := strings.Cut(target, ":")
	switch {
	case strings.HasPrefix(target, "&"):
		return "" // an exclusion of a value leaves what counts them as it is
	case name == "" || name == "TX" || name == "UNKNOWN" || strings.HasPrefix(name, "MATCHED_VAR"):
		return ""
	case strings.HasSuffix(name, "_ERROR"):
		return "" // what the engine says about a body is no part of the request
	}
	if strings.ContainsAny(key, "\"'`,;|!&\\ \t\r\n") || strings.ContainsFunc(key, unprintable) || strings.HasPrefix(key, "/") && name != "XML" {
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
	if i := strings.IndexFunc(plain, unprintable); i >= 0 {
		plain, exact = plain[:i]+"*", false
	}
	return plain, exact
}
