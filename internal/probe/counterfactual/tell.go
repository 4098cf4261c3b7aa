package counterfactual

import (
	"cmp"
	"fmt"
	"strings"
)

// sentence says what was found, for the engineer.
func (p *proof) sentence(winner *Change) string {
	spent := fmt.Sprintf("%s, %s", count(p.d.Connections, "connection"), p.d.Took.Round(10_000_000))
	switch p.d.Verdict {
	case Demonstrated:
		failed, worked, answer := p.tally(winner)
		s := fmt.Sprintf("Demonstrated: unchanged the attempt failed %s (%s); with %s it was answered %s (%s), in random order", times(failed), p.failure(), winner.Does, times(worked), answer)
		if others := p.others(winner); others != "" {
			s += "; no help was " + others
		}
		return s + " (" + spent + ")."
	case PassedByItself:
		return "Nothing is demonstrated: tried again, unchanged and without the visitor's fields, the attempt was answered (" + p.last() + "): it has passed by itself, comes and goes, or hangs on what the visitor sent."
	case FailsOtherwise:
		return "Nothing is demonstrated: tried again unchanged, the attempt ends in another way now (" + p.last() + ")."
	case NothingHelped:
		return "Nothing is demonstrated: it fails unchanged (" + p.failure() + ") and nothing that Lunette can do otherwise helps: " + p.others(winner) + " (" + spent + ")."
	case Flaky:
		return "Nothing is demonstrated: the same try failed and worked by turns (last: " + p.last() + "), so the failure comes and goes by itself."
	case Overloaded:
		return "Nothing is demonstrated: the origin asks for less (" + p.last() + "), so it was left alone."
	case Unfinished:
		s := "Nothing is demonstrated: the bounds were reached first (" + spent + ")"
		if !winner.None() {
			s += "; it did work with " + winner.Does
		}
		return s + "."
	}
	return "Nothing is demonstrated: nothing that Lunette can do otherwise bears upon it."
}

// tally counts the tries without a change and with that one.
func (p *proof) tally(winner *Change) (failed, worked int, answer string) {
	for i := range p.d.Tries {
		switch t := &p.d.Tries[i]; {
		case t.Change.None():
			failed++
		case t.Change.Does == winner.Does:
			worked++
			answer = outcome(&t.Outcome)
		}
	}
	return failed, worked, answer
}

// others names the changes that did not help, each once.
func (p *proof) others(winner *Change) string {
	var out []string
	for i := range p.d.Tries {
		if t := &p.d.Tries[i]; !t.Worked && !t.Change.None() && t.Change.Does != winner.Does {
			out = append(out, t.Change.Does+" ("+outcome(&t.Outcome)+")")
		}
	}
	return strings.Join(out, ", ")
}

func (p *proof) failure() string {
	if p.c.Reason == "" {
		return fmt.Sprintf("status %d", p.c.Status)
	}
	return string(p.c.Reason)
}

// last is what came of the last try.
func (p *proof) last() string {
	if n := len(p.d.Tries); n > 0 {
		return outcome(&p.d.Tries[n-1].Outcome)
	}
	return "no try was made"
}

func outcome(o *Outcome) string {
	if o.Err != nil {
		return "it could not be made"
	}
	return cmp.Or(string(o.Reason), fmt.Sprintf("status %d", o.Status))
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
