package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// Opcodes.
const (
	opLoadX   = 0xb1 // 4 * the low half of a byte, into X: the length of an IPv4 header
	opAnd     = 0x54
	opJump    = 0x05
	opReturn  = 0x06
	farthest  = 255 // instructions that a test goes over
	classTest = 0x05
)

// registers is what the two registers hold; a mode of 0 in a stands for nothing that is known.
type registers struct {
	a value
	x uint32 // of which IPv4 header the length is in X, plus 1; 0: none
}

// block is the instructions of a node: what loads, then its test.
type block struct {
	node *node
	load []bpf.RawInstruction
	at   int  // the place of its first instruction
	farT bool // its way on is too far for a test, so an instruction of its own jumps
	farF bool
}

func (b *block) size() int {
	n := len(b.load) + 1
	if b.farT {
		n++
	}
	if b.farF {
		n++
	}
	return n
}

// emit lays a program out: each node before those that it leads to, with the loads that the registers do not make needless.
func emit(root *node, snap uint32) ([]bpf.RawInstruction, error) {
	if root == accept {
		return []bpf.RawInstruction{{Op: opReturn, K: snap}}, nil
	}
	nodes := order(root)
	blocks := make([]block, len(nodes))
	load(nodes, blocks)
	ends, tail := tails(root, snap)
	for {
		at := 0
		for i := range blocks {
			blocks[i].at = at
			at += blocks[i].size()
		}
		if at+len(tail) > MaxInstructions {
			return nil, &Error{Text: fmt.Sprintf("the program needs more than %d instructions: ask for less, or for networks instead of single hosts", MaxInstructions)}
		}
		place := func(n *node) int {
			if n == accept || n == reject {
				return at + ends[n]
			}
			return blocks[n.id].at
		}
		if !stretch(blocks, place) {
			return append(assemble(blocks, place), tail...), nil
		}
	}
}

// tails gives the two instructions that end a program, in the order in which a walk meets them.
func tails(root *node, snap uint32) (map[*node]int, []bpf.RawInstruction) {
	yes, no := bpf.RawInstruction{Op: opReturn, K: snap}, bpf.RawInstruction{Op: opReturn}
	for n := root; ; n = n.f { // the end that the way of "no" meets comes last
		if n == reject {
			return map[*node]int{accept: 0, reject: 1}, []bpf.RawInstruction{yes, no}
		} else if n == accept {
			return map[*node]int{reject: 0, accept: 1}, []bpf.RawInstruction{no, yes}
		}
	}
}

// load finds what each block must load: what all ways to it leave in the registers need not be loaded again.
func load(nodes []*node, blocks []block) {
	in := make([]*registers, len(nodes))
	in[0] = &registers{}
	for i, n := range nodes {
		have := *in[i]
		b := &blocks[i]
		b.node = n
		if n.mode == indirect && have.x != n.base+1 {
			b.load = append(b.load, bpf.RawInstruction{Op: opLoadX, K: n.base})
			have.x = n.base + 1
		}
		if have.a != n.value {
			plain := n.value
			plain.mask = noMask
			if have.a != plain {
				b.load = append(b.load, bpf.RawInstruction{Op: uint16(n.mode | n.size), K: n.at})
			}
			if n.mask != noMask {
				b.load = append(b.load, bpf.RawInstruction{Op: opAnd, K: n.mask})
			}
			have.a = n.value
		}
		for _, to := range []*node{n.t, n.f} {
			switch {
			case to == accept || to == reject:
			case in[to.id] == nil:
				in[to.id] = &registers{have.a, have.x}
			default:
				if in[to.id].a != have.a {
					in[to.id].a = value{}
				}
				if in[to.id].x != have.x {
					in[to.id].x = 0
				}
			}
		}
	}
}

// stretch marks the ways that are too far for a test, and reports whether there were new ones.
func stretch(blocks []block, place func(*node) int) bool {
	found := false
	for i := range blocks {
		b := &blocks[i]
		from := b.at + len(b.load) + 1
		if !b.farT && place(b.node.t)-from > farthest-2 {
			b.farT, found = true, true
		}
		if !b.farF && place(b.node.f)-from > farthest-2 {
			b.farF, found = true, true
		}
	}
	return found
}

func assemble(blocks []block, place func(*node) int) []bpf.RawInstruction {
	var out []bpf.RawInstruction
	for i := range blocks {
		b := &blocks[i]
		out = append(out, b.load...)
		from := len(out) + 1 // where the offsets of the test count from
		jump := bpf.RawInstruction{Op: classTest | uint16(b.node.op), K: b.node.k}
		var far []bpf.RawInstruction
		way := func(to *node, isFar bool) uint8 {
			if !isFar {
				return uint8(place(to) - from)
			}
			far = append(far, bpf.RawInstruction{Op: opJump, K: uint32(place(to) - from - len(far) - 1)})
			return uint8(len(far) - 1)
		}
		jump.Jt = way(b.node.t, b.farT)
		jump.Jf = way(b.node.f, b.farF)
		out = append(append(out, jump), far...)
	}
	return out
}
