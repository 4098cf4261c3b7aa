package seclang

import (
	"slices"
	"strconv"
)

// rule reads a SecRule or a SecAction, whose words begin at an offset, and looks at where it stands in a chain.
func (p *parser) rule(d *Directive, l *line, at int, spec directiveSpec) {
	before := len(p.faults)
	member, unsure := p.chain, p.unsure
	p.chain, p.unsure = nil, false
	d.Rule = &Rule{Position: d.Position}
	if spec.shape == shapeRule {
		at = p.test(d.Rule, l, at)
	}
	read := &actionReader{}
	if w, ok := p.last(l, at, spec); ok {
		d.Rule.Actions, read = p.actions(l, w)
	}
	read.cut = read.cut || p.gap == Lost
	id := p.identity(d.Rule, l, read, member, unsure)
	for i, a := range d.Rule.Actions {
		switch a.ID {
		case ActChain:
			p.chain = &openChain{id: id, at: a.Position, from: p.source(), step: p.step}
		case ActSkipAfter:
			p.skips = append(p.skips, skip{marker: a.Value, at: a.Position, from: p.source(), step: p.step, rule: id})
		}
		if member != nil && a.ID.starterOnly() {
			p.fault(l, read.places[i], a.ID.String()+" stands in a rule that continues a chain", "only the first rule of a chain has it: "+where(member.at))
		}
	}
	p.miss(read)
	for i := before; i < len(p.faults); i++ {
		p.faults[i].Rule = id
	}
}

// miss notes what else cannot be said of a rule with faults in its actions.
func (p *parser) miss(read *actionReader) {
	p.unsure = p.chain == nil && (read.cut || slices.Contains(read.missing, ActChain))
	if read.cut || slices.ContainsFunc(read.missing, func(a ActionID) bool { return a == ActId || a == ActTag || a == ActMsg }) {
		p.gap = Lost
	}
}

// test reads the targets and the operator, and returns where the actions may begin; len(l.text)+1 where they cannot be found.
func (p *parser) test(r *Rule, l *line, at int) int {
	lost := len(l.text) + 1
	w, ok := l.word(at)
	if !ok {
		p.ends(l, "SecRule has no targets", `write SecRule ARGS "@rx …" "id:…"`)
		return lost
	}
	if !p.closed(l, w) {
		return lost
	}
	if r.Targets, at = p.list(l, w); p.gap == Lost {
		return lost
	}
	if w, ok = l.word(at); !ok {
		p.ends(l, "SecRule has no operator", `write one, such as "@rx …", behind the targets`)
		return lost
	}
	if !p.closed(l, w) {
		return lost
	}
	op, problems := operator(l, l.value(w), w.from)
	r.Operator = op
	p.problems(l, problems)
	return w.end
}

// list reads the targets of a rule, which begin with w, and returns where they end. Blanks may stand around a | where they must not.
func (p *parser) list(l *line, w word) (out []Target, end int) {
	next, more := l.word(w.end)
	apart := func() bool {
		return more && w.quote == 0 && next.quote == 0 && (l.text[next.from] == '|' || l.text[w.to-1] == '|')
	}
	if !apart() {
		return p.targets(l, w), w.end
	}
	p.fault(l, next.from, "a blank stands in the list of targets", "take it out, or put the list into quotes")
	for {
		again, piece := apart(), w
		for piece.from < piece.to && l.text[piece.from] == '|' {
			piece.from++
		}
		for piece.from < piece.to && l.text[piece.to-1] == '|' {
			piece.to--
		}
		if piece.from < piece.to {
			out = append(out, p.targets(l, piece)...)
		}
		if !again {
			return out, w.end
		}
		w = next
		next, more = l.word(w.end)
	}
}

// ends notes that a rule ends before something that it needs.
func (p *parser) ends(l *line, text, hint string) {
	p.ended = unread{step: p.step, fault: len(p.faults), end: l.at(len(l.text)), from: p.source()}
	p.fault(l, 0, text, hint)
	p.gap = Lost
}

// last finds the actions of a rule: the last word. Where they are there but cannot be read, the rule is lost.
func (p *parser) last(l *line, at int, spec directiveSpec) (word, bool) {
	if at > len(l.text) {
		return word{}, false
	}
	if at < len(l.text) && !blank(l.text[at]) && l.text[at] != '"' && l.text[at] != '\'' {
		p.fault(l, at, "a blank is missing behind the quote", `a quote inside is written \"`)
		p.gap = Lost
		return word{}, false
	}
	w, ok := l.word(at)
	switch {
	case !ok && spec.shape == shapeAction:
		p.ends(l, "SecAction has no actions", `write SecAction "id:1,phase:1,pass,…"`)
		return w, false
	case !ok:
		p.ended = unread{step: p.step, fault: -1, end: l.at(len(l.text)), from: p.source()}
		return w, false
	case !p.closed(l, w):
		return w, false
	}
	if w.quote == 0 && spec.shape == shapeAction {
		w.to, w.end = len(l.text), len(l.text)
	}
	if next, more := l.word(w.end); more {
		at := max(next.from-b2i(next.quote != 0), w.end)
		what := quote(l.text[at:min(at+20, len(l.text))])
		p.fault(l, at, what+" stands behind the actions", `put all actions into one pair of quotes; a quote inside is written \"`)
		p.gap = Lost
		return w, false
	}
	return w, true
}

// identity returns the id of a rule, of a member that of its chain, and sees that there is one and that no other rule has it. Where the actions,
// or the rule before, could not be read, nobody can say that it lacks one.
func (p *parser) identity(r *Rule, l *line, read *actionReader, member *openChain, unsure bool) int {
	if member != nil {
		return member.id
	}
	id, place := 0, 0
	for i, a := range r.Actions {
		if a.ID != ActId {
			continue
		}
		if id != 0 {
			p.fault(l, read.places[i], "a rule has one id", "take "+quote("id:"+a.Value)+" out")
			continue
		}
		id, _ = ruleID(a.Value)
		place = read.places[i]
	}
	if id == 0 {
		if !unsure && !read.cut && !slices.Contains(read.missing, ActId) {
			if p.ended.step == p.step {
				p.ended.fault = len(p.faults)
			}
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
