package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/finding"
)

// decisiveMark stands in the margin beside what a finding rests on.
const decisiveMark = "▶"

// How much of its findings is written below a flow.
const (
	mostCauses = 3 // in full
	mostNotes  = 3 // that are worth knowing
)

// causes writes below the ladder of Flows[i] why it went as it did.
func (t *texter) causes(i int) {
	worse, info := above(t.c.result(i))
	meanwhile := t.c.meanwhile(i)
	if meanwhile != "" && len(worse) > 0 {
		t.blank()
		t.hanging(warn, "  ", meanwhile+", opened by the server of this one: look there first")
	}
	for n := range worse[:min(len(worse), mostCauses)] {
		t.blank()
		t.cause(i, &worse[n], meanwhile == "")
	}
	if len(worse) > mostCauses {
		t.hanging(warn, "  ", "also: "+few(codes(worse[mostCauses:]), 5))
	}
	if len(info) > 0 {
		t.blank()
	}
	for n := range info[:min(len(info), mostNotes)] {
		f := &info[n]
		t.hanging(usual, "  ", "worth knowing: "+joined(" ", clean(f.Summary), "("+string(f.Code)+when(f.Confidence != finding.Certain, ", "+f.Confidence.String())+")"))
	}
	if len(info) > mostNotes {
		t.hanging(usual, "  ", "and: "+few(codes(info[mostNotes:]), 5))
	}
}

func codes(all []finding.Finding) []string {
	var out []string
	for i := range all {
		out = append(out, string(all[i].Code))
	}
	return out
}

// cause writes one finding about Flows[i]: what finding.Lines says, within the columns, with the mends that go on a page where they are wanted.
func (t *texter) cause(i int, f *finding.Finding, mends bool) {
	l := warn
	if f.Severity == finding.Critical {
		l = bad
	}
	t.hanging(l, "  ", string(f.Code)+" · "+f.Severity.String()+" · "+f.Confidence.String()+" · "+clean(f.Title))
	t.hanging(usual, "    ", clean(f.Summary))
	if ahead := f.Ahead(); ahead != "" {
		t.hanging(usual, "    ", "may end it: "+ahead)
	} else if len(f.Timers) > 0 {
		t.hanging(usual, "    ", span(int64(f.Waited))+" fits: "+strings.Join(owners(f.Timers), "; "))
	}
	t.proofs(i, f)
	if f.Settle != "" {
		t.hanging(usual, "    ", "to be certain: "+clean(f.Settle))
	}
	if len(f.Hides) > 0 {
		var all []string
		for _, c := range f.Hides {
			all = append(all, string(c))
		}
		t.hanging(routine, "    ", "explains also: "+strings.Join(all, ", "))
	}
	if !mends {
		t.hanging(usual, "    ", "manual: lunette finding "+string(f.Code))
		return
	}
	t.mended(i, f)
}

func owners(all []finding.Timer) []string {
	var out []string
	for _, t := range all {
		out = append(out, clean(t.Owner))
	}
	return out
}

// mended writes how to be rid of a cause: in full once, then where that stands.
func (t *texter) mended(i int, f *finding.Finding) {
	manual := f.Manual(0)
	if before, ok := t.mends[f.Code]; ok && len(f.Mends) > 0 {
		t.hanging(usual, "    ", "mends: as below flow "+strconv.Itoa(before)+"; "+manual)
		return
	}
	t.mends[f.Code] = t.c.number(i)
	shown := finding.Foremost(f.Mends)
	for _, m := range shown {
		t.hanging(usual, "    ", "mend on "+clean(string(m.On))+": "+clean(m.Do))
		for line := range strings.Lines(m.Lines) { // to be copied: never cut, never broken
			t.line("", "        "+clean(strings.TrimRight(line, "\n")))
		}
	}
	t.hanging(usual, "    ", f.Manual(len(f.Mends)-len(shown)))
}

// hanging writes clean text behind a margin, broken where it is too long, all lines below the first.
func (t *texter) hanging(l level, margin, text string) {
	n := cells(margin)
	for _, line := range wrapped(text, t.o.Width-n-2) {
		t.line(t.style.of(l), margin+line)
		margin = strings.Repeat(" ", n+2)
	}
}
