package explain

import (
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/fact"
)

// What is folded together.
const (
	apart    = 3   // up to so many exchanges, request and response have a row each
	longRun  = 6   // from so many rows of one class on, the inner ones are left out
	mostRows = 400 // of one ladder; beyond, only what stands out is kept of its middle
)

// fold makes a ladder short: exchanges take one row where there are many and, unless all is wanted, long runs are summed up.
func fold(rows []row, exchanges int, all bool) []row {
	rows = oneWait(rows)
	if exchanges > apart {
		rows = pair(rows)
	}
	if all {
		return rows
	}
	rows = joinRuns(rows)
	if len(rows) > mostRows {
		rows = thin(rows)
	}
	return rows
}

// oneWait leaves out the single silences, and what was sent again between them, where one row stands for all of them.
func oneWait(rows []row) []row {
	if !slices.ContainsFunc(rows, func(r row) bool { return r.form == gap && r.kind == fact.None }) {
		return rows
	}
	marked := false
	rows = slices.DeleteFunc(rows, func(r row) bool {
		gone := r.kind == fact.Silence || r.kind == fact.TCPRetransmission
		marked = marked || gone && r.marked
		return gone
	})
	for i := range rows {
		rows[i].marked = rows[i].marked || marked && rows[i].form == gap && rows[i].kind == fact.None
	}
	return rows
}

// pair puts a request and its response into one row, where nothing lies between.
func pair(rows []row) []row {
	out := rows[:0]
	for _, r := range rows {
		if n := len(out) - 1; n >= 0 && r.exchange != nil && out[n].exchange == r.exchange && out[n].form == arrow {
			q := &out[n]
			q.form, q.name, q.level = both, q.name+" → "+r.name, max(q.level, r.level)
			q.more = joined(", ", q.more, r.more)
			q.class = fmt.Sprint("exchange", r.level)
			q.marked = q.marked || r.marked
			continue
		}
		out = append(out, r)
	}
	return out
}

// joinRuns leaves out the inner rows of long runs of one class.
func joinRuns(rows []row) []row {
	var out []row
	for i := 0; i < len(rows); {
		j := i + 1
		for j < len(rows) && rows[i].class != "" && rows[j].class == rows[i].class && !rows[i].marked && !rows[j].marked {
			j++
		}
		if j-i < longRun {
			out = append(out, rows[i:j]...)
		} else {
			out = append(out, rows[i], rows[i+1], summary(rows[i+2:j-1]), rows[j-1])
		}
		i = j
	}
	return out
}

// summary stands for a run.
func summary(run []row) row {
	s := row{at: run[0].at, form: more, level: run[0].level, side: fact.SideNone, fact: -1}
	last := run[len(run)-1].at
	s.name = "… " + grouped(int64(len(run))) + " more like this, within " + span(last-s.at)
	return s
}

// thin keeps the first and last rows of a very long ladder, and what stands out between.
func thin(rows []row) []row {
	const first, last = mostRows / 2, mostRows / 4
	out := append([]row(nil), rows[:first]...)
	var left []row
	flush := func() {
		if len(left) > 0 {
			s := summary(left)
			s.name = "… " + several(int64(len(left)), "row") + " left out: --all shows them"
			s.level = routine
			out = append(out, s)
			left = nil
		}
	}
	for _, r := range rows[first : len(rows)-last] {
		if (r.level == bad || r.marked) && len(out) < 2*mostRows {
			flush()
			out = append(out, r)
			continue
		}
		left = append(left, r)
	}
	flush()
	return append(out, rows[len(rows)-last:]...)
}
