package explain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// tally counts causes over flows.
type tally struct {
	causes []counted // above info, in the order in which they were met
	notes  []counted
}

// counted is one code over all flows.
type counted struct {
	worst finding.Finding // the surest and worst of them
	flows []int           // numbers
}

// mostTallied is how many codes are summed up.
const mostTallied = 12

func (t *tally) add(number int, r *check.Result) {
	worse, info := above(r)
	for i := range worse {
		t.causes = count(t.causes, &worse[i], number)
	}
	for i := range info {
		t.notes = count(t.notes, &info[i], number)
	}
}

func count(all []counted, f *finding.Finding, number int) []counted {
	n := slices.IndexFunc(all, func(c counted) bool { return c.worst.Code == f.Code })
	if n < 0 {
		return append(all, counted{*f, []int{number}})
	}
	if cmp.Or(cmp.Compare(f.Confidence, all[n].worst.Confidence), cmp.Compare(f.Severity, all[n].worst.Severity)) > 0 {
		all[n].worst = *f
	}
	all[n].flows = append(all[n].flows, number)
	return all
}

// tallied writes the causes over all flows, the worst first.
func (t *texter) tallied(all *tally) {
	slices.SortStableFunc(all.causes, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.worst.Confidence, a.worst.Confidence), cmp.Compare(b.worst.Severity, a.worst.Severity), cmp.Compare(len(b.flows), len(a.flows)))
	})
	if len(all.causes) > 0 {
		t.line(sgrBold, when(len(all.causes) == 1, "  cause")+when(len(all.causes) > 1, "  causes"))
	}
	for i := range all.causes[:min(len(all.causes), mostTallied)] {
		c := &all.causes[i]
		l := warn
		if c.worst.Severity == finding.Critical {
			l = bad
		}
		t.hanging(l, "    ", string(c.worst.Code)+" × "+grouped(int64(len(c.flows)))+", "+c.worst.Severity.String()+", "+c.worst.Confidence.String()+": "+clean(c.worst.Title)+" ("+c.where()+")")
	}
	if more := len(all.causes) - mostTallied; more > 0 {
		t.about(usual, "  and "+several(int64(more), "more code"))
	}
	var notes []string
	for i := range all.notes {
		notes = append(notes, string(all.notes[i].worst.Code)+" × "+grouped(int64(len(all.notes[i].flows))))
	}
	if len(notes) > 0 {
		t.about(usual, "worth knowing: "+few(notes, 5))
	}
}

// where names the flows of a code.
func (c *counted) where() string {
	var all []string
	for _, n := range c.flows {
		all = append(all, strconv.Itoa(n))
	}
	return when(len(c.flows) == 1, "flow ") + when(len(c.flows) > 1, "flows ") + few(all, 5)
}

// summedUp writes the causes over all flows, what stands out and no cause explains, and what would have told more.
func (t *texter) summedUp(told []int) {
	var all tally
	var troubled, slightly []string
	var lacking check.Watched
	for _, i := range told {
		r := t.c.result(i)
		all.add(t.c.number(i), r)
		name := "flow " + strconv.Itoa(t.c.number(i))
		switch worst := t.c.trouble(i); {
		case worst.text == "":
		case worst.weight > weightLow:
			troubled = append(troubled, name+" ("+worst.text+")")
			for _, l := range r.Lacking {
				lacking |= l.For
			}
		case worst.weight > 0:
			slightly = append(slightly, name+" ("+worst.text+")")
		}
	}
	t.tallied(&all)
	if len(troubled) > 0 {
		t.about(warn, when(len(all.causes) > 0, "stands out without a cause")+when(len(all.causes) == 0, "stands out")+": "+few(troubled, 5))
	}
	if len(slightly) > 0 {
		t.about(usual, "noted: "+few(slightly, 3))
	}
	if how := lacking.How(); len(how) > 0 {
		t.about(usual, "more could be told with "+strings.Join(how, "; "))
	}
}
