package seclang

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/spelling"
)

// directive reads one directive, and goes into the files of an Include.
func (p *parser) directive(l *line) {
	p.step++
	name, _ := l.bare(0)
	if len(l.text) > maxLine || len(p.out) == maxDirectives {
		p.toMany = len(p.out) == maxDirectives
		p.fault(l, 0, "a directive has at most 1 MiB, all files together 200,000 directives", "")
		p.lose(l.at(0), "")
		return
	}
	if i := strings.IndexByte(l.text, 0); i >= 0 {
		p.fault(l, i, "a NUL byte stands here", "rules are text: is this the right file, and is it UTF-8?")
		p.lose(l.at(0), "")
		return
	}
	spec, ok := p.specs[strings.ToLower(name)]
	if !ok {
		if p.continues(l) {
			return
		}
		near := p.nearestDirective(name)
		hint := ""
		if near != "" {
			hint = "did you mean " + near + "?"
		}
		p.fault(l, 0, "unknown directive "+quote(name), hint)
		if spec, ok = p.specs[strings.ToLower(near)]; !ok {
			p.lose(l.at(0), "")
			return
		}
		p.guess(l, len(name), spec)
		return
	}
	p.gap = Whole
	p.known(l, len(name), spec)
}

// guess reads a directive as what it was most likely meant to be, for the faults in it. Where it has not even the words for that, it tells of none.
func (p *parser) guess(l *line, at int, spec directiveSpec) {
	told := len(p.faults)
	p.gap = Partial
	p.known(l, at, spec)
	if p.ended.step == p.step || p.torn == p.step {
		p.faults = p.faults[:told]
		p.ended.fault = -1
	}
}

// known reads a directive behind its name.
func (p *parser) known(l *line, at int, spec directiveSpec) {
	d := Directive{Position: l.at(0), Name: spec.name, Source: l.text[:min(len(l.text), maxSource)]}
	isRule := spec.shape == shapeRule || spec.shape == shapeAction
	if !isRule && spec.shape != shapeInclude { // what an Include brings may continue the chain
		p.endChain(spec.name + " stands behind it")
		p.unsure = false
	}
	before := len(p.faults)
	if isRule {
		p.rule(&d, l, at, spec)
	} else if words := p.words(&d, l, at, spec); len(p.faults) == before {
		p.arguments(&d, l, words, spec)
	}
	if spec.shape == shapeInclude {
		return
	}
	if len(p.faults) > before {
		p.gap = max(p.gap, Partial)
		if d.Name == "SecMarker" || d.Name == "SecDataset" {
			p.gap, p.blind = Lost, p.blind || d.Name == "SecMarker"
		}
	}
	if p.refused[spec.name] {
		p.faults = p.faults[:before]
	}
	d.Gap = p.gap
	p.out = append(p.out, d)
}

// bare reads the name of a directive, which no quote can stand before.
func (l *line) bare(offset int) (string, int) {
	end := offset
	for end < len(l.text) && !blank(l.text[end]) {
		end++
	}
	return l.text[offset:end], end
}

func (p *parser) nearestDirective(name string) string {
	var names []string
	for _, s := range directiveSpecs() {
		names = append(names, s.name)
	}
	return spelling.Nearest(name, names)
}

// words reads the words behind the name into d.Args.
func (p *parser) words(d *Directive, l *line, at int, spec directiveSpec) []word {
	var words []word
	for {
		w, ok := l.word(at)
		if !ok {
			break
		}
		if w.quote == 0 && spec.shape.rest() {
			w.to, w.end = len(l.text), len(l.text) // blanks belong to it
		}
		if !p.closed(l, w) {
			return nil
		}
		words = append(words, w)
		if at = w.end; at < len(l.text) && !blank(l.text[at]) {
			p.fault(l, at, "a blank is missing behind the quote", `a quote inside is written \"`)
			return nil
		}
	}
	if n := len(words); n < spec.least || n > spec.most {
		p.count(l, words, spec)
		return nil
	}
	for _, w := range words {
		d.Args = append(d.Args, Argument{Position: l.at(w.from), Text: l.value(w)})
	}
	return words
}

// closed reports whether the quotes of w are closed, and says it where not.
func (p *parser) closed(l *line, w word) bool {
	if w.open {
		p.fault(l, w.from-1, "quote is not closed", "write "+string(w.quote)+` behind the text, and \ at the end of a line that goes on in the next`)
		p.gap, p.torn = Lost, p.step
	}
	return !w.open
}

// count says that a directive has too few or too many words.
func (p *parser) count(l *line, words []word, spec directiveSpec) {
	takes := strconv.Itoa(spec.least) + " words"
	switch {
	case spec.most == 0:
		takes = "no words"
	case spec.most == 1000:
		takes = strconv.Itoa(spec.least) + " words or more"
	case spec.most > spec.least:
		takes = strconv.Itoa(spec.least) + " to " + strconv.Itoa(spec.most) + " words"
	case spec.least == 1:
		takes = "1 word"
	}
	at, hint := 0, ""
	if len(words) > spec.most {
		at, hint = words[spec.most].from, "put a text with blanks into one pair of quotes"
	}
	p.fault(l, at, spec.name+" takes "+takes+", not "+strconv.Itoa(len(words)), hint)
}

// arguments looks into the words of a directive, as its shape says.
func (p *parser) arguments(d *Directive, l *line, words []word, spec directiveSpec) {
	last := len(words) - 1
	switch spec.shape {
	case shapeInclude:
		p.include(d, words[0], l)
	case shapeIDs:
		p.checkIDs(d, l, words)
	case shapeTargets:
		p.checkIDs(d, l, words[:last])
		p.targets(l, words[last])
	case shapeTargetsBy:
		p.targets(l, words[last])
	case shapeActions:
		p.checkIDs(d, l, words[:last])
		p.updateActions(l, words[last])
	case shapeDefault:
		p.defaultAction(l, words[last])
	case shapeRest:
		if strings.TrimSpace(d.Args[0].Text) == "" {
			p.fault(l, words[0].from, spec.name+" needs a text", "")
		} else if d.Name == "SecMarker" {
			p.markers[d.Args[0].Text] = max(p.step, p.markers[d.Args[0].Text])
		}
	}
}

// checkIDs looks at the words that name rules by id.
func (p *parser) checkIDs(d *Directive, l *line, words []word) {
	for i, w := range words {
		_, wrong := idRanges(d.Args[i].Text)
		for err := wrong; err != nil; err = err.Next {
			p.fault(l, w.from+err.Offset, err.Text, err.Hint)
		}
	}
}

func (p *parser) targets(l *line, w word) []Target {
	r := targetReader{line: l, at: w.from, end: w.to, quote: w.quote}
	targets := r.read()
	p.problems(l, r.faults)
	if next, more := l.word(w.end); r.cut && w.quote == 0 && (!more || next.quote == 0) {
		p.gap = Lost // what comes next may belong to the key
	}
	return targets
}

func (p *parser) actions(l *line, w word) ([]Action, *actionReader) {
	r := &actionReader{line: l, at: w.from, end: w.to, quote: w.quote}
	actions := r.read()
	p.problems(l, r.faults)
	return actions, r
}

func (p *parser) problems(l *line, problems []problem) {
	for _, f := range problems {
		p.fault(l, f.at, f.text, f.hint)
	}
}

// updateActions looks at the actions that SecRuleUpdateActionById gives to a rule: who it is and when it runs cannot change.
func (p *parser) updateActions(l *line, w word) {
	actions, r := p.actions(l, w)
	for i, a := range actions {
		if a.ID == ActId || a.ID == ActPhase || a.ID == ActChain {
			p.fault(l, r.places[i], "SecRuleUpdateActionById cannot change "+a.ID.String(), "take it out")
		}
		if a.ID == ActSkipAfter {
			p.skips = append(p.skips, skip{marker: a.Value, at: a.Position, from: p.source(), step: p.step})
		}
	}
}

// defaultAction looks at the actions of SecDefaultAction: a phase, a disruptive action, and nothing that is about one rule.
func (p *parser) defaultAction(l *line, w word) {
	before := len(p.faults)
	actions, r := p.actions(l, w)
	phase, disruptive := 0, false
	for i, a := range actions {
		switch {
		case a.ID == ActPhase:
			phase = ParsePhase(a.Value)
		case a.ID.Metadata() || a.ID == ActT || a.ID == ActChain || a.ID == ActSkip || a.ID == ActSkipAfter:
			p.fault(l, r.places[i], a.ID.String()+" cannot stand in SecDefaultAction", "write it in the rules themselves")
		}
		disruptive = disruptive || a.ID.Disruptive()
	}
	if len(p.faults) > before {
		return
	}
	first, twice := p.defFor[phase]
	switch {
	case phase == 0:
		p.fault(l, w.from, "SecDefaultAction names no phase", "write phase:1 or another into it")
	case !disruptive:
		p.fault(l, w.from, "SecDefaultAction has no disruptive action", "write pass, deny or another into it")
	case twice:
		p.fault(l, w.from, "phase "+strconv.Itoa(phase)+" has a SecDefaultAction already", "the first stands at "+where(first))
	default:
		p.defFor[phase] = l.at(0)
	}
}

// where writes a place as file:line.
func where(at Position) string { return at.File + ":" + strconv.Itoa(at.Line) }

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
