//go:build amd64

package uprobe

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// Offsets in struct pt_regs of amd64, which is ABI.
const (
	regR11 = 48
	regR10 = 56
	regR9  = 64
	regR8  = 72
	regRBX = 40
	regRAX = 80
	regRCX = 88
	regRDX = 96
	regRSI = 104
	regRDI = 112
	regIP  = 128
	regSP  = 152
)

// code collects the instructions of one program. R6 holds the context, R7 the id of thread and process, R8 the process; R9 is free.
// Helpers clobber R0 to R5.
type code struct {
	ins  asm.Instructions
	mark string // label of the next instruction
	next int
}

// add appends instructions; the first takes a label that waits.
func (c *code) add(ins ...asm.Instruction) {
	for _, in := range ins {
		if c.mark != "" {
			in, c.mark = in.WithSymbol(c.mark), ""
		}
		c.ins = append(c.ins, in)
	}
}

// label names the place of the next instruction.
func (c *code) label(name string) {
	if c.mark != "" {
		c.add(asm.Mov.Reg(asm.R0, asm.R0)) // two names for one place: R0 is defined by every caller
	}
	c.mark = name
}

// fresh makes a label that no other has.
func (c *code) fresh(name string) string {
	c.next++
	return fmt.Sprintf("%s%d", name, c.next)
}

// load puts an 8-byte slot of the stack into a register.
func (c *code) load(r asm.Register, slot int16) { c.add(asm.LoadMem(r, asm.RFP, slot, asm.DWord)) }

// store puts a register into an 8-byte slot of the stack.
func (c *code) store(slot int16, r asm.Register) { c.add(asm.StoreMem(asm.RFP, slot, r, asm.DWord)) }

// zero clears 8-byte slots of the stack.
func (c *code) zero(slots ...int16) {
	c.add(asm.Mov.Imm(asm.R1, 0))
	for _, s := range slots {
		c.store(s, asm.R1)
	}
}

// frame puts the address of a slot into a register.
func (c *code) frame(r asm.Register, slot int16) {
	c.add(asm.Mov.Reg(r, asm.RFP), asm.Add.Imm(r, int32(slot)))
}

// readTo copies size bytes from R3 to a slot; R0 is 0 when it could.
func (c *code) readTo(slot int16, size int32, helper asm.BuiltinFunc) {
	c.frame(asm.R1, slot)
	c.add(asm.Mov.Imm(asm.R2, size), helper.Call())
}

// lookup finds the value for the key in a slot: R0, 0 when there is none.
func (c *code) lookup(fd int, slot int16) {
	c.frame(asm.R2, slot)
	c.add(asm.LoadMapPtr(asm.R1, fd), asm.FnMapLookupElem.Call())
}

// update stores value for key, both in slots.
func (c *code) update(fd int, key, value int16) {
	c.frame(asm.R2, key)
	c.frame(asm.R3, value)
	c.add(asm.LoadMapPtr(asm.R1, fd), asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call())
}

// remove deletes a key.
func (c *code) remove(fd int, slot int16) {
	c.frame(asm.R2, slot)
	c.add(asm.LoadMapPtr(asm.R1, fd), asm.FnMapDeleteElem.Call())
}

// end is where every program leaves.
func (c *code) end() {
	c.label("out")
	c.add(asm.Mov.Imm(asm.R0, 0), asm.Return())
}

// walk puts the address of a place into R3, the object's address being in from; it uses tmp and jumps to fail when it cannot read.
func (c *code) walk(from asm.Register, p place, tmp int16, fail string) {
	c.add(asm.Mov.Reg(asm.R3, from))
	for _, v := range p.via {
		c.add(asm.Add.Imm(asm.R3, v))
		c.readTo(tmp, 8, asm.FnProbeReadUser)
		c.add(asm.JNE.Imm(asm.R0, 0, fail))
		c.load(asm.R3, tmp)
		c.add(asm.JEq.Imm(asm.R3, 0, fail))
	}
	c.add(asm.Add.Imm(asm.R3, p.off))
}

// Offsets in an event, see [event].
const (
	evKind, evPID, evLibrary, evLabelLen = 0, 4, 8, 12
	evComm, evRandom, evSecret           = 16, 32, 64
	evSecretLen, evFlags                 = 128, 132
	evIP, evLabelPtr, evLabel            = 136, 144, 152
	evSize                               = 184
)

// reserve makes an event, its address in R9, all zero but for who. It leaves to "out" and counts when there is no room.
func (c *code) reserve(m *maps, kind, library int) {
	room := c.fresh("room")
	c.add(asm.LoadMapPtr(asm.R1, m.events.FD()), asm.Mov.Imm(asm.R2, evSize), asm.Mov.Imm(asm.R3, 0), asm.FnRingbufReserve.Call(),
		asm.JNE.Imm(asm.R0, 0, room))
	c.zero(slotSmall)
	c.lookup(m.lost.FD(), slotSmall)
	c.add(asm.JEq.Imm(asm.R0, 0, "out"), asm.Mov.Imm(asm.R1, 1), asm.StoreXAdd(asm.R0, asm.R1, asm.DWord), asm.Ja.Label("out"))
	c.label(room)
	c.add(asm.Mov.Reg(asm.R9, asm.R0), asm.Mov.Imm(asm.R1, 0))
	for off := int16(0); off < evSize; off += 8 {
		c.add(asm.StoreMem(asm.R9, off, asm.R1, asm.DWord))
	}
	c.add(asm.StoreImm(asm.R9, evKind, int64(kind), asm.Word), asm.StoreImm(asm.R9, evLibrary, int64(library), asm.Word),
		asm.StoreMem(asm.R9, evPID, asm.R8, asm.Word),
		asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, evComm), asm.Mov.Imm(asm.R2, 16), asm.FnGetCurrentComm.Call())
}

// into copies size bytes from R3 into the event; R0 is 0 when it could.
func (c *code) into(off int32, size int32) {
	c.add(asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, off), asm.Mov.Imm(asm.R2, size), asm.FnProbeReadUser.Call())
}

// intoSome is into with the number of bytes in R2, which the caller has bounded.
func (c *code) intoSome(off int32) {
	c.add(asm.Mov.Reg(asm.R1, asm.R9), asm.Add.Imm(asm.R1, off), asm.FnProbeReadUser.Call())
}

// submit hands the event over and leaves.
func (c *code) submit() {
	c.add(asm.Mov.Reg(asm.R1, asm.R9), asm.Mov.Imm(asm.R2, 0), asm.FnRingbufSubmit.Call(), asm.Ja.Label("out"))
}
