package match

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
)

// code is what a machine runs: the instructions of a compiled expression, with what they take of bytes in a table.
type code struct {
	steps  []instruction
	chars  []charset // what the steps take, each set once
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

// instruction is one step. arg is the other way of opAlt, the place of opCapture, the assertion of opAssert, the set of opChar.
type instruction struct {
	out, arg uint32
	op       opcode
}

// charset is a set of characters.
type charset struct {
	table [4]uint64   // the bytes, or characters below 128, that are in it
	wide  syntax.Inst // what decides on other characters
}

// newCode makes one of prog.
func newCode(prog *syntax.Prog, bytes bool) *code {
	known := map[string]uint32{}
	p := &code{steps: make([]instruction, len(prog.Inst)), start: uint32(prog.Start), binary: bytes, skips: true}
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
			s.op, s.arg = opChar, p.charset(in, known)
		}
		p.steps[i] = s
	}
	p.begins(p.start, make([]bool, len(p.steps)))
	if !bytes {
		p.first[2], p.first[3] = ^uint64(0), ^uint64(0)
	}
	return p
}

// charset returns the number of the set of characters that in takes.
func (p *code) charset(in *syntax.Inst, known map[string]uint32) uint32 {
	key := binary.AppendUvarint([]byte{byte(in.Op)}, uint64(in.Arg))
	for _, r := range in.Rune {
		key = binary.AppendVarint(key, int64(r))
	}
	if n, ok := known[string(key)]; ok {
		return n
	}
	c := charset{wide: syntax.Inst{Op: in.Op, Arg: in.Arg, Rune: slices.Clone(in.Rune)}}
	for r := range rune(256) {
		if (p.binary || r < 128) && takes(in, r) {
			c.table[r>>6] |= 1 << (r & 63)
		}
	}
	n := uint32(len(p.chars)) //nolint:gosec // at most one for each step
	known[string(key)] = n
	p.chars = append(p.chars, c)
	return n
}

// memory returns the bytes that p holds.
func (p *code) memory() int64 {
	n := int64(len(p.steps))*12 + int64(len(p.chars))*80 + 128
	for i := range p.chars {
		n += int64(len(p.chars[i].wide.Rune)) * 4
	}
	return n
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
		for i, bits := range p.chars[in.arg].table {
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

// takes reports whether r is in c.
func (c *charset) takes(r rune) bool {
	if uint32(r) < 128 {
		return c.table[r>>6]>>(r&63)&1 != 0
	}
	return takes(&c.wide, r)
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
