//go:build amd64

package uprobe

import (
	"encoding/binary"

	"github.com/cilium/ebpf/asm"
)

// Slots of kdfReturn, beside the common ones: address and length of what the parameters hold.
const (
	slotSecret = -112 // address, then length
	slotLabel  = -128
	slotSeed0  = -144
	slotSeed1  = -160
	slotSeed2  = -176
	slotParam  = -216 // one OSSL_PARAM: key, type, data, size, return size
	slotName   = -224 // first bytes of its key
)

// maxParams is how many parameters are looked at; OpenSSL gives eight for the PRF of TLS 1.2.
const maxParams = 12

// kdfReturn reads the parameters of EVP_KDF_derive when it returns: by then the library has touched every page of them.
//
// TLS 1.2 and below derive the key block from "secret" with the seeds "key expansion", server random, client random. TLS 1.3 has a
// "label", and the output is the secret.
func (p *programs) kdfReturn(library int) asm.Instructions {
	const params, out, outLen = slotArgs, slotArgs + 8, slotArgs + 16
	c := p.again(p.maps.pending.FD(), 3)
	c.add(asm.LoadMem(asm.R1, asm.R6, regRAX, asm.DWord), asm.LSh.Imm(asm.R1, 32), asm.ArSh.Imm(asm.R1, 32), asm.JSLE.Imm(asm.R1, 0, "out"))
	c.zero(slotSecret, slotSecret+8, slotLabel, slotLabel+8, slotSeed0, slotSeed0+8, slotSeed1, slotSeed1+8, slotSeed2, slotSeed2+8)
	c.load(asm.R9, params)
	for range maxParams {
		c.param()
	}
	c.label("read")
	c.load(asm.R3, slotLabel)
	c.add(asm.JNE.Imm(asm.R3, 0, "new"))
	p.keyExpansion(c, library)

	c.label("new")
	c.load(asm.R2, slotLabel+8)
	c.add(asm.JGT.Imm(asm.R2, 16, "out"), asm.JLT.Imm(asm.R2, 4, "out"))
	c.zero(slotWork)
	c.load(asm.R3, slotLabel)
	c.readTo(slotWork, 4, asm.FnProbeReadUser)
	c.wantedLabel(slotWork)
	c.reserve(p.maps, kindLabel, library)
	c.load(asm.R2, slotLabel+8)
	c.add(asm.JGT.Imm(asm.R2, 16, "send"), asm.JEq.Imm(asm.R2, 0, "send"), asm.StoreMem(asm.R9, evLabelLen, asm.R2, asm.Word))
	c.load(asm.R3, slotLabel)
	c.intoSome(evLabel)
	c.finish(p.maps, out, outLen)
	return c.ins
}

// param reads the parameter at R9 and moves on to the next; it jumps to "read" after the last.
func (c *code) param() {
	next := c.fresh("next")
	c.add(asm.Mov.Reg(asm.R3, asm.R9))
	c.readTo(slotParam, 40, asm.FnProbeReadUser)
	c.add(asm.JNE.Imm(asm.R0, 0, "read"))
	c.load(asm.R3, slotParam)
	c.add(asm.JEq.Imm(asm.R3, 0, "read"))
	c.zero(slotName)
	c.readTo(slotName, 8, asm.FnProbeReadUser)
	c.load(asm.R4, slotParam+16)
	c.load(asm.R5, slotParam+24)
	c.add(asm.JEq.Imm(asm.R5, 0, next))
	c.named("secret", slotSecret, next)
	c.named("label", slotLabel, next)
	c.named("seed", slotSeed0, next)
	c.label(next)
	c.add(asm.Add.Imm(asm.R9, 40))
}

// named keeps address (R4) and length (R5) when the parameter has this name. Seeds come in order and take the first free slot.
func (c *code) named(name string, slot int16, next string) {
	other := c.fresh("other")
	var want [8]byte
	copy(want[:], name)
	shift := int32(8 * (8 - len(name) - 1)) // what stands behind the NUL does not count
	c.load(asm.R1, slotName)
	c.add(asm.LSh.Imm(asm.R1, shift), asm.LoadImm(asm.R2, int64(binary.LittleEndian.Uint64(want[:])<<shift), asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, other))
	slots := []int16{slot}
	if name == "seed" {
		slots = []int16{slotSeed0, slotSeed1, slotSeed2}
	}
	for _, s := range slots {
		taken := c.fresh("taken")
		c.load(asm.R1, s)
		c.add(asm.JNE.Imm(asm.R1, 0, taken))
		c.store(s, asm.R4)
		c.store(s+8, asm.R5)
		c.add(asm.Ja.Label(next))
		c.label(taken)
	}
	c.add(asm.Ja.Label(next))
	c.label(other)
}

// keyExpansion sends the master secret when the seeds are those of the key block.
func (p *programs) keyExpansion(c *code, library int) {
	for slot, length := range map[int16]int32{slotSecret + 8: 48, slotSeed0 + 8: int32(len("key expansion")), slotSeed1 + 8: 32, slotSeed2 + 8: 32} {
		c.load(asm.R1, slot)
		c.add(asm.JNE.Imm(asm.R1, length, "out"))
	}
	c.zero(slotWork)
	c.load(asm.R3, slotSeed0)
	c.readTo(slotWork, 8, asm.FnProbeReadUser)
	c.load(asm.R1, slotWork)
	c.add(asm.LoadImm(asm.R2, int64(binary.LittleEndian.Uint64([]byte("key expa"))), asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, "out"))
	c.reserve(p.maps, kindMaster, library)
	c.random(slotSeed2)
	c.load(asm.R3, slotSecret)
	c.into(evSecret, 48)
	c.add(asm.StoreImm(asm.R9, evSecretLen, 48, asm.Word))
	c.submit()
}
