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
		return fact.Stamp{At: at}.Time().In(l.o.Location).Format(clockLayout)
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
	margin := "  "
	if r.marked {
		margin = l.style.paint(sgrRed, l.style.text(decisiveMark)) + " "
	}
	line := margin + l.style.paint(sgrDim, pad(at, l.times)) + "  " + bar + inside + bar
	if number != "" {
		line += " " + l.style.paint(sgrDim, strings.Repeat(" ", l.frames-len(number))+number)
	}
	l.line(line)
}

// pad fills s up with spaces on the left.
func pad(s string, n int) string { return strings.Repeat(" ", max(n-cells(s), 0)) + s }
