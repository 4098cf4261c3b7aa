package compile

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// draft is a rule, or a member of a chain, while later directives may still change it.
type draft struct {
	seclang.Position
	source   string // the directive as written
	id       int    // of the chain's first rule
	phase    int
	order    int // place among all rules and markers
	defaults *defaults
	targets  []seclang.Target
	operator seclang.Operator
	action   bool // SecAction
	actions  []seclang.Action
	tags     []string
	msg      string
	words    []string // of the data set that the operator names
	next     *draft

	rule    *Rule
	pattern *match.Pattern // of @rx and @pm
	waits   bool           // for its pattern to be found before the phase begins
}

// defaults is what SecDefaultAction says for one phase.
type defaults struct {
	disrupt seclang.Action
	rest    []seclang.Action
}

// marker is a SecMarker.
type marker struct {
	name  string
	order int
}

// builder takes directives one by one, in their order: what changes rules changes those that are there.
type builder struct {
	o        Options
	faults   []seclang.Fault
	notes    []seclang.Fault // warnings
	every    []*draft        // every first rule of a chain that ever was, those taken out included
	rules    []*draft
	byID     map[int]*draft
	open     *draft // last member of a chain that goes on
	order    int
	markers  []marker
	defaults [Phases]*defaults
	sets     map[string][]string
	settings Settings
	source   string // of the directive at hand
	rule     int    // id of the rule at hand
	partial  bool   // the parser has told the faults of the directive at hand
	checks   bool   // only faults are looked for, see Check
	hidden   hidden

	slots   []string
	slot    map[string]int32
	chains  []Chain
	chainOf map[string]int32
}

func newBuilder(o Options) *builder {
	if o.lists == nil {
		o.lists = lists{}
	}
	b := &builder{
		o: o, byID: map[int]*draft{}, sets: map[string][]string{}, slot: map[string]int32{},
		chainOf: map[string]int32{"": 0}, chains: []Chain{{Parent: -1}},
	}
	for _, digit := range "0123456789" {
		b.slotOf(string(digit))
	}
	b.defaults[2] = &defaults{
		disrupt: seclang.Action{ID: seclang.ActPass},
		rest:    []seclang.Action{{ID: seclang.ActLog}, {ID: seclang.ActAuditlog}},
	}
	return b
}

// slotOf returns the slot of a TX variable, a new one where it has none yet.
func (b *builder) slotOf(name string) int32 {
	name = strings.ToLower(name)
	s, ok := b.slot[name]
	if !ok {
		s = int32(len(b.slots))
		b.slots = append(b.slots, name)
		b.slot[name] = s
	}
	return s
}

// fault notes what is wrong at p.
func (b *builder) fault(p seclang.Position, hint, format string, args ...any) {
	line, _, _ := strings.Cut(b.source, "\n")
	if len(line) > 160 {
		line = strings.ToValidUTF8(line[:160], "") + "…"
	}
	b.faults = append(b.faults, seclang.Fault{Position: p, Rule: b.rule, Text: fmt.Sprintf(format, args...), Hint: hint, Source: printable(line)})
}

// printable replaces what a terminal might obey.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// add takes one directive.
func (b *builder) add(d *seclang.Directive) {
	b.source, b.rule, b.partial = d.Source, 0, d.Gap != seclang.Whole
	if b.partial && !b.checks {
		b.fault(d.Position, "", "%s is there in part only", d.Name)
		return
	}
	switch d.Name {
	case "SecRule", "SecAction":
		b.addRule(d)
	case "SecMarker":
		if len(d.Args) > 0 {
			b.markers = append(b.markers, marker{d.Args[0].Text, b.order})
			b.order++
		}
	case "SecDefaultAction":
		b.setDefaults(d)
	case "SecDataset":
		b.addDataset(d)
	case "SecRuleRemoveById", "SecRuleRemoveByTag", "SecRuleRemoveByMsg":
		b.questionDirective(d)
		b.remove(d)
	case "SecRuleUpdateTargetById", "SecRuleUpdateTargetByTag", "SecRuleUpdateTargetByMsg":
		b.questionDirective(d)
		b.updateTargets(d)
	case "SecRuleUpdateActionById":
		b.questionDirective(d)
		b.updateActions(d)
	default:
		b.setting(d)
	}
}

// addRule takes a SecRule or SecAction; it continues the chain before it where that is open.
func (b *builder) addRule(d *seclang.Directive) {
	if d.Rule == nil {
		return
	}
	r := &draft{
		Position: d.Position, source: d.Source, phase: 2, targets: append([]seclang.Target(nil), d.Rule.Targets...), operator: d.Rule.Operator,
		id: d.ID(), action: d.Name == "SecAction", actions: append([]seclang.Action(nil), d.Rule.Actions...),
	}
	chained := false
	for _, a := range r.actions {
		chained = b.identify(r, a) || chained
	}
	if r.operator.ID == seclang.OpPmFromDataset || r.operator.ID == seclang.OpIpMatchFromDataset {
		words, ok := b.sets[r.operator.Argument]
		if b.rule = r.id; !ok && !b.hidden.sets {
			b.fault(r.operator.Position, "define it with SecDataset before the rule", "data set %q is not defined", r.operator.Argument)
		}
		r.words = words
	}
	if b.checks && r.id != 0 {
		b.open = nil // whatever was to follow there: this begins anew
	}
	if b.open != nil {
		first := b.rules[len(b.rules)-1]
		r.id, r.phase, r.order = first.id, first.phase, first.order
		b.open.next = r
	} else {
		if other := b.byID[r.id]; other != nil && r.id != 0 && !b.checks {
			b.rule = r.id
			b.fault(r.Position, "give each rule an id of its own", "id %d is taken by the rule at %s:%d", r.id, other.File, other.Line)
		}
		r.order = b.order
		b.order++
		r.defaults = b.defaults[r.phase]
		b.rules = append(b.rules, r)
		b.every = append(b.every, r)
		b.byID[r.id] = r
	}
	b.open = nil
	if chained {
		b.open = r
	}
}

// identify reads what other directives find r by; it reports whether the action is chain.
func (b *builder) identify(r *draft, a seclang.Action) (chain bool) {
	switch a.ID {
	case seclang.ActPhase:
		if p := seclang.ParsePhase(a.Value); p > 0 {
			r.phase = p
		}
	case seclang.ActTag:
		r.tags = append(r.tags, a.Value)
	case seclang.ActMsg:
		r.msg = a.Value
	case seclang.ActChain:
		return true
	}
	return false
}

// number reads a count as the parser takes it, 0 for what is none.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// addDataset reads SecDataset name `lines`.
func (b *builder) addDataset(d *seclang.Directive) {
	if len(d.Args) < 2 {
		return
	}
	var words []string
	for line := range strings.SplitSeq(strings.Trim(d.Args[1].Text, "`"), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			words = append(words, line)
		}
	}
	b.sets[d.Args[0].Text] = words
}

// setDefaults reads SecDefaultAction.
func (b *builder) setDefaults(d *seclang.Directive) {
	if len(d.Args) == 0 {
		return
	}
	list, ok := b.parseActions(d.Args[0])
	if !ok {
		return
	}
	phase, def := 0, &defaults{disrupt: seclang.Action{ID: seclang.ActPass}}
	for _, a := range list {
		switch {
		case a.ID == seclang.ActPhase:
			phase = seclang.ParsePhase(a.Value)
		case a.ID == seclang.ActBlock:
			b.fault(a.Position, "write what blocking is to be, such as deny", "block in SecDefaultAction means itself")
		case a.ID.Disruptive():
			def.disrupt = a
		default:
			def.rest = append(def.rest, a)
		}
	}
	if phase > 0 {
		b.defaults[phase] = def
	}
}
