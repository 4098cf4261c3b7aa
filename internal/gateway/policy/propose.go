package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Rules by which an engine refuses what it cannot read.
const (
	idUnparsable = 200002
	idMultipart  = 200003
	idTooMany    = 200007
)

// propose writes the exclusion that takes the fewest points' worth of rules out: the rule that decided by itself, then those with
// the most points, until the rest stays below the threshold.
func (v *verdict) propose(b *strings.Builder, r Explained) {
	if v.Verdict != VerdictBlock && v.Verdict != VerdictDetect || v.note || len(v.rules) == 0 {
		return
	}
	if v.decided != nil && v.decided.ID == idTooMany {
		b.WriteString("\nNo exclusion helps: the request holds more values than waf.arguments allows. If it is harmless, raise that" + at(r) + ".\n")
		return
	}
	order := slices.Clone(v.rules)
	slices.SortStableFunc(order, func(x, y exchange.Match) int { return y.Score - x.Score })
	if d := v.decided; d != nil {
		order = slices.Insert(slices.DeleteFunc(order, func(m exchange.Match) bool { return m.ID == d.ID }), 0, *d)
	}
	left := 0
	for _, m := range order {
		left += m.Score
	}
	path, exact := plainPath(r.Path)
	fmt.Fprintf(b, "\nIf this request is harmless, the narrowest exclusion%s is:\n\nwaf:\n  exclusions:\n", at(r))
	for i, m := range order {
		if left < v.Threshold && (i > 0 || v.decided == nil) {
			break
		}
		left -= m.Score
		writeExclusion(b, m, path)
	}
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
	b.WriteString("\nCheck first that it is harmless: what the exclusion lets pass reaches the origin.\n")
}

func writeExclusion(b *strings.Builder, m exchange.Match, path string) {
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
