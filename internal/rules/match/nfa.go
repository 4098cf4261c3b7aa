package match

import (
	"math/bits"
	"regexp/syntax"
	"slices"
)

// nfa is a program as sets of positions. A position is an instruction that takes a character, or an assertion that needs to know the next
// character; all others are passed at once. One nfa may hold several patterns: each has its own accepting bit.
type nfa struct {
	*classes
	words   int        // of 64 positions each
	takes   [][]uint8  // of each position: the classes it takes; nil for an assertion
	follow  [][]uint64 // of each position and kind of the character before: positions reached, with the accepting bits last
	needs   []syntax.EmptyOp
	start   [kinds][]uint64
	look    bool     // there are assertions about the next character
	asserts []uint64 // the positions that are assertions
	kindful []uint64 // those of them to which the character before matters as well
	accept  uint64   // all accepting bits
	chain   []int32  // of each position: the row that it belongs to
	chained []uint64 // positions of rows
	chains  int      // number of rows
}

// maxInsts bounds the programs that are turned into automata at all.
const maxInsts = 20000

// newNFA joins programs. ok is false where they are beyond what an automaton can be made of.
func newNFA(progs []*syntax.Prog, binary bool) (n *nfa, ok bool) {
	total := 0
	for _, p := range progs {
		total += len(p.Inst)
	}
	if total > maxInsts || len(progs) > 64 {
		return nil, false
	}
	b := nfaBuilder{nfa: &nfa{accept: 1<<len(progs) - 1}}
	asserts := false
	var ranged [][]rune
	for _, p := range progs {
		index := make([]int, len(p.Inst))
		for i := range p.Inst {
			in := &p.Inst[i]
			index[i] = -1
			switch in.Op {
			case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
				index[i] = len(b.needs)
				b.needs = append(b.needs, 0)
				ranged = append(ranged, ranges(in))
			case syntax.InstEmptyWidth:
				asserts = true
				if ahead := syntax.EmptyOp(in.Arg) &^ (syntax.EmptyBeginLine | syntax.EmptyBeginText); ahead != 0 {
					index[i] = len(b.needs)
					b.needs = append(b.needs, syntax.EmptyOp(in.Arg))
					ranged = append(ranged, nil)
					b.look = true
				}
			}
		}
		b.index = append(b.index, index)
	}
	var sets [][]uint8
	if b.classes, sets, ok = divide(ranged, asserts, binary); !ok {
		return nil, false
	}
	b.takes = sets
	b.words = (len(b.needs)+63)/64 + 1
	b.link(progs)
	b.rows()
	b.chained = make([]uint64, b.words)
	for at, c := range b.chain {
		if c > 0 {
			b.chained[at>>6] |= 1 << (at & 63)
		}
	}
	return b.nfa, true
}

// nfaBuilder holds what is needed only while an nfa is built.
type nfaBuilder struct {
	*nfa
	index [][]int // of each program and instruction: its position, or -1
	mark  []int
	gen   int
	stack []uint32
}

// link fills in what each position leads to.
func (b *nfaBuilder) link(progs []*syntax.Prog) {
	b.follow = make([][]uint64, len(b.needs)*kinds)
	for k := range kinds {
		b.start[k] = make([]uint64, b.words)
	}
	for p, prog := range progs {
		b.mark = make([]int, len(prog.Inst))
		behinds := slices.ContainsFunc(prog.Inst, func(in syntax.Inst) bool { return in.Op == syntax.InstEmptyWidth })
		b.gen = 0
		for k := range kinds {
			b.reach(p, prog, uint32(prog.Start), k, b.start[k])
		}
		known := make(map[uint32][]uint64, len(prog.Inst)/4) // many instructions lead to one place
		for i := range prog.Inst {
			at := b.index[p][i]
			if at < 0 {
				continue
			}
			out := prog.Inst[i].Out
			for k := range kinds {
				if k > 0 && !behinds {
					b.follow[at*kinds+k] = b.follow[at*kinds]
					continue
				}
				set, ok := known[out*kinds+uint32(k)]
				if !ok {
					set = make([]uint64, b.words)
					b.reach(p, prog, out, k, set)
					known[out*kinds+uint32(k)] = set
				}
				b.follow[at*kinds+k] = set
			}
		}
	}
	b.kindfuls()
}

// kindfuls finds the assertions, and those of them to which the character before matters: by themselves, or by others that they lead to.
func (b *nfaBuilder) kindfuls() {
	b.asserts, b.kindful = make([]uint64, b.words-1), make([]uint64, b.words-1)
	for at, op := range b.needs {
		if op != 0 {
			b.asserts[at>>6] |= 1 << (at & 63)
		}
	}
	for again := true; again; {
		again = false
		for at, op := range b.needs {
			if op == 0 || b.kindful[at>>6]>>(at&63)&1 != 0 {
				continue
			}
			f := b.follow[at*kinds:][:kinds]
			matters := op&(syntax.EmptyWordBoundary|syntax.EmptyNoWordBoundary) != 0 ||
				!equalWords(f[0], f[1]) || !equalWords(f[0], f[2]) || !equalWords(f[0], f[3])
			for w, set := range b.kindful {
				matters = matters || f[0][w]&set != 0
			}
			if matters {
				b.kindful[at>>6] |= 1 << (at & 63)
				again = true
			}
		}
	}
}

// reach adds to set the positions that pc leads to, the character before being of a kind.
func (b *nfaBuilder) reach(p int, prog *syntax.Prog, pc uint32, before int, set []uint64) {
	b.gen++
	b.stack = append(b.stack[:0], pc)
	for len(b.stack) > 0 {
		pc := b.stack[len(b.stack)-1]
		b.stack = b.stack[:len(b.stack)-1]
		if b.mark[pc] == b.gen {
			continue
		}
		b.mark[pc] = b.gen
		in := &prog.Inst[pc]
		if at := b.index[p][pc]; at >= 0 {
			// What the character before rules out for certain needs no position.
			if in.Op != syntax.InstEmptyWidth || behind(syntax.EmptyOp(in.Arg), before) {
				set[at>>6] |= 1 << (at & 63)
			}
			continue
		}
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			b.stack = append(b.stack, in.Arg, in.Out)
		case syntax.InstCapture, syntax.InstNop:
			b.stack = append(b.stack, in.Out)
		case syntax.InstEmptyWidth:
			if behind(syntax.EmptyOp(in.Arg), before) {
				b.stack = append(b.stack, in.Out)
			}
		case syntax.InstMatch:
			set[b.words-1] |= 1 << p
		}
	}
}

// late reports whether a match can end in an assertion, so that the next character says whether it does.
func (n *nfa) late() bool {
	for at, op := range n.needs {
		for k := range kinds {
			if op != 0 && n.follow[at*kinds+k][n.words-1] != 0 {
				return true
			}
		}
	}
	return false
}

// behind reports whether the part of an assertion that is about the character before holds.
func behind(op syntax.EmptyOp, before int) bool {
	if op&syntax.EmptyBeginText != 0 && before != kindText {
		return false
	}
	return op&syntax.EmptyBeginLine == 0 || before == kindText || before == kindNewline
}

// holds reports whether an assertion holds between characters of two kinds.
func holds(op syntax.EmptyOp, before, next int) bool {
	if !behind(op, before) {
		return false
	}
	if op&syntax.EmptyEndText != 0 && next != kindText {
		return false
	}
	if op&syntax.EmptyEndLine != 0 && next != kindText && next != kindNewline {
		return false
	}
	boundary := (before == kindWord) != (next == kindWord)
	if op&syntax.EmptyWordBoundary != 0 && !boundary {
		return false
	}
	return op&syntax.EmptyNoWordBoundary == 0 || !boundary
}

// resolve passes the assertions of set that hold between characters of two kinds, into out, and drops the others.
// tried is scratch space. It returns the accepting bits.
func (n *nfa) resolve(set []uint64, before, next int, out, tried []uint64) uint64 {
	copy(out, set)
	if !n.look {
		return out[n.words-1]
	}
	clear(tried)
	for again := true; again; {
		again = false
		for w, asks := range n.asserts {
			rest := out[w] & asks &^ tried[w]
			tried[w] |= rest
			for ; rest != 0; rest &= rest - 1 {
				at := w<<6 | bits.TrailingZeros64(rest)
				if holds(n.needs[at], before, next) {
					orWords(out, n.follow[at*kinds+before])
					again = true
				}
			}
		}
	}
	for w, asks := range n.asserts {
		out[w] &^= asks
	}
	return out[n.words-1]
}

func orWords(out, from []uint64) {
	for i, w := range from {
		out[i] |= w
	}
}

func equalWords(a, b []uint64) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
