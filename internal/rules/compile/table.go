package compile

// fan is how many cells, or tables, a table holds.
const fan = 16

// table holds what is known of all TX variables at one point, by slot. It never changes: a table that differs in one cell shares all the rest
// with the one that it was made from, so that one for each rule of a large file costs little. What is nil is not known.
type table struct {
	shift uint      // how far a slot is shifted to find its place: 0 where cells are
	under []*table  // where shift > 0
	cells [fan]cell // where shift is 0
}

// newTable returns a table for n slots of which nothing is known.
func newTable(n int) *table {
	shift := uint(0)
	for most := fan; most < n; most *= fan {
		shift += 4
	}
	return emptyTable(shift)
}

func emptyTable(shift uint) *table {
	t := &table{shift: shift}
	if shift > 0 {
		t.under = make([]*table, fan)
	}
	return t
}

// at returns what is known of slot i.
func (t *table) at(i int32) cell {
	for t != nil && t.shift > 0 {
		t = t.under[i>>t.shift&(fan-1)]
	}
	if t == nil {
		return cell{}
	}
	return t.cells[i&(fan-1)]
}

// with returns t, but for slot i, where c is.
func (t *table) with(i int32, c cell) *table {
	if t.at(i) == c {
		return t
	}
	return t.put(i, c)
}

func (t *table) put(i int32, c cell) *table {
	out := *t
	if t.shift == 0 {
		out.cells[i&(fan-1)] = c
		return &out
	}
	k := i >> t.shift & (fan - 1)
	sub := t.under[k]
	if sub == nil {
		sub = emptyTable(t.shift - 4)
	}
	out.under = append([]*table(nil), t.under...)
	out.under[k] = sub.put(i, c)
	return &out
}

// join is what two tables have in common, and how many tables were looked at for it. Where it is equal to o or to t, it is that one: rules that
// follow each other then join in few steps.
func (t *table) join(o *table) (joined *table, steps int) {
	switch {
	case t == o:
		return o, 1
	case t == nil || o == nil: // what one does not know, both together do not
		return nil, 1
	}
	if t.shift == 0 {
		return t.joinCells(o), 1
	}
	var under [fan]*table
	asT, asO := true, true
	for i, sub := range t.under {
		j, n := sub.join(o.under[i])
		under[i] = j
		asT, asO = asT && j == sub, asO && j == o.under[i]
		steps += n
	}
	switch {
	case asO:
		return o, steps + 1
	case asT:
		return t, steps + 1
	}
	return &table{shift: t.shift, under: append([]*table(nil), under[:]...)}, steps + 1
}

func (t *table) joinCells(o *table) *table {
	var cells [fan]cell
	asT, asO := true, true
	for i := range cells {
		cells[i] = t.cells[i].join(o.cells[i])
		asT, asO = asT && cells[i] == t.cells[i], asO && cells[i] == o.cells[i]
	}
	switch {
	case asO:
		return o
	case asT:
		return t
	}
	return &table{cells: cells}
}
