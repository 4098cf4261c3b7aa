package compile

import (
	"errors"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transform"
	"github.com/lunette-waf/lunette/internal/spelling"
)

// syntax notes an error of one of seclang's parsers, unless Parse has told it.
func (b *builder) syntax(p seclang.Position, err error) {
	if b.partial {
		return
	}
	var s *seclang.SyntaxError
	if errors.As(err, &s) {
		for ; s != nil; s = s.Next {
			b.fault(p, s.Hint, "%s", s.Text)
		}
		return
	}
	b.fault(p, "", "%v", err)
}

func (b *builder) parseActions(a seclang.Argument) ([]seclang.Action, bool) {
	list, faults := seclang.ParseActions(a.Position, a.Text)
	return list, b.all(faults)
}

func (b *builder) parseTargets(a seclang.Argument) ([]seclang.Target, bool) {
	list, faults := seclang.ParseTargets(a.Position, a.Text)
	return list, b.all(faults)
}

// all notes faults of seclang, and reports whether there are none. Those of a directive whose faults the parser has told are not told again, and what
// is there of it is looked at.
func (b *builder) all(faults []seclang.Fault) bool {
	if b.partial {
		return true
	}
	for _, f := range faults {
		b.fault(f.Position, f.Hint, "%s", f.Text)
	}
	return len(faults) == 0
}

// build makes the rule of one draft; member is its place in its chain. What needs the other rules (skipAfter, ctl) is linked later.
func (b *builder) build(d *draft, member int) {
	b.source, b.rule, b.partial = d.source, d.id, false
	r := &Rule{
		Position: d.Position, ID: d.id, Phase: uint8(d.phase), Member: uint8(min(member, 255)),
		SkipTo: -1, Severity: -1, Tags: d.tags,
	}
	d.rule = r
	if !d.action {
		r.Targets = b.targets(d.targets)
	}
	b.operator(d)
	var steps []transform.ID
	if d.defaults != nil {
		for _, a := range d.defaults.rest {
			steps = b.act(d, a, steps)
		}
		if !explicit(d.actions) {
			steps = b.act(d, d.defaults.disrupt, steps)
		}
	}
	for _, a := range d.actions {
		if a.ID != seclang.ActBlock {
			steps = b.act(d, a, steps)
		}
	}
	if r.MultiMatch && len(steps) == 0 {
		r.MultiMatch = false // nothing to look at between
	}
	r.Chain = b.chain(steps)
	r.Paranoia = paranoia(d.tags)
	if d.next != nil {
		b.build(d.next, member+1)
		r.Next = d.next.rule
		r.Scores = append(r.Scores, d.next.rule.Scores...)
		d.next.rule.Scores = nil
	}
	b.source, b.rule = d.source, d.id
	b.question(d)
	if member == 0 {
		b.questionChain(d)
	}
}

// explicit reports whether a list names a disruptive action other than block.
func explicit(list []seclang.Action) bool {
	for _, a := range list {
		if a.ID.Disruptive() && a.ID != seclang.ActBlock {
			return true
		}
	}
	return false
}

// paranoia reads the tag paranoia-level/N.
func paranoia(tags []string) uint8 {
	for _, t := range tags {
		if n, ok := strings.CutPrefix(t, "paranoia-level/"); ok {
			return uint8(min(number(n), 255))
		}
	}
	return 0
}

// act takes one action into d's rule; steps are the transformations so far.
func (b *builder) act(d *draft, a seclang.Action, steps []transform.ID) []transform.ID {
	r := d.rule
	switch a.ID {
	case seclang.ActId, seclang.ActPhase, seclang.ActTag, seclang.ActChain, seclang.ActBlock:
	case seclang.ActT:
		return b.step(a, steps)
	case seclang.ActMsg:
		r.Msg = b.macro(a)
	case seclang.ActLogdata:
		r.LogData = b.macro(a)
	case seclang.ActSeverity:
		r.Severity = b.severity(a)
	case seclang.ActRev:
		r.Rev = a.Value
	case seclang.ActVer:
		r.Ver = a.Value
	case seclang.ActMaturity:
		r.Maturity = int8(min(number(a.Value), 127))
	case seclang.ActAccuracy:
		r.Accuracy = int8(min(number(a.Value), 127))
	case seclang.ActStatus:
		r.Status = number(a.Value)
	case seclang.ActLog:
		r.Log, r.Audit = true, true
	case seclang.ActNolog:
		r.Log, r.Audit = false, false
	case seclang.ActAuditlog:
		r.Audit = true
	case seclang.ActNoauditlog:
		r.Audit = false
	case seclang.ActCapture:
		r.Capture = true
	case seclang.ActMultiMatch:
		r.MultiMatch = true
	case seclang.ActSkip:
		r.Skip = int32(min(number(a.Value), 1<<20))
	case seclang.ActSkipAfter:
		b.skipAfter(d, a.Value)
	case seclang.ActPass, seclang.ActDeny, seclang.ActDrop, seclang.ActAllow, seclang.ActRedirect, seclang.ActProxy:
		b.disrupt(r, a)
	default:
		b.do(d, a)
	}
	return steps
}

// disrupt sets what the rule does to the exchange.
func (b *builder) disrupt(r *Rule, a seclang.Action) {
	r.Redirect = nil
	switch a.ID {
	case seclang.ActPass:
		r.Disrupt = Pass
	case seclang.ActDeny:
		r.Disrupt = Deny
	case seclang.ActDrop:
		r.Disrupt = Drop
	case seclang.ActRedirect:
		r.Disrupt, r.Redirect = Redirect, b.macro(a)
	case seclang.ActProxy:
		r.Disrupt, r.Redirect = Proxy, b.macro(a)
	case seclang.ActAllow:
		switch strings.ToLower(a.Value) {
		case "":
			r.Disrupt = Allow
		case "phase":
			r.Disrupt = AllowPhase
		case "request":
			r.Disrupt = AllowRequest
		default:
			b.fault(a.Position, "write allow, allow:phase or allow:request", "allow has no kind %q", a.Value)
		}
	}
}

// step adds a transformation; none empties the chain.
func (b *builder) step(a seclang.Action, steps []transform.ID) []transform.ID {
	if strings.EqualFold(a.Value, "none") {
		return nil
	}
	id, ok := transform.Lookup(a.Value)
	if !ok {
		hint := ""
		if near := spelling.Nearest(a.Value, append(transform.Names(), "none")); near != "" {
			hint = "did you mean t:" + near + "?"
		}
		b.fault(a.Position, hint, "unknown transformation %q", a.Value)
		return steps
	}
	return append(steps, id)
}

// chain returns the node of steps in the trie, with all nodes before it.
func (b *builder) chain(steps []transform.ID) int32 {
	at := int32(0)
	for i, id := range steps {
		key := chainKey(steps[:i+1])
		next, ok := b.chainOf[key]
		if !ok {
			next = int32(len(b.chains))
			names := b.chains[at].Names
			if names != "" {
				names += ","
			}
			b.chains = append(b.chains, Chain{
				Parent: at, Last: id, Steps: append([]transform.ID(nil), steps[:i+1]...),
				Touches: b.chains[at].Touches | transform.Touches(id), Names: names + "t:" + id.String(),
			})
			b.chainOf[key] = next
		}
		at = next
	}
	return at
}

func chainKey(steps []transform.ID) string {
	key := make([]byte, len(steps))
	for i, id := range steps {
		key[i] = byte(id)
	}
	return string(key)
}

// severity reads a name or a number from 0 to 7.
func (b *builder) severity(a seclang.Action) int8 {
	n := seclang.ParseSeverity(a.Value)
	if n < 0 {
		b.fault(a.Position, "", "severity %q is neither a name nor a number from 0 to 7", a.Value)
	}
	return int8(n)
}

// skipAfter remembers the marker's place in the order: the first behind the rule, or the end of everything.
func (b *builder) skipAfter(d *draft, name string) {
	d.rule.SkipTo = int32(b.order)
	for _, m := range b.behind(d.order) {
		if m.name == name {
			d.rule.SkipTo = int32(m.order)
			return
		}
	}
}

// behind returns the markers behind a place in the order.
func (b *builder) behind(order int) []marker {
	i, _ := slices.BinarySearchFunc(b.markers, order+1, func(m marker, order int) int { return m.order - order })
	return b.markers[i:]
}
