package finding

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Lines is f in words, for people: the code and what it is worth, the sentence, the proof, what would settle it, the foremost mends. Lines
// are not wrapped; commands are indented by eight columns. Texts may hold what peers sent: a line of theirs never becomes a line here, and
// whoever prints to a terminal cleans the rest.
func (f *Finding) Lines() []string { return f.lines(Foremost(f.Mends)) }

// AllLines is Lines with every mend.
func (f *Finding) AllLines() []string { return f.lines(f.Mends) }

func (f *Finding) lines(shown []Mend) []string {
	out := f.layOut(shown)
	for i := range out {
		out[i] = oneLine(out[i])
	}
	return out
}

// oneLine is text with a space for each control character and line separator.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

func (f *Finding) layOut(shown []Mend) []string {
	out := []string{string(f.Code) + " · " + f.Severity.String() + " · " + f.Confidence.String() + " · " + f.Title, "  " + f.Summary}
	switch {
	case f.Ahead() != "": // none of them has ended it yet
		out = append(out, "  may end it: "+f.Ahead())
	case len(f.Timers) > 0:
		out = append(out, "  "+Span(f.Waited)+" fits: "+timers(f.Timers))
	}
	if len(f.Proof) > 0 {
		out = append(out, "  proof:")
	}
	for _, p := range OnceEach(f.Proof) {
		frame := ""
		if p.Index < 0 && p.After < 0 && p.Conn != 0 && p.Conn != f.Conn && !strings.Contains(p.Text, "connection") { // earlier than this one began
			frame = "connection " + strconv.FormatUint(p.Conn, 10) + ": "
		}
		if p.Frame > 0 {
			frame = "#" + strconv.FormatInt(p.Frame, 10) + " " + frame
		}
		out = append(out, "    "+After(p.After)+"  "+frame+p.Text)
	}
	if f.Settle != "" {
		out = append(out, "  to be certain: "+f.Settle)
	}
	for _, m := range shown {
		out = append(out, "  mend on "+string(m.On)+": "+m.Do)
		for line := range strings.Lines(m.Lines) {
			out = append(out, "        "+strings.TrimRight(line, "\n"))
		}
	}
	if len(f.Hides) > 0 {
		out = append(out, "  explains also: "+join(f.Hides))
	}
	return append(out, "  "+f.Manual(len(f.Mends)-len(shown)))
}

// OnceEach is all without what other connections show again in the same words: the first of them says how often.
func OnceEach(all []Proof) []Proof {
	var out []Proof
	times := map[string]int{}
	for _, p := range all {
		if p.Index < 0 {
			if times[p.Text]++; times[p.Text] > 1 {
				continue
			}
		}
		out = append(out, p)
	}
	for i := range out {
		if n := times[out[i].Text]; n > 1 && out[i].Index < 0 {
			out[i].Text += " (" + strconv.Itoa(n) + " times)"
		}
	}
	return out
}

// mostMends is how many mends are written, beside that on Lunette.
const mostMends = 2

// Foremost are the mends that are written with a finding, in their order: the first of each of the first systems, and that on Lunette. All
// of them stand on the page of the manual.
func Foremost(all []Mend) []Mend {
	var out []Mend
	others := 0
	for _, m := range all {
		seen := slices.ContainsFunc(out, func(o Mend) bool { return o.On == m.On })
		if seen || m.On != Lunette && others == mostMends {
			continue
		}
		if m.On != Lunette {
			others++
		}
		out = append(out, m)
	}
	return out
}

// Manual is the line that leads to the page of the manual, where more mends stand.
func (f *Finding) Manual(more int) string {
	line := "manual: lunette finding " + string(f.Code)
	switch {
	case more == 1:
		return "1 more mend, and the " + line
	case more > 1:
		return strconv.Itoa(more) + " more mends, and the " + line
	}
	return line
}

func timers(all []Timer) string {
	var parts []string
	for _, t := range all {
		parts = append(parts, t.Owner)
	}
	return strings.Join(parts, "; ")
}

// ahead names timers with when they run out.
func ahead(all []Timer) string {
	var parts []string
	for _, t := range all {
		parts = append(parts, "after "+strconv.FormatFloat(t.Seconds, 'g', -1, 64)+" s "+t.Owner)
	}
	return strings.Join(parts, "; ")
}

func join(codes []Code) string {
	var parts []string
	for _, c := range codes {
		parts = append(parts, string(c))
	}
	return strings.Join(parts, ", ")
}

// After writes a moment of a connection: nanoseconds since it began, in seconds with six digits.
func After(ns int64) string {
	return strconv.FormatFloat(float64(ns)/1e9, 'f', 6, 64)
}

// Span writes a duration as people say it, with three digits: 90 µs, 4.88 ms, 20.0 s, 120 s.
func Span(d time.Duration) string {
	unit, name := time.Second, " s"
	switch {
	case d < time.Microsecond:
		unit, name = time.Nanosecond, " ns"
	case d < time.Millisecond:
		unit, name = time.Microsecond, " µs"
	case d < time.Second:
		unit, name = time.Millisecond, " ms"
	}
	x := float64(d) / float64(unit)
	switch {
	case unit == time.Nanosecond || x >= 100:
		return strconv.FormatFloat(x, 'f', 0, 64) + name
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64) + name
	}
	return strconv.FormatFloat(x, 'f', 2, 64) + name
}

// Ahead names the timers that may yet end a stall which lasts, with when they run out; "" where there are none, or it is over.
func (f *Finding) Ahead() string {
	if len(f.Timers) == 0 || f.Timers[0].Seconds <= f.Waited.Seconds()+1 {
		return ""
	}
	return ahead(f.Timers)
}
