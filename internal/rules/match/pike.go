package match

import (
	"regexp/syntax"
	"unicode/utf8"
)

// machine finds the leftmost match and its groups, of all the one that the order of the alternatives prefers: what std regexp gives.
// It holds one thread for each instruction at most, so that its time is linear in what it reads.
type machine struct {
	prog   *code
	value  string
	binary bool
	width  int // places that a thread keeps: two of each group
	now    queue
	next   queue
	best   []int
	none   []int // places of a thread that begins
	found  bool
	spend  func(steps int) // is told of steps taken; nil: nobody is
	limit  int             // steps that may be taken; what needs more is not found
}

// slice is how many steps are taken between two calls of spend.
const slice = 8 << 10

// queue is a list of threads, the preferred ones first.
type queue struct {
	sparse []uint32
	dense  []uint32
	places []int
}

func (q *queue) reset(n, width int) {
	if len(q.sparse) < n {
		q.sparse = make([]uint32, n)
	}
	if cap(q.places) < n*width {
		q.places = make([]int, n*width)
	}
	q.places = q.places[:cap(q.places)]
	q.dense = q.dense[:0]
}

func (q *queue) has(pc uint32) bool {
	j := q.sparse[pc]
	return int(j) < len(q.dense) && q.dense[j] == pc
}

// find looks from value[at] on, where no match may begin before, and appends the places of the match and its groups to dst. It reads no further
// than value[end]. A step is an instruction that a thread comes by: their number is at most that of instructions times bytes, and no more than twice
// the program's are taken between two looks at limit and calls of spend.
func (m *machine) find(prog *code, groups int, value string, at, end int, dst []int) []int {
	m.prog, m.value, m.binary, m.width, m.found = prog, value, prog.binary, 2*(groups+1), false
	m.now.reset(len(prog.steps), m.width)
	m.next.reset(len(prog.steps), m.width)
	if cap(m.best) < m.width {
		m.best, m.none = make([]int, m.width), make([]int, m.width)
	}
	m.best, m.none = m.best[:m.width], m.none[:m.width]
	for i := range m.none {
		m.none[i] = -1
	}
	taken, each := 0, 1+m.width/8
	for {
		if len(m.now.dense) == 0 {
			if m.found {
				break
			}
			at = prog.skip(value, at, end)
		}
		if !m.found {
			m.none[0] = at
			m.add(&m.now, prog.start, at, m.none)
		}
		r, n := m.char(at)
		m.step(r, at+n)
		if taken += each * (1 + len(m.now.dense)); taken > slice {
			if m.pay(taken) {
				m.value = ""
				return nil
			}
			taken = 0
		}
		m.now, m.next = m.next, m.now
		m.next.dense = m.next.dense[:0]
		if at += n; n == 0 || at > end {
			break
		}
	}
	m.value = ""
	m.pay(taken)
	if !m.found {
		return nil
	}
	return append(dst, m.best...)
}

// pay tells of steps taken, and reports whether no more may be.
func (m *machine) pay(steps int) bool {
	m.limit -= steps
	if m.spend != nil {
		m.spend(steps)
	}
	return m.limit < 0
}

// char returns the character at a place, of no bytes at the end.
func (m *machine) char(at int) (r rune, n int) {
	switch {
	case at >= len(m.value):
		return -1, 0
	case m.binary || m.value[at] < utf8.RuneSelf:
		return rune(m.value[at]), 1
	}
	return utf8.DecodeRuneInString(m.value[at:])
}

// around returns which assertions hold at a place. Only ASCII counts for them, so that a byte before is enough.
func (m *machine) around(at int) syntax.EmptyOp {
	a, b := rune(-1), rune(-1)
	if at > 0 {
		a = rune(m.value[at-1])
	}
	if at < len(m.value) {
		b = rune(m.value[at])
	}
	return syntax.EmptyOpContext(a, b)
}

// step moves all threads over r, to the place at.
func (m *machine) step(r rune, at int) {
	for i, pc := range m.now.dense {
		in := &m.prog.steps[pc]
		switch in.op {
		case opMatch:
			copy(m.best, m.now.places[i*m.width:][:m.width])
			m.found = true
			return // those behind it are preferred less
		case opChar:
			if r >= 0 && m.prog.chars[in.arg].takes(r) {
				m.add(&m.next, in.out, at, m.now.places[i*m.width:][:m.width])
			}
		}
	}
}

// add puts the threads that pc leads to behind those of q.
func (m *machine) add(q *queue, pc uint32, at int, places []int) {
	if q.has(pc) {
		return
	}
	j := len(q.dense)
	q.sparse[pc] = uint32(j)
	q.dense = append(q.dense, pc)
	in := &m.prog.steps[pc]
	switch in.op {
	case opAlt:
		m.add(q, in.out, at, places)
		m.add(q, in.arg, at, places)
	case opGo:
		m.add(q, in.out, at, places)
	case opCapture:
		if int(in.arg) >= m.width {
			m.add(q, in.out, at, places)
			return
		}
		was := places[in.arg]
		places[in.arg] = at
		m.add(q, in.out, at, places)
		places[in.arg] = was
	case opAssert:
		if syntax.EmptyOp(in.arg)&^m.around(at) == 0 {
			m.add(q, in.out, at, places)
		}
	case opMatch:
		copy(q.places[j*m.width:][:m.width], places)
		q.places[j*m.width+1] = at
	case opChar:
		copy(q.places[j*m.width:][:m.width], places)
	}
}
