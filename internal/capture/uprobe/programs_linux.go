//go:build amd64

package uprobe

import (
	"encoding/binary"

	"github.com/cilium/ebpf/asm"
)

// Slots of the stack, below the frame pointer. The first ones mean the same in every program.
const (
	slotThread = -8  // thread and process
	slotSmall  = -16 // key of a map, result of a read
	slotExe    = -32 // device, then inode: 16 bytes
	slotArgs   = -64 // four words of pending: 32 bytes
	slotWork   = -72
	slotSeen   = -88 // process and session: 16 bytes
	slotRandom = -96
)

// kinds of events.
const (
	kindMaster    = 1 // master secret of TLS 1.2 and below, beside the client random
	kindLabel     = 2 // secret of TLS 1.3 with OpenSSL's label
	kindHKDFLabel = 3 // the same with the whole HkdfLabel
	kindGo        = 4 // what Go would write: label by address
)

// programs makes the programs; each gets the number of the library that it is attached to, to name it in events.
type programs struct {
	maps   *maps
	kernel kernelOffsets
	wants  struct{ pids, exes bool }
	light  bool // nothing at reads and writes
}

// begin is the head of every program that starts something: it leaves unless the process was asked for.
func (p *programs) begin() *code {
	c := &code{}
	c.add(asm.Mov.Reg(asm.R6, asm.R1), asm.FnGetCurrentPidTgid.Call(), asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Reg(asm.R8, asm.R0), asm.RSh.Imm(asm.R8, 32))
	c.store(slotThread, asm.R7)
	c.store(slotSmall, asm.R8)
	c.lookup(p.maps.pids.FD(), slotSmall)
	c.add(asm.JNE.Imm(asm.R0, 0, "wanted"), asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R9, asm.R0))
	if p.wants.exes {
		p.byExe(c)
	}
	if p.wants.pids {
		p.byParent(c)
	}
	c.add(asm.Ja.Label("out"))
	c.label("wanted")
	return c
}

// follow puts the pointer at R3+off into R3.
func (c *code) follow(off uint32, fail string) {
	c.add(asm.Add.Imm(asm.R3, int32(off)))
	c.readTo(slotSmall, 8, asm.FnProbeReadKernel)
	c.add(asm.JNE.Imm(asm.R0, 0, fail))
	c.load(asm.R3, slotSmall)
}

// byExe looks up inode and device of the program that the task in R9 runs.
func (p *programs) byExe(c *code) {
	k, no := p.kernel, "parents"
	c.zero(slotExe, slotExe+8)
	c.add(asm.Mov.Reg(asm.R3, asm.R9))
	c.follow(k.mm, no)
	c.add(asm.JEq.Imm(asm.R3, 0, no))
	c.follow(k.exeFile, no)
	c.follow(k.inode, no)
	c.store(slotWork, asm.R3)
	c.add(asm.Add.Imm(asm.R3, int32(k.ino)))
	c.readTo(slotExe+8, 8, asm.FnProbeReadKernel)
	c.load(asm.R3, slotWork)
	c.follow(k.superblock, no)
	c.add(asm.Add.Imm(asm.R3, int32(k.device)))
	c.readTo(slotExe, 4, asm.FnProbeReadKernel)
	c.lookup(p.maps.exes.FD(), slotExe)
	c.add(asm.JNE.Imm(asm.R0, 0, "wanted"))
	c.label(no)
	c.add(asm.Mov.Imm(asm.R0, 0))
}

// byParent looks up parent and grandparent of the task in R9: a worker that was forked a moment ago counts at once.
func (p *programs) byParent(c *code) {
	for range 2 {
		miss := c.fresh("miss")
		c.add(asm.Mov.Reg(asm.R3, asm.R9))
		c.follow(p.kernel.parent, "out")
		c.add(asm.Mov.Reg(asm.R9, asm.R3))
		c.zero(slotSmall)
		c.add(asm.Mov.Reg(asm.R3, asm.R9), asm.Add.Imm(asm.R3, int32(p.kernel.tgid)))
		c.readTo(slotSmall, 4, asm.FnProbeReadKernel)
		c.lookup(p.maps.pids.FD(), slotSmall)
		c.add(asm.JEq.Imm(asm.R0, 0, miss), asm.LoadMem(asm.R1, asm.R0, 0, asm.Byte), asm.JEq.Imm(asm.R1, int32(withChildren), "wanted"))
		c.label(miss)
		c.add(asm.Mov.Imm(asm.R0, 0))
	}
}

// session is for functions whose first argument is the session. While it shakes hands the thread is noted as working for it; when
// it is open and has not been seen, its master secret is taken.
func (p *programs) session(f fields, opened bool, library int) asm.Instructions {
	c := p.begin()
	c.add(asm.LoadMem(asm.R9, asm.R6, regRDI, asm.DWord), asm.JEq.Imm(asm.R9, 0, "out"))
	if opened && f.shaking != nil {
		c.walk(asm.R9, *f.shaking, slotSmall, "out")
		c.zero(slotSmall)
		c.readTo(slotSmall, 4, asm.FnProbeReadUser)
		c.load(asm.R1, slotSmall)
		c.add(asm.JEq.Imm(asm.R1, 0, "open"))
	}
	if !opened || f.shaking != nil {
		c.walk(asm.R9, f.random, slotSmall, "out")
		c.store(slotWork, asm.R3)
		c.update(p.maps.threads.FD(), slotThread, slotWork)
		c.store(slotWork, asm.R9)
		c.update(p.maps.sessions.FD(), slotThread, slotWork)
		c.add(asm.Ja.Label("out"))
	}
	if opened {
		c.label("open")
		p.once(c, f)
		p.master(c, f, library)
	}
	c.end()
	return c.ins
}

// once leaves when the session in R9 was seen with this client random.
func (p *programs) once(c *code, f fields) {
	c.walk(asm.R9, f.random, slotSmall, "out")
	c.readTo(slotRandom, 8, asm.FnProbeReadUser)
	c.add(asm.JNE.Imm(asm.R0, 0, "out"))
	c.store(slotSeen, asm.R8)
	c.store(slotSeen+8, asm.R9)
	c.lookup(p.maps.seen.FD(), slotSeen)
	c.add(asm.JEq.Imm(asm.R0, 0, "unseen"), asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord))
	c.load(asm.R2, slotRandom)
	c.add(asm.JEq.Reg(asm.R1, asm.R2, "out"))
	c.label("unseen")
	c.update(p.maps.seen.FD(), slotSeen, slotRandom)
}

// master sends the master secret of the session in R9, if its version has one.
func (p *programs) master(c *code, f fields, library int) {
	c.walk(asm.R9, *f.version, slotSmall, "out")
	c.zero(slotSmall)
	c.readTo(slotSmall, 4, asm.FnProbeReadUser)
	c.load(asm.R1, slotSmall)
	c.add(asm.JEq.Imm(asm.R1, 0, "out"), asm.JGT.Imm(asm.R1, f.newest, "out"))
	c.walk(asm.R9, f.random, slotSmall, "out")
	c.store(slotArgs, asm.R3)
	c.walk(asm.R9, *f.master, slotSmall, "out")
	c.store(slotArgs+8, asm.R3)
	c.reserve(p.maps, kindMaster, library)
	c.random(slotArgs)
	c.load(asm.R3, slotArgs+8)
	c.into(evSecret, 48)
	c.add(asm.StoreImm(asm.R9, evSecretLen, 48, asm.Word))
	c.submit()
}

// random reads the client random whose address is in a slot, and sets the flag when it could.
func (c *code) random(slot int16) {
	without := c.fresh("without")
	c.load(asm.R3, slot)
	c.into(evRandom, 32)
	c.add(asm.JNE.Imm(asm.R0, 0, without), asm.StoreImm(asm.R9, evFlags, 1, asm.Word))
	c.label(without)
	c.add(asm.Mov.Imm(asm.R0, 0))
}

// shaken is for the return of a handshake (GnuTLS): what was agreed lies in the session.
func (p *programs) shaken(f fields, library int) asm.Instructions {
	c := p.again(p.maps.sessions.FD(), 1)
	c.add(asm.LoadMem(asm.R1, asm.R6, regRAX, asm.DWord), asm.LSh.Imm(asm.R1, 32), asm.ArSh.Imm(asm.R1, 32))
	const tryAgain, interrupted = -28, -52 // it has not ended
	c.add(asm.JEq.Imm(asm.R1, tryAgain, "out"), asm.JEq.Imm(asm.R1, interrupted, "out"))
	c.load(asm.R9, slotArgs)
	p.master(c, f, library)
	c.end()
	return c.ins
}

// again is the head of a program for the return of a function: it leaves unless the entry noted something, which it fetches and removes.
func (p *programs) again(fd int, words int16) *code {
	c := &code{}
	c.add(asm.Mov.Reg(asm.R6, asm.R1), asm.FnGetCurrentPidTgid.Call(), asm.Mov.Reg(asm.R7, asm.R0), asm.Mov.Reg(asm.R8, asm.R0), asm.RSh.Imm(asm.R8, 32))
	c.store(slotThread, asm.R7)
	c.lookup(fd, slotThread)
	c.add(asm.JEq.Imm(asm.R0, 0, "out"))
	for i := range words {
		c.add(asm.LoadMem(asm.R1, asm.R0, i*8, asm.DWord))
		c.store(slotArgs+i*8, asm.R1)
	}
	c.remove(fd, slotThread)
	return c
}

// note keeps what a function was called with until it returns.
func (p *programs) note(regs []int16, stack []int16) asm.Instructions {
	c := p.begin()
	slot := int16(slotArgs)
	for _, r := range regs {
		c.add(asm.LoadMem(asm.R1, asm.R6, r, asm.DWord))
		c.store(slot, asm.R1)
		slot += 8
	}
	for _, off := range stack {
		c.zero(slot)
		c.add(asm.LoadMem(asm.R3, asm.R6, regSP, asm.DWord), asm.Add.Imm(asm.R3, int32(off)))
		c.readTo(slot, 8, asm.FnProbeReadUser)
		slot += 8
	}
	for ; slot < slotArgs+32; slot += 8 {
		c.zero(slot)
	}
	c.update(p.maps.pending.FD(), slotThread, slotArgs)
	c.end()
	return c.ins
}

// kdfEntry is for EVP_KDF_derive(ctx, out, outlen, params).
func (p *programs) kdfEntry() asm.Instructions { return p.note([]int16{regRCX, regRSI, regRDX}, nil) }

// hkdfEntry is for nettle_hkdf_expand(ctx, update, digest, digest_size, info_size, info, length, dst).
func (p *programs) hkdfEntry() asm.Instructions {
	return p.note([]int16{regR9, regR8}, []int16{8, 16})
}

// hkdfReturn takes the output, if the HkdfLabel asked for a secret of TLS 1.3.
func (p *programs) hkdfReturn(library int) asm.Instructions {
	const info, infoLen, length, dst, taken = slotArgs, slotArgs + 8, slotArgs + 16, slotArgs + 24, 28
	c := p.again(p.maps.pending.FD(), 4)
	c.load(asm.R1, infoLen)
	c.add(asm.JLT.Imm(asm.R1, taken, "out"))
	c.load(asm.R3, info)
	c.add(asm.Add.Imm(asm.R3, 9)) // length 2, length of the label 1, "tls13 " 6
	c.zero(slotWork)
	c.readTo(slotWork, 4, asm.FnProbeReadUser)
	c.wantedLabel(slotWork)
	c.reserve(p.maps, kindHKDFLabel, library)
	c.load(asm.R3, info)
	c.into(evLabel, taken)
	c.finish(p.maps, dst, length)
	return c.ins
}

// wantedLabel leaves unless the first four bytes of a label, in a slot, are those of a secret that a key log has.
func (c *code) wantedLabel(slot int16) {
	c.load(asm.R1, slot)
	c.add(asm.LSh.Imm(asm.R1, 32), asm.RSh.Imm(asm.R1, 32))
	for _, l := range []string{"c hs", "s hs", "c ap", "s ap", "exp ", "c e ", "e ex"} {
		c.add(asm.JEq.Imm(asm.R1, int32(binary.LittleEndian.Uint32([]byte(l))), "label"))
	}
	c.add(asm.Ja.Label("out"))
	c.label("label")
}

// finish fills in secret and client random of TLS 1.3 and ends the program.
func (c *code) finish(m *maps, dst, length int16) {
	c.load(asm.R2, length)
	c.add(asm.JGT.Imm(asm.R2, 64, "send"), asm.JEq.Imm(asm.R2, 0, "send"), asm.StoreMem(asm.R9, evSecretLen, asm.R2, asm.Word))
	c.load(asm.R3, dst)
	c.intoSome(evSecret)
	c.lookup(m.threads.FD(), slotThread)
	c.add(asm.JEq.Imm(asm.R0, 0, "send"), asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord))
	c.store(slotWork, asm.R1)
	c.random(slotWork)
	c.label("send")
	c.submit()
	c.end()
}

// goKeyLog is for (*tls.Config).writeKeyLog(label string, clientRandom, secret []byte) in Go's register ABI, Go 1.17 and later.
func (p *programs) goKeyLog(library int) asm.Instructions {
	c := p.begin()
	reg := func(to asm.Register, off int16) { c.add(asm.LoadMem(to, asm.R6, off, asm.DWord)) }
	reg(asm.R1, regRSI)
	c.add(asm.JNE.Imm(asm.R1, 32, "out"))
	c.reserve(p.maps, kindGo, library)
	reg(asm.R1, regIP)
	c.add(asm.StoreMem(asm.R9, evIP, asm.R1, asm.DWord))
	reg(asm.R1, regRBX)
	c.add(asm.StoreMem(asm.R9, evLabelPtr, asm.R1, asm.DWord))
	reg(asm.R1, regRCX)
	c.add(asm.StoreMem(asm.R9, evLabelLen, asm.R1, asm.Word))
	reg(asm.R1, regRDI)
	c.store(slotArgs, asm.R1)
	c.random(slotArgs)
	reg(asm.R2, regR10)
	c.add(asm.JGT.Imm(asm.R2, 64, "send"), asm.JEq.Imm(asm.R2, 0, "send"), asm.StoreMem(asm.R9, evSecretLen, asm.R2, asm.Word))
	reg(asm.R3, regR9)
	c.intoSome(evSecret)
	c.label("send")
	c.submit()
	c.end()
	return c.ins
}
