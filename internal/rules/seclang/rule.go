package seclang

import "strconv"

// rule reads a SecRule or a SecAction, whose words begin at an offset, and looks at where it stands in a chain.
func (p *parser) rule(d *Directive, l *line, at int, spec directiveSpec) {
	before := len(p.faults)
	member := p.chain
	p.chain = nil
	r := &Rule{Position: d.Position}
	d.Rule = r
	if spec.shape == shapeRule {
		at = p.test(r, l, at)
	}
	var places []int
	if w, ok := p.list(l, at, spec); ok {
		r.Actions, places = p.actions(l, w)
	}
	id := p.identity(r, l, places, member)
	for i, a := range r.Actions {
		switch a.ID {
		case ActChain:
			p.chain = &openChain{id: id, at: a.Position, from: p.source(), step: p.step}
		case ActSkipAfter:
			p.skips = append(p.skips, skip{marker: a.Value, at: a.Position, from: p.source(), step: p.step, rule: id})
		}
		if member != nil && a.ID.starterOnly() {
			p.fault(l, places[i], a.ID.String()+" stands in a rule that continues a chain", "only the first rule of a chain has it: "+where(member.at))
		}
	}
	for i := before; i < len(p.faults); i++ {
		p.faults[i].Rule = id
	}
}

// test reads the targets and the operator, and returns where the actions may begin; len(l.text)+1 where they cannot be found.
func (p *parser) test(r *Rule, l *line, at int) int {
	lost := len(l.text) + 1
	w, ok := l.word(at)
	if !ok {
		p.fault(l, 0, "SecRule has no targets", `write SecRule ARGS "@rx …" "id:…"`)
		return lost
	}
	if !p.closed(l, w) {
		return lost
	}
	r.Targets = p.targets(l, w)
	at = w.end
	if w, ok = l.word(at); !ok {
		p.fault(l, 0, "SecRule has no operator", `write one, such as "@rx …", behind the targets`)
		return lost
	}
	if !p.closed(l, w) {
		return lost
	}
	if w.quote == 0 && l.text[w.from] == '|' {
		p.fault(l, w.from, "a blank stands in the list of targets", "take it out, or put the list into quotes")
		return lost
	}
	op, problems := operator(l, l.value(w), w.from)
	r.Operator = op
	p.problems(l, problems)
	return w.end
}

// list finds the actions of a rule: the last word.
func (p *parser) list(l *line, at int, spec directiveSpec) (word, bool) {
	if at > len(l.text) {
		return word{}, false
	}
	if at < len(l.text) && !blank(l.text[at]) && l.text[at] != '"' && l.text[at] != '\'' {
		p.fault(l, at, "a blank is missing behind the quote", `a quote inside is written \"`)
		return word{}, false
	}
	w, ok := l.word(at)
	switch {
	case !ok && spec.shape == shapeAction:
		p.fault(l, 0, "SecAction has no actions", `write SecAction "id:1,phase:1,pass,…"`)
		return w, false
	case !ok || !p.closed(l, w):
		return w, false
	}
	if w.quote == 0 && spec.shape == shapeAction {
		w.to, w.end = len(l.text), len(l.text)
	}
	if next, more := l.word(w.end); more {
		at := max(next.from-b2i(next.quote != 0), w.end)
		what := quote(l.text[at:min(at+20, len(l.text))])
		p.fault(l, at, what+" stands behind the actions", `put all actions into one pair of quotes; a quote inside is written \"`)
		return w, false
	}
	return w, true
}

// identity returns the id of a rule, of a member that of its chain, and sees that there is one and that no other rule has it.
func (p *parser) identity(r *Rule, l *line, places []int, member *openChain) int {
	if member != nil {
		return member.id
	}
	id, place := 0, 0
	for i, a := range r.Actions {
		if a.ID != ActId {
			continue
		}
		if id != 0 {
			p.fault(l, places[i], "a rule has one id", "take "+quote("id:"+a.Value)+" out")
			continue
		}
		id, _ = ruleID(a.Value)
		place = places[i]
	}
	if id == 0 {
		if !p.faulty() {
			p.fault(l, 0, "the rule has no id", "write id:… into its actions; every rule needs a number of its own")
		}
		return 0
	}
	if first, twice := p.ids[id]; twice {
		p.fault(l, place, "id "+strconv.Itoa(id)+" is taken", "the first rule with it stands at "+where(first))
		return id
	}
	p.ids[id] = l.at(0)
	return id
}

// faulty reports whether the directive that is being read has a fault.
func (p *parser) faulty() bool {
	n := len(p.faults)
	return n > 0 && p.faults[n-1].step == p.step
}

// endChain says that the rule with an open chain has no follower.
func (p *parser) endChain(why string) {
	c := p.chain
	if c == nil {
		return
	}
	p.chain = nil
	now := p.step
	p.step = c.step
	p.addFault(c.from, Fault{
		Position: c.at, Rule: c.id, Text: "the chain has no next rule: " + why,
		Hint: "take chain out of this rule, or write the rule that it needs behind it",
	})
	p.step = now
}
