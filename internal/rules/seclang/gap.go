package seclang

import (
	"slices"

	"github.com/lunette-waf/lunette/internal/spelling"
)

// Gap says how much of a directive that has faults is missing.
type Gap uint8

// The gaps. A directive with one is for those who look for more faults: no program can be made of it.
const (
	Whole   Gap = iota // nothing
	Partial            // targets, an operator, actions or words that nothing else depends on: ids, tags, msg and the name are there
	Lost               // nobody can say what it declares. One without a name stands for text that is no directive
)

// HidesRules reports whether rules may stand in what is missing of d, or their ids, tags and messages: that there is no such rule cannot be said.
func (d *Directive) HidesRules() bool {
	return d.Gap == Lost && (d.Name == "" || d.Name == "Include" || d.Name == "SecRule" || d.Name == "SecAction")
}

// HidesDatasets reports whether data sets may stand in what is missing of d.
func (d *Directive) HidesDatasets() bool {
	return d.Gap == Lost && (d.Name == "" || d.Name == "Include" || d.Name == "SecDataset")
}

// whole takes out the directives that have gaps.
func whole(list []Directive) []Directive {
	return slices.DeleteFunc(list, func(d Directive) bool { return d.Gap != Whole })
}

// lose notes that a directive called name, "" for unknown, cannot be read. What it may hold is not missed: the rest of a chain, a marker.
func (p *parser) lose(at Position, name string) {
	p.out = append(p.out, Directive{Position: at, Name: name, Gap: Lost})
	p.chain, p.unsure = nil, true
	p.blind = true
}

// unread is where a rule ends without what every rule has; maybe a line goes on where nothing says so.
type unread struct {
	step  int
	fault int // its place in parser.faults, -1 where that is not told
	end   Position
	from  *source
}

// continues reports whether l, which begins with no directive, belongs to the directive before it: that has an open quote, or ends too early, because
// its line does not end with a backslash. It is one fault, of the line before.
func (p *parser) continues(l *line) bool {
	switch quoted := l.text[0] == '"' || l.text[0] == '\''; {
	case p.torn == p.step-1 && !begins(l.text, "sec") && !begins(l.text, "include"):
		p.torn = p.step
		return true
	case quoted && p.ended.step == p.step-1 && p.ended.step > 0:
		p.parted()
		p.torn = p.step
		return true
	}
	return false
}

// parted says of the rule that was read last that its end stands in a line of its own, instead of what it seemed to lack.
func (p *parser) parted() {
	if i := p.ended.fault; i >= 0 && i < len(p.faults) {
		p.faults = slices.Delete(p.faults, i, i+1)
	}
	now := p.step
	p.step = p.ended.step
	p.faultAt(p.ended.from, p.ended.end, "the rule ends here, but the next line begins with a quote",
		`write \ at the end of a line where a rule goes on in the next`)
	p.step = now
	if n := len(p.out); n > 0 {
		p.out[n-1].Gap = Lost
	}
	p.chain, p.unsure = nil, true
}

// nearest is the action that was meant by an unknown name, ActNone where none is near.
func nearestAction(name string) (ActionID, string) {
	names := actionNames()
	near := spelling.Nearest(name, names[:])
	id, _ := LookupAction(near)
	return id, near
}
