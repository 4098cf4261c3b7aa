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
	front bool            // each of them stood in front of one that failed meanwhile
}

// mostTallied is how many codes are summed up.
const mostTallied = 20

func (t *tally) add(number int, r *check.Result, front bool) {
	worse, info := above(r)
	for n := range worse {
		t.causes = count(t.causes, &worse[n], number, front)
	}
	for n := range info {
		t.notes = count(t.notes, &info[n], number, front)
	}
}

func count(all []counted, f *finding.Finding, number int, front bool) []counted {
	n := slices.IndexFunc(all, func(c counted) bool { return c.worst.Code == f.Code })
	if n < 0 {
		return append(all, counted{*f, []int{number}, front})
	}
	if cmp.Or(cmp.Compare(f.Confidence, all[n].worst.Confidence), cmp.Compare(f.Severity, all[n].worst.Severity)) > 0 {
		all[n].worst = *f
	}
	all[n].flows = append(all[n].flows, number)
	all[n].front = all[n].front && front
	return all
}

// tallied writes the causes over all flows, the worst first.
func (t *texter) tallied(all *tally) {
	slices.SortStableFunc(all.causes, func(a, b counted) int {
		if a.front != b.front { // a cause behind comes before what it causes in front
			return map[bool]int{true: 1, false: -1}[a.front]
		}
		return cmp.Or(cmp.Compare(b.worst.Confidence, a.worst.Confidence), cmp.Compare(b.worst.Severity, a.worst.Severity), cmp.Compare(len(b.flows), len(a.flows)))
	})
	causes := all.causes
	if i := slices.IndexFunc(causes, func(c counted) bool { return c.front }); i >= 0 {
		causes = causes[:i]
	}
	if len(causes) > 0 {
		t.line(sgrBold, when(len(causes) == 1, "  cause")+when(len(causes) > 1, "  causes"))
	}
	for i := range causes[:min(len(causes), mostTallied)] {
		c := &causes[i]
		l := warn
		if c.worst.Severity == finding.Critical {
			l = bad
		}
		t.hanging(l, "    ", string(c.worst.Code)+" × "+grouped(int64(len(c.flows)))+", "+c.worst.Severity.String()+", "+c.worst.Confidence.String()+": "+clean(c.worst.Title)+" ("+c.where()+")")
	}
	if more := len(causes) - mostTallied; more > 0 {
		t.about(usual, "  and "+several(int64(more), "more code"))
	}
	var symptoms []string
	for i := range all.causes[len(causes):] {
		c := &all.causes[len(causes)+i]
		symptoms = append(symptoms, string(c.worst.Code)+" × "+grouped(int64(len(c.flows)))+" ("+c.where()+")")
	}
	if len(symptoms) > 0 {
		t.about(usual, "in front of a connection that failed meanwhile: "+few(symptoms, 5))
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
	var troubled []int
	var slightly []string
	var lacking check.Watched
	for _, i := range told {
		r := t.c.result(i)
		all.add(t.c.number(i), r, t.c.behind(i) >= 0)
		switch worst := t.c.trouble(i); {
		case worst.text == "":
		case worst.weight > weightLow:
			troubled = append(troubled, i)
			for _, l := range r.Lacking {
				lacking |= l.For
			}
		case worst.weight > 0:
			slightly = append(slightly, "flow "+strconv.Itoa(t.c.number(i))+" ("+worst.text+")")
		}
	}
	if len(told) > 1 { // else they stand just above
		t.tallied(&all)
	}
	t.unexplained(troubled, &all)
	if len(slightly) > 0 {
		t.about(usual, "noted: "+few(slightly, 3))
	}
	if how := (lacking &^ check.Others).How(); len(how) > 0 {
		t.about(usual, "more could be told with "+strings.Join(how, "; "))
	}
}

// unexplained writes which flows stand out without a cause that explains it, and whose cause may be behind it.
func (t *texter) unexplained(troubled []int, all *tally) {
	if len(troubled) == 0 {
		return
	}
	var names []string
	for n, i := range troubled {
		text := ""
		if n < mostUnexplained {
			text = "flow " + strconv.Itoa(t.c.number(i)) + " (" + joined("; ", t.c.trouble(i).text, t.c.meanwhile(i)) + ")"
		}
		names = append(names, text)
	}
	t.about(warn, when(len(all.causes) > 0, "stands out without a cause")+when(len(all.causes) == 0, "stands out")+": "+few(names, mostUnexplained))
}

const mostUnexplained = 5 // that are named
