package filter

// How wide a load is, as in an opcode.
const (
	word = 0x00
	half = 0x08
	char = 0x10
)

// Where a load reads, as in an opcode.
const (
	absolute  = 0x20
	indirect  = 0x40 // behind an IPv4 header, whose place is base
	lengthOf  = 0x80
	noMask    = 0xffffffff
	kernelTag = 0xfffff000 + 44 // the VLAN tag that was taken off (SKF_AD_VLAN_TAG of Linux)
	kernelHas = 0xfffff000 + 48 // 1 when one was (SKF_AD_VLAN_TAG_PRESENT)
)

// The comparisons, as in an opcode.
const (
	equal   = 0x10
	greater = 0x20
	atLeast = 0x30
	anyBit  = 0x40
)

// value is what a test looks at.
type value struct {
	mode, size uint8
	at         uint32
	base       uint32 // indirect: where the IPv4 header begins
	mask       uint32
}

// test is one question.
type test struct {
	value
	op uint8
	k  uint32
}

type kind uint8

const (
	isTest kind = iota
	isAnd
	isOr
	isNot
	isTrue
	isFalse
)

// tree is an expression: a and b are asked in this order, as packets that were cut off fail at the first byte that they lack.
type tree struct {
	kind kind
	test test
	a, b *tree
}

func and(a, b *tree) *tree { return &tree{kind: isAnd, a: a, b: b} }
func or(a, b *tree) *tree  { return &tree{kind: isOr, a: a, b: b} }
func not(a *tree) *tree    { return &tree{kind: isNot, a: a} }

func constant(v bool) *tree {
	if v {
		return &tree{kind: isTrue}
	}
	return &tree{kind: isFalse}
}

// compare asks about a field at a fixed place.
func compare(at uint32, size uint8, op uint8, k uint32) *tree {
	return &tree{test: test{value{mode: absolute, size: size, at: at, mask: noMask}, op, k}}
}

// masked asks whether some bits of a field are k.
func masked(at uint32, size uint8, k, mask uint32) *tree {
	if mask == 0 {
		return constant(k == 0)
	}
	t := compare(at, size, equal, k)
	t.test.mask = mask
	return t
}

// length asks about the length of the packet on the wire.
func length(op uint8, k uint32) *tree {
	return &tree{test: test{value{mode: lengthOf, mask: noMask}, op, k}}
}
