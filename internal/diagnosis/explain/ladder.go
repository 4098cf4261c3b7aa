package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// ladder draws the rows of one flow: a column of times, the two lanes, the numbers of the packets.
type ladder struct {
	w      sink
	style  style
	c      *Capture
	o      *Options
	start  int64 // of the flow, nanoseconds since the Unix epoch
	times  int   // columns of the times
	inner  int   // columns between the lanes
	frames int   // columns of the packet numbers
	before row   // the row above
}

func (t *texter) ladder(f *flow.Flow, rows []row) {
	l := ladder{w: t.w, style: t.style, c: t.c, o: &t.o, start: f.Start.At}
	for i := range rows {
		l.times = max(l.times, len(l.time(rows[i].at)))
		l.frames = max(l.frames, len(l.frame(rows[i].frame)))
	}
	l.times = max(l.times, len("time"))
	const narrowest = 24 // below, lines get longer than asked for
	l.inner = max(t.o.Width-l.times-l.frames-len("  ")-cells("  ││ "), narrowest)
	l.head()
	for i := range rows {
		l.row(&rows[i])
		if f := rows[i].form; f != gap && f != more {
			l.before = rows[i]
		}
	}
}

// time is a moment as the column shows it.
func (l *ladder) time(at int64) string {
	if l.o.Absolute {
		return fact.Stamp{At: at}.Time().In(l.o.Location).Format("15:04:05.000000")
	}
	return strconv.FormatFloat(float64(at-l.start)/1e9, 'f', 6, 64)
}

func (l *ladder) frame(n int64) string {
	if n == 0 {
		return ""
	}
	file, number := l.c.frame(n)
	if len(l.c.Files) > 1 {
		return strconv.Itoa(file+1) + "#" + strconv.FormatInt(number, 10)
	}
	return "#" + strconv.FormatInt(number, 10)
}

func (l *ladder) head() {
	line := "  " + pad("time", l.times) + "  client" + strings.Repeat(" ", l.inner+2-len("clientserver")) + "server"
	l.line(l.style.paint(sgrDim, l.style.text(line)))
}

func (l *ladder) line(s string) {
	l.w.put(strings.TrimRight(s, " "))
	l.w.put("\n")
}

// lane puts what stands between the lanes, which has n columns, into its line.
func (l *ladder) lane(r *row, first bool, side, inside string, n int) {
	at, number := "", ""
	if first && (r.at != l.before.at || l.before.frame == 0 || r.frame != l.before.frame) {
		at = l.time(r.at)
		number = l.frame(r.frame)
	}
	inside += strings.Repeat(" ", max(l.inner-n, 0))
	bar := l.style.text(side)
	line := "  " + l.style.paint(sgrDim, pad(at, l.times)) + "  " + bar + inside + bar
	if number != "" {
		line += " " + l.style.paint(sgrDim, strings.Repeat(" ", l.frames-len(number))+number)
	}
	l.line(line)
}

// pad fills s up with spaces on the left.
func pad(s string, n int) string { return strings.Repeat(" ", max(n-cells(s), 0)) + s }

func (l *ladder) row(r *row) {
	switch r.form {
	case gap:
		l.gap(r)
	case note, more:
		l.note(r)
	default:
		l.arrow(r)
	}
}

// arrow draws a message: its words stand at its sender's end.
func (l *ladder) arrow(r *row) {
	name := cut(r.name, l.inner-6)
	rest := cut(r.more, l.inner-6-cells(name)-2)
	label, n := l.label(r.level, name, rest)
	dashes := l.inner - n - 2 // two spaces around the label
	var left, right string
	switch {
	case r.form == both:
		left, right = "◀─", strings.Repeat("─", dashes-3)+"▶"
	case r.side == fact.SideServer:
		left, right = "◀"+strings.Repeat("─", dashes-2), "─"
	default:
		left, right = "─", strings.Repeat("─", dashes-2)+"▶"
	}
	draw := func(s string) string { return l.style.paint(l.stroke(r.level), l.style.text(s)) }
	l.lane(r, true, "│", draw(left)+" "+label+" "+draw(right), l.inner)
}

// stroke is the colour of the arrow itself.
func (l *ladder) stroke(v level) string {
	if v == bad || v == warn {
		return l.style.of(v)
	}
	return sgrDim
}

// label is a name with what it says, and how many columns that takes.
func (l *ladder) label(v level, name, rest string) (string, int) {
	sgr := l.style.of(v)
	bold := sgr
	if v == usual {
		bold = sgrBold
	}
	n := cells(name)
	out := l.style.paint(bold, l.style.text(name))
	if rest != "" {
		n += 2 + cells(rest)
		out += "  " + l.style.paint(sgr, l.style.text(rest))
	}
	return out, n
}

// note draws what no side sent.
func (l *ladder) note(r *row) {
	text := cut(noteText(r), l.inner-4)
	before := (l.inner - cells(text)) / 2
	l.lane(r, r.form == note, "│", strings.Repeat(" ", before)+l.style.paint(l.style.of(r.level), l.style.text(text)), before+cells(text))
}

func noteText(r *row) string {
	if strings.HasPrefix(r.more, "with ") {
		return r.name + " " + r.more
	}
	return joined(": ", r.name, r.more)
}

// gap draws a silence as one.
func (l *ladder) gap(r *row) {
	l.lane(r, false, "┊", "", 0)
	for _, text := range wrapped(joined(": ", r.name, r.more), l.inner-4) {
		before := (l.inner - cells(text)) / 2
		l.lane(r, false, "┊", strings.Repeat(" ", before)+l.style.paint(l.style.of(r.level), l.style.text(text)), before+cells(text))
	}
	l.lane(r, false, "┊", "", 0)
}

// wrapped breaks clean text into lines of at most n columns, at spaces.
func wrapped(text string, n int) []string {
	var lines []string
	line, used := "", 0
	for word := range strings.FieldsSeq(text) {
		word = cut(word, n)
		w := cells(word)
		switch {
		case used == 0:
			line, used = word, w
		case used+1+w <= n:
			line, used = line+" "+word, used+1+w
		default:
			lines = append(lines, line)
			line, used = word, w
		}
	}
	return append(lines, line)
}
