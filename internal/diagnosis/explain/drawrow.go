package explain

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

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
	blank, lines := *r, *r
	blank.marked = false
	l.lane(&blank, false, "┊", "", 0)
	for _, text := range wrapped(joined(": ", r.name, r.more), l.inner-4) {
		before := (l.inner - cells(text)) / 2
		l.lane(&lines, false, "┊", strings.Repeat(" ", before)+l.style.paint(l.style.of(r.level), l.style.text(text)), before+cells(text))
		lines.marked = false
	}
	l.lane(&blank, false, "┊", "", 0)
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
