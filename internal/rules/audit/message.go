package audit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// message is what one rule has to say, masked and bounded.
type message struct {
	exchange.Match

	decides bool
}

// addMessages adds the rules of list that do not say noauditlog, and what was noted beside them.
func (l *Log) addMessages(v *view, list []exchange.Match) {
	id, m := decider(v.x), l.cfg.Mask
	for i := range list {
		if len(v.messages) == maxMessages {
			return
		}
		o := &list[i]
		if o.ID == 0 {
			v.notes = append(v.notes, cut(m.Text(o.Message), maxValue))
			continue
		}
		if o.NoAudit {
			continue
		}
		out := message{Match: *o, decides: o.ID == id}
		out.Message = cut(m.Text(o.Message), maxValue)
		out.Part, out.Data = cut(m.Part(o.Target, o.Part), maxValue), cut(m.Part(o.Target, o.Data), maxValue)
		out.Target = cut(o.Target, maxName)
		out.Tags = o.Tags[:min(len(o.Tags), maxTags)]
		v.messages = append(v.messages, out)
	}
}

// severities are the names of severities by their number.
func severities() []string {
	return []string{"emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"}
}

// severityNumber is the number of a severity, from 0, the worst, to 7; -1 for none.
func severityNumber(name string) int { return slices.Index(severities(), name) }

// worst is the highest severity of the messages, "" without.
func (v *view) worst() string {
	best := -1
	for i := range v.messages {
		if n := severityNumber(v.messages[i].Severity); n >= 0 && (best < 0 || n < best) {
			best = n
		}
	}
	if best < 0 {
		return ""
	}
	return severities()[best]
}

// rulesets are the versions that the rules that matched name, such as OWASP_CRS/4.25.0.
func (v *view) rulesets() []string {
	out := []string{}
	for i := range v.messages {
		if ver := clean(cut(v.messages[i].Ver, maxName)); ver != "" && !slices.Contains(out, ver) {
			out = append(out, ver)
		}
	}
	return out
}

// phase is the number of the phase in which the exchange ended, or would have.
func (v *view) phase() int {
	return 1 + max(0, slices.Index([]string{"request_headers", "request_body", "response_headers", "response_body"}, v.x.WAF.Phase))
}

// engine is the mode of the rules as SecRuleEngine names it.
func (v *view) engine() string {
	if v.x.WAF.Mode == "detect" {
		return "DetectionOnly"
	}
	return "On"
}

// appendMessage appends m as ModSecurity writes a message: a sentence, then brackets.
func (v *view) appendMessage(b []byte, m *message) []byte {
	if m.decides && v.x.WAF.Verdict == "block" {
		b = append(b, "Access denied with code "...)
		b = strconv.AppendInt(b, int64(v.x.Answer.Status), 10)
		b = append(b, " (phase "...)
		b = strconv.AppendInt(b, int64(v.phase()), 10)
		b = append(b, "). Matched"...)
	} else {
		b = append(b, "Warning. Matched"...)
	}
	if m.Part != "" {
		b = append(appendLine(append(b, ` "`...), m.Part, true), '"')
	}
	b = append(b, " at "...)
	b = append(appendLine(b, m.Target, false), '.')
	return appendBrackets(b, m)
}

// appendBrackets appends what is known of a rule, as [name "value"].
func appendBrackets(b []byte, m *message) []byte {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(n)
	}
	for _, f := range [...][2]string{
		{"file", m.File}, {"line", number(m.Line)}, {"id", strconv.Itoa(m.ID)}, {"rev", m.Rev}, {"msg", m.Message}, {"data", m.Data},
		{"severity", strings.ToUpper(m.Severity)}, {"ver", m.Ver}, {"maturity", number(m.Maturity)}, {"accuracy", number(m.Accuracy)},
	} {
		if f[1] != "" {
			b = appendBracket(b, f[0], f[1])
		}
	}
	for _, t := range m.Tags {
		b = appendBracket(b, "tag", t)
	}
	return b
}

func appendBracket(b []byte, name, value string) []byte {
	b = append(append(append(b, " ["...), name...), ` "`...)
	return append(appendLine(b, value, true), `"]`...)
}
