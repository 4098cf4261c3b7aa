package match

import "regexp/syntax"

// code is what a machine runs: the instructions of a compiled expression, with what they take of bytes in a table.
type code struct {
	steps  []instruction
	start  uint32
	binary bool
	first  [4]uint64 // bytes that a match can begin with
	skips  bool      // none begins with another, and none is empty
}

type opcode uint8

const (
	opFail opcode = iota
	opAlt
	opGo
	opCapture
	opAssert
	opMatch
	opChar
)

// instruction is one step. arg is the other way of opAlt, the place of opCapture, the assertion of opAssert.
type instruction struct {
	op       opcode
	out, arg uint32
	table    [4]uint64    // of opChar: bytes, or characters below 128, that it takes
	wide     *syntax.Inst // of opChar: what decides on other characters
}

// newCode makes one of prog.
func newCode(prog *syntax.Prog, binary bool) *code {
	p := &code{steps: make([]instruction, len(prog.Inst)), start: uint32(prog.Start), binary: binary, skips: true}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		s := instruction{out: in.Out, arg: in.Arg}
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			s.op = opAlt
		case syntax.InstNop:
			s.op = opGo
		case syntax.InstCapture:
			s.op = opCapture
		case syntax.InstEmptyWidth:
			s.op = opAssert
		case syntax.InstMatch:
			s.op = opMatch
		case syntax.InstFail:
			s.op = opFail
		default:
			s.op, s.wide = opChar, in
			for r := range rune(256) {
				if (binary || r < 128) && takes(in, r) {
					s.table[r>>6] |= 1 << (r & 63)
				}
			}
		}
		p.steps[i] = s
	}
	p.begins(p.start, make([]bool, len(p.steps)))
	if !binary {
		p.first[2], p.first[3] = ^uint64(0), ^uint64(0)
	}
	return p
}

// begins gathers what a match can begin with.
func (p *code) begins(pc uint32, seen []bool) {
	if seen[pc] {
		return
	}
	seen[pc] = true
	switch in := &p.steps[pc]; in.op {
	case opAlt:
		p.begins(in.out, seen)
		p.begins(in.arg, seen)
	case opGo, opCapture, opAssert:
		p.begins(in.out, seen)
	case opMatch:
		p.skips = false
	case opChar:
		for i, bits := range in.table {
			p.first[i] |= bits
		}
	}
}

// skip returns the next place from at on where a match can begin, at most end.
func (p *code) skip(value string, at, end int) int {
	if !p.skips {
		return at
	}
	for at < end && p.first[value[at]>>6]>>(value[at]&63)&1 == 0 {
		at++
	}
	return at
}

// takes reports whether in takes character r.
func (in *instruction) takes(r rune) bool {
	if uint32(r) < 128 {
		return in.table[r>>6]>>(r&63)&1 != 0
	}
	return takes(in.wide, r)
}

func takes(in *syntax.Inst, r rune) bool {
	switch in.Op {
	case syntax.InstRune1:
		return r == in.Rune[0]
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return r != '\n'
	}
	return in.MatchRune(r)
}
