package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// The bounds of an expression and its program.
const (
	MaxLength       = 64 << 10 // bytes of an expression
	MaxInstructions = 4096     // the kernel's (BPF_MAXINSNS)
	maxDepth        = 200      // parentheses and nots within one another
	maxTests        = 1024     // ids and primitives; each asks up to 30 questions
)

// Error is a fault in an expression.
type Error struct {
	Column int // in characters, from 1; 0: the expression as a whole
	Text   string
}

func (e *Error) Error() string {
	if e.Column == 0 {
		return "compile filter: " + e.Text
	}
	return fmt.Sprintf("compile filter: column %d: %s", e.Column, e.Text)
}

// Compile compiles an expression for frames of a link type of pcap: Ethernet, raw IP, IPv4, IPv6, null, loop, Linux cooked v1 and v2. A packet
// that matches is kept up to snap bytes (1 to 2³¹-1). "" matches all. Errors: *Error.
func Compile[Link ~uint16](expr string, link Link, snap int) ([]bpf.RawInstruction, error) {
	return compile(expr, uint16(link), snap, false)
}

// CompileLive is Compile for a socket of Linux, where the kernel takes the outer VLAN tag off a packet before the program sees it: vlan then asks
// the kernel for the tag. Without vlan in the expression it is the same. The program is no use for frames out of a file.
func CompileLive[Link ~uint16](expr string, link Link, snap int) ([]bpf.RawInstruction, error) {
	return compile(expr, uint16(link), snap, true)
}

func compile(expr string, link uint16, snap int, live bool) ([]bpf.RawInstruction, error) {
	if snap < 1 || snap > 1<<31-1 {
		return nil, &Error{Text: fmt.Sprintf("%d bytes of a packet are out of bounds, 1 to %d", snap, 1<<31-1)}
	}
	frame, ok := frameOf(link)
	if !ok {
		return nil, &Error{Text: fmt.Sprintf("frames of link type %d cannot be filtered: only Ethernet, raw IP, loopback and Linux cooked ones", link)}
	}
	tokens, err := scan(expr)
	if err != nil {
		return nil, err
	}
	tree, err := parse(tokens, frame, live)
	if err != nil {
		return nil, err
	}
	root := optimise(build(tree))
	if root == reject {
		return nil, &Error{Text: "no packet can match: two parts of the expression exclude one another, or the frames of this interface cannot hold what it asks for"}
	}
	return emit(root, uint32(snap))
}
