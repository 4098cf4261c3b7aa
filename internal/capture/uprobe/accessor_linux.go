//go:build amd64

package uprobe

import (
	"golang.org/x/arch/x86/x86asm"
)

// accessor is what the machine code of a small exported function does with the object in its first argument. The layout of SSL and of
// a GnuTLS session is private and changes between versions; the accessors are public, and their code names the offsets.
type accessor struct {
	addresses []place // addresses of fields that are computed (lea, add): the source of a copy
	results   []place // fields that are loaded into the result
	stores    []place // addresses that are stored through the second argument
}

// maxCode bounds how much of a function is read, in bytes.
const maxCode = 512

// readAccessor follows the registers through code in the order of its bytes. Branches are not taken: the fields that a function
// touches stand in its text whichever way it goes, and a call makes us forget what a call may change.
func readAccessor(code []byte) accessor {
	var a accessor
	regs := map[x86asm.Reg]place{x86asm.RDI: {}}
	second := map[x86asm.Reg]bool{x86asm.RSI: true}
	for len(code) > 0 {
		in, err := x86asm.Decode(code, 64)
		if err != nil || in.Len == 0 {
			break
		}
		a.step(in, regs, second)
		code = code[in.Len:]
	}
	return a
}

// step applies one instruction.
func (a *accessor) step(in x86asm.Inst, regs map[x86asm.Reg]place, second map[x86asm.Reg]bool) {
	if in.Op == x86asm.CALL {
		for _, r := range []x86asm.Reg{x86asm.RAX, x86asm.RCX, x86asm.RDX, x86asm.RSI, x86asm.RDI, x86asm.R8, x86asm.R9, x86asm.R10, x86asm.R11} {
			delete(regs, r)
			delete(second, r)
		}
		return
	}
	if mem, ok := in.Args[0].(x86asm.Mem); ok && in.Op == x86asm.MOV {
		if src, ok := in.Args[1].(x86asm.Reg); ok && second[wide(mem.Base)] && mem.Index == 0 {
			if p, ok := regs[src]; ok {
				a.stores = append(a.stores, p)
			}
		}
		return
	}
	dst, ok := in.Args[0].(x86asm.Reg)
	if !ok || in.Op == x86asm.CMP || in.Op == x86asm.TEST {
		return
	}
	p, known := a.value(in, dst, regs)
	src, _ := in.Args[1].(x86asm.Reg)
	fromSecond := in.Op == x86asm.MOV && second[src]
	delete(regs, wide(dst))
	delete(second, wide(dst))
	if known && p.plausible() {
		regs[wide(dst)] = p
	}
	if fromSecond {
		second[wide(dst)] = true
	}
}

// value is what in puts into dst, when it is derived from the object.
func (a *accessor) value(in x86asm.Inst, dst x86asm.Reg, regs map[x86asm.Reg]place) (place, bool) {
	switch in.Op {
	case x86asm.MOV:
		if src, ok := in.Args[1].(x86asm.Reg); ok {
			p, ok := regs[src]
			return p, ok
		}
		mem, ok := in.Args[1].(x86asm.Mem)
		base, known := regs[mem.Base]
		if !ok || !known || mem.Index != 0 || mem.Segment != 0 {
			return place{}, false
		}
		field := place{via: base.via, off: base.off + int32(mem.Disp)}
		if wide(dst) == x86asm.RAX && field.plausible() {
			a.results = append(a.results, field)
		}
		return place{via: append(append([]int32{}, field.via...), field.off)}, dst == wide(dst)
	case x86asm.LEA:
		mem, _ := in.Args[1].(x86asm.Mem)
		base, known := regs[mem.Base]
		if !known || mem.Index != 0 {
			return place{}, false
		}
		return a.address(place{via: base.via, off: base.off + int32(mem.Disp)})
	case x86asm.ADD, x86asm.SUB:
		base, known := regs[dst]
		imm, ok := in.Args[1].(x86asm.Imm)
		if !known || !ok {
			return place{}, false
		}
		if in.Op == x86asm.SUB {
			imm = -imm
		}
		return a.address(place{via: base.via, off: base.off + int32(imm)})
	}
	return place{}, false
}

func (a *accessor) address(p place) (place, bool) {
	if p.plausible() {
		a.addresses = append(a.addresses, p)
	}
	return p, true
}

// wide is the 64-bit register of which r is a part.
func wide(r x86asm.Reg) x86asm.Reg {
	if r >= x86asm.EAX && r <= x86asm.R15L {
		return r - x86asm.EAX + x86asm.RAX
	}
	return r
}

// source is the field that the function copies from, nil when that is not clear.
func (a accessor) source() *place { return only(a.addresses) }

// stored is the first address stored through the second argument.
func (a accessor) stored() *place {
	if len(a.stores) == 0 {
		return nil
	}
	return &a.stores[0]
}

// result is the last field loaded into the result; a first one at offset 0 is the kind of the object (OpenSSL 3.2).
func (a accessor) result() *place {
	if len(a.results) == 0 {
		return nil
	}
	return &a.results[len(a.results)-1]
}

// only returns the deepest place when there is one of that depth.
func only(all []place) *place {
	var best *place
	for i := range all {
		switch p := &all[i]; {
		case best == nil || len(p.via) > len(best.via):
			best = p
		case len(p.via) == len(best.via) && p.off != best.off:
			return nil
		}
	}
	return best
}

// place says how to walk from an object to one of its fields: each of via is added and the pointer there followed, then off is added.
type place struct {
	via []int32
	off int32
}

// plausible limits what the code of an accessor may make us read.
func (p place) plausible() bool {
	for _, o := range append([]int32{p.off}, p.via...) {
		if o < 0 || o > 1<<14 {
			return false
		}
	}
	return len(p.via) <= 2
}
