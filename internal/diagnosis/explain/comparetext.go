package explain

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// errNoFlow is what there is to say when nothing can be compared.
var errNoFlow = errors.New("compare captures: one of them has no flow that the filter leaves: widen --filter")

// Compare writes the first difference that matters between two captures, both flows side by side, and in what else they differ.
func Compare(w io.Writer, abnormal, normal *Capture, o Options) error {
	c, ok := compare(abnormal, normal)
	if !ok {
		return errNoFlow
	}
	o = o.filled()
	t := texter{w: newSink(w), c: abnormal, o: o, style: style{o.Color, o.ASCII}, mends: map[finding.Code]int{}}
	t.compared("normal", &c.normal)
	t.compared("abnormal", &c.abnormal)
	if c.raw {
		t.about(warn, "not both are decrypted: compared is what can be seen of both")
	}
	t.blank()
	matters := t.headline(&c)
	t.blank()
	t.sideBySide(&c)
	t.differences("The hellos differ"+when(matters, ", too"), c.helloDifferences())
	t.differences("Also different, and seldom a cause by itself", c.measures())
	t.comparedCauses(&c)
	return t.w.done()
}

// headline writes the first difference that matters and reports whether there is one.
func (t *texter) headline(c *comparison) bool {
	d, ok := c.firstDifference()
	if !ok {
		t.line(sgrGreen, "No difference that matters")
		return false
	}
	sgr, l, title := sgrRed, bad, "First difference that matters: "
	if c.matters == closing {
		sgr, l, title = sgrYellow, warn, "They differ only in how they were closed: "
	}
	for _, line := range wrapped(title+d.What, t.o.Width) {
		t.line(sgr, line)
	}
	t.pair("  ", &d, l)
	if f := c.cause(); f != nil {
		t.hanging(l, "  ", "cause:     "+string(f.Code)+" · "+f.Severity.String()+" · "+f.Confidence.String()+" · "+clean(f.Title))
	}
	return true
}

// compared says which flow was picked.
func (t *texter) compared(what string, x *told) {
	file := ""
	if len(x.c.Files) > 0 {
		file = clean(x.c.Files[0].Name)
	}
	t.line(sgrBold, cut(fill(what, 10)+joined("   ", file, "flow "+strconv.Itoa(x.c.number(x.index))+" of "+strconv.FormatInt(max(x.c.Connections, int64(x.c.number(x.index))), 10)), t.o.Width))
	f := x.flow
	t.about(routine, joined(" · ", append([]string{f.Client.String() + " → " + f.Server.String(), clean(hostOf(f))}, protocols(f)...)...))
	if text, l := decrypted(f); text != "" {
		t.about(l, text)
	}
}

// pair writes both sides of a difference.
func (t *texter) pair(indent string, d *difference, abnormal level) {
	for _, x := range []struct {
		who, what string
		level     level
	}{{"normal:", d.Normal, usual}, {"abnormal:", d.Abnormal, abnormal}} {
		for i, line := range wrapped(x.what, t.o.Width-len(indent)-11) {
			t.line(t.style.of(x.level), indent+fill(when(i == 0, x.who), 10)+" "+line)
		}
	}
}

func (t *texter) differences(title string, all []difference) {
	if len(all) == 0 {
		return
	}
	t.blank()
	t.line(sgrBold, title)
	names := 0
	for i := range all {
		names = max(names, cells(all[i].What))
	}
	for i := range all {
		d := &all[i]
		short := d.Normal + " → " + d.Abnormal
		if n := names + len("  ") + len("  "); n+cells(short) <= t.o.Width {
			t.line("", "  "+fill(d.What, names)+"  "+short)
			continue
		}
		t.line("", "  "+d.What)
		t.pair("    ", d, usual)
	}
}

// sideBySide writes both flows in two columns, what is not the same marked: - is missing, + is more, ~ says something else.
func (t *texter) sideBySide(c *comparison) {
	n := (t.o.Width - len("  x  |  ")) / 2
	t.line(sgrDim, "     "+fill("normal", n)+"   abnormal")
	for i, p := range c.lines {
		mark, l := " ", [...]level{same: routine, closing: usual, chosen: warn, telling: bad}[c.standing(p)]
		switch {
		case p.a < 0:
			mark = "-"
		case p.b < 0:
			mark = "+"
		case l != routine:
			mark = "~"
		}
		if i == c.first {
			mark = "▶" + mark
		}
		left, right := "", ""
		if p.b >= 0 {
			left = c.normal.cell(p.b, n)
		}
		if p.a >= 0 {
			right = c.abnormal.cell(p.a, n)
		}
		line := "  " + fill(mark, 3) + fill(left, n) + " │ " + right
		t.line(t.style.of(l), strings.TrimRight(line, " "))
	}
}

// cell is a row in n columns.
func (t *told) cell(i, n int) string {
	r := &t.rows[i]
	at := pad(strconv.FormatFloat(float64(r.at-t.flow.Start.At)/1e9, 'f', 6, 64), 10)
	way := "▶"
	switch {
	case r.form == note || r.form == gap:
		way = "·"
	case r.side == fact.SideServer:
		way = "◀"
	}
	text := joined("  ", r.name, r.more)
	if r.kind == fact.Silence {
		text = span(r.length) + " of silence, the " + r.side.String() + "'s turn"
	}
	return cut(at+" "+way+" "+text, n)
}
