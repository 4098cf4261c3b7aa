package compile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/spelling"
)

// ours reports whether d is a rule of a set that is built in: nobody can mend it.
func ours(file string) bool { return file == "" || strings.HasPrefix(file, "@") }

// doubt notes what works but surely is not meant so.
func (b *builder) doubt(p seclang.Position, hint, format string, args ...any) {
	if ours(p.File) {
		return
	}
	n := len(b.faults)
	b.fault(p, hint, format, args...)
	f := b.faults[n]
	f.Warning = true
	b.faults, b.notes = b.faults[:n], append(b.notes, f)
}

// question looks at one rule of a chain for what can do nothing, once it is built.
func (b *builder) question(d *draft) {
	if ours(d.File) {
		return
	}
	for _, t := range d.targets {
		if p := filledIn(t.Variable); p > d.phase && !t.Exclude && !t.Count {
			b.doubt(t.Position, "write phase:"+strconv.Itoa(p), "%s is empty in phase %d", t.Variable, d.phase)
		}
	}
	if !d.action {
		b.questionOperator(d)
	}
}

// questionOperator refuses arguments that make an operator answer the same whatever the value is.
func (b *builder) questionOperator(d *draft) {
	arg := d.operator.Argument
	switch d.operator.ID {
	case seclang.OpRx:
		if name := macroIn(arg); name != "" {
			b.fault(d.operator.Position, "patterns are made before requests come: write @streq, @contains, @beginsWith, @endsWith or @within with the macro; "+
				`a sign that stands for itself is written %\{`, "%s in @rx is not filled in", name)
		}
	case seclang.OpEq, seclang.OpGe, seclang.OpGt, seclang.OpLe, seclang.OpLt:
		if _, err := strconv.ParseInt(strings.TrimSpace(arg), 10, 64); err != nil && !strings.Contains(arg, "%{") {
			hint := "write a whole number, such as @" + d.operator.ID.String() + " 10, or a macro"
			if d.operator.ID == seclang.OpEq {
				hint += "; texts are compared by @streq"
			}
			b.fault(d.operator.Position, hint, "@%s takes a number, not %q", d.operator.ID, clip(arg))
		}
	}
}

// clip bounds a word of the rules.
func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// macroIn returns the first macro in text that names a variable, "" without one.
func macroIn(text string) string {
	for {
		_, rest, ok := strings.Cut(text, "%{")
		if !ok {
			return ""
		}
		if inner, _, closed := strings.Cut(rest, "}"); closed {
			one := "%{" + inner + "}"
			if m, err := seclang.ParseMacro(one); err == nil && len(m) == 1 && m[0].Variable != seclang.VarNone {
				return clip(one)
			}
		}
		text = rest
	}
}

// filledIn is the first phase in which v can have a value, 0 where it is not about a message.
func filledIn(v seclang.Variable) int {
	switch v {
	case seclang.VarRequestBody, seclang.VarRequestBodyLength, seclang.VarArgsPost, seclang.VarArgsPostNames, seclang.VarFiles, seclang.VarFilesNames,
		seclang.VarFilesSizes, seclang.VarFilesCombinedSize, seclang.VarRequestXML:
		return 2
	case seclang.VarResponseStatus, seclang.VarStatusLine, seclang.VarResponseProtocol, seclang.VarResponseHeaders, seclang.VarResponseHeadersNames,
		seclang.VarResponseContentType, seclang.VarResponseContentLength:
		return 3
	case seclang.VarResponseBody, seclang.VarResponseArgs:
		return 4
	}
	return 0
}

// questionChain looks at a whole chain: d is its first rule.
func (b *builder) questionChain(d *draft) {
	if ours(d.File) || d.rule.Disrupt != Pass || explicit(d.actions) || len(d.rule.Scores) > 0 {
		return
	}
	for _, a := range d.actions {
		if a.ID == seclang.ActBlock {
			b.doubt(a.Position, "write deny, or add points: setvar:tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}",
				"block lets it pass: that is the default action, and the rule adds no points")
			return
		}
	}
}

// questionCollections looks for rules that read a collection which no rule opens.
func (b *builder) questionCollections(dropped []bool) {
	opened := map[seclang.Variable]bool{}
	for i, d := range b.rules {
		for m := d; m != nil && !dropped[i]; m = m.next {
			for _, do := range m.rule.Do {
				switch do.ID {
				case seclang.ActInitcol, seclang.ActSetsid, seclang.ActSetuid, seclang.ActSetrsc:
					opened[do.Set.Collection] = true
				}
			}
		}
	}
	how := map[seclang.Variable]string{
		seclang.VarIP: "initcol:ip=%{REMOTE_ADDR}", seclang.VarGlobal: "initcol:global=all", seclang.VarSession: "setsid:%{REQUEST_COOKIES.session}",
		seclang.VarUser: "setuid:%{ARGS.user}", seclang.VarResource: "setrsc:%{REQUEST_FILENAME}",
	}
	for _, d := range b.rules {
		for m := d; m != nil; m = m.next {
			for _, t := range m.targets {
				if how[t.Variable] == "" || opened[t.Variable] {
					continue
				}
				b.source, b.rule = m.source, m.id
				b.doubt(t.Position, "open it before, by "+how[t.Variable], "no rule opens %s: it is empty", t.Variable)
			}
		}
	}
}

// questionIDs notes ids and ranges of which there is no rule, now or before others were taken out.
func (b *builder) questionIDs(at seclang.Position, who string, list []seclang.IDRange) {
	for _, one := range list {
		switch {
		case b.ever(func(r *draft) bool { return one.Has(r.id) }):
		case one.First == one.Last:
			b.doubt(at, "take the id from the access log or from lunette explain-block", "%s: there is no rule %d", who, one.First)
		default:
			b.doubt(at, "take ids from the access log or from lunette explain-block", "%s: there is no rule from %d to %d", who, one.First, one.Last)
		}
	}
}

// questionTag notes a tag that no rule has.
func (b *builder) questionTag(at seclang.Position, who, tag string) {
	if ours(at.File) || b.ever(func(r *draft) bool { return slices.Contains(r.tags, tag) }) {
		return
	}
	var tags []string
	for _, r := range b.every {
		tags = append(tags, r.tags...)
	}
	slices.Sort(tags)
	hint := "tags stand in the access log, under waf.rules"
	if near := spelling.Nearest(tag, slices.Compact(tags)); near != "" {
		hint = "did you mean " + near + "?"
	}
	b.doubt(at, hint, "%s: no rule has the tag %q", who, clip(tag))
}

// questionMsg notes a message that no rule has.
func (b *builder) questionMsg(at seclang.Position, who, msg string) {
	if !b.ever(func(r *draft) bool { return r.msg == msg }) {
		b.doubt(at, "it must be the whole msg, letter by letter", "%s: no rule has the message %q", who, clip(msg))
	}
}

// ever reports whether one of the rules is so, those that were taken out included.
func (b *builder) ever(is func(*draft) bool) bool { return slices.ContainsFunc(b.every, is) }

// questionDirective looks at the rules that a directive names.
func (b *builder) questionDirective(d *seclang.Directive) {
	if ours(d.File) || len(d.Args) == 0 {
		return
	}
	first := d.Args[0]
	switch {
	case strings.HasSuffix(d.Name, "ByTag"):
		b.questionTag(first.Position, d.Name, first.Text)
	case strings.HasSuffix(d.Name, "ByMsg"):
		b.questionMsg(first.Position, d.Name, first.Text)
	case d.Name == "SecRuleRemoveById":
		for _, a := range d.Args {
			if list, err := seclang.ParseIDs(a.Text); err == nil {
				b.questionIDs(a.Position, d.Name, list)
			}
		}
	default: // of single ids it is a fault
		names, _ := updated(d)
		for _, name := range names {
			id, _, _ := strings.Cut(name.Text, ":")
			list, err := seclang.ParseIDs(id)
			list = slices.DeleteFunc(list, func(r seclang.IDRange) bool { return r.First == r.Last })
			if err == nil {
				b.questionIDs(name.Position, d.Name, list)
			}
		}
	}
}

// questionCtl looks at the rules and at the processor that a ctl names.
func (b *builder) questionCtl(at seclang.Position, c seclang.Ctl) {
	who := "ctl:" + c.Option.String()
	switch c.Option {
	case seclang.CtlRequestBodyProcessor, seclang.CtlResponseBodyProcessor:
		names := strings.Fields("URLENCODED MULTIPART JSON XML GRAPHQL GRPC PROTOBUF RAW")
		if _, ok := body.Lookup(c.Text); ok {
			return
		}
		hint := "write one of " + strings.Join(names, ", ")
		if near := spelling.Nearest(c.Text, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		b.fault(at, hint, "%s: there is no body processor %q", who, clip(c.Text))
	case seclang.CtlRuleRemoveByID, seclang.CtlRuleRemoveTargetByID:
		b.questionIDs(at, who, c.IDs)
	case seclang.CtlRuleRemoveByTag, seclang.CtlRuleRemoveTargetByTag:
		b.questionTag(at, who, c.Text)
	case seclang.CtlRuleRemoveByMsg, seclang.CtlRuleRemoveTargetByMsg:
		b.questionMsg(at, who, c.Text)
	}
}
