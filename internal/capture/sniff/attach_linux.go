package sniff

import (
	"fmt"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// maxProgram is the kernel's bound (BPF_MAXINSNS).
const maxProgram = 4096

// Parts of the opcode of an instruction, and places that the kernel answers for (Linux, bpf_common.h and filter.h).
const (
	classMask  = 0x07
	classLoad  = 0x00
	classLoadX = 0x01
	classJump  = 0x05
	classRet   = 0x06
	modeMask   = 0xe0
	modeAbs    = 0x20
	modeInd    = 0x40
	modeLen    = 0x80
	modeMSH    = 0xa0
	sizeMask   = 0x18
	sizeHalf   = 0x08
	sizeByte   = 0x10
	retA       = 0x10

	extra         = 0xfffff000 // SKF_AD_OFF
	extraProtocol = 0
	extraWay      = 4
	extraIndex    = 8
	extraHardware = 28
)

// attach puts a filter into force. Before it stands what drops the second copy of a loopback packet.
func (h *Handle) attach(fd int, filter []bpf.RawInstruction) error {
	program, err := h.program(filter)
	if err != nil {
		return fmt.Errorf("attach filter: %w", err)
	}
	insns := make([]unix.SockFilter, len(program))
	for i, in := range program {
		insns[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	prog := unix.SockFprog{Len: uint16(len(insns)), Filter: (*unix.SockFilter)(unsafe.Pointer(&insns[0]))}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
		return fmt.Errorf("attach filter: the kernel refuses this program of %d instructions: %w", len(insns), err)
	}
	return nil
}

// program is what the kernel gets for a filter.
func (h *Handle) program(filter []bpf.RawInstruction) ([]bpf.RawInstruction, error) {
	if len(filter) == 0 {
		filter = []bpf.RawInstruction{{Op: classRet, K: uint32(h.cfg.Snap)}}
	}
	if len(filter) > maxProgram {
		return nil, fmt.Errorf("%d instructions are too many, the kernel takes %d", len(filter), maxProgram)
	}
	body := make([]bpf.RawInstruction, len(filter))
	copy(body, filter)
	for i := range body {
		if in := &body[i]; in.Op&classMask == classRet && in.Op&retA == 0 {
			in.K = min(in.K, uint32(h.cfg.Snap))
		}
	}
	if h.link == pcap.LinkSLL2 {
		var err error
		if body, err = withoutHead(body); err != nil {
			return nil, err
		}
	}
	program := append(h.once(), body...)
	if len(program) > maxProgram {
		return nil, fmt.Errorf("%d instructions are too many, the kernel takes %d", len(program), maxProgram)
	}
	return program, nil
}

// once refuses a packet that the loopback interface sends: it receives it too.
func (h *Handle) once() []bpf.RawInstruction {
	if h.lo == 0 {
		return nil
	}
	const loadWord, jumpEqual = classLoad | modeAbs, classJump | 0x10
	return []bpf.RawInstruction{
		{Op: loadWord, K: extra + extraIndex},
		{Op: jumpEqual, Jf: 3, K: uint32(h.lo)},
		{Op: loadWord, K: extra + extraWay},
		{Op: jumpEqual, Jf: 1, K: unix.PACKET_OUTGOING},
		{Op: classRet},
	}
}

// withoutHead rewrites a program for frames of pcap.LinkSLL2: the kernel's frames lack that head, and begin with the network layer.
func withoutHead(program []bpf.RawInstruction) ([]bpf.RawInstruction, error) {
	for i := range program {
		in := &program[i]
		class, mode := in.Op&classMask, in.Op&modeMask
		absolute := class == classLoad && mode == modeAbs
		if !absolute && !(class == classLoad && mode == modeInd) && !(class == classLoadX && mode == modeMSH) {
			continue // reads nothing of the frame
		}
		switch {
		case absolute && in.K >= extra: // the kernel's own
		case in.K >= sll2Head:
			in.K -= sll2Head
		case !absolute:
			return nil, fmt.Errorf("instruction %d reads at a computed place within the head of a frame, which %q does not have", i, Any)
		default:
			k, ok := answered(in.K, in.Op&sizeMask)
			if !ok {
				return nil, fmt.Errorf("instruction %d reads byte %d of the head of a frame, which the kernel does not tell for %q", i, in.K, Any)
			}
			in.Op, in.K = classLoad|modeAbs, extra+k
		}
	}
	return lengthened(program)
}

// answered is where the kernel tells a field of the head.
func answered(at uint32, size uint16) (k uint32, ok bool) {
	switch {
	case at == 0 && size == sizeHalf:
		return extraProtocol, true
	case at == 4 && size == 0:
		return extraIndex, true
	case at == 8 && size == sizeHalf:
		return extraHardware, true
	case at == 10 && size == sizeByte:
		return extraWay, true
	}
	return 0, false
}

// lengthened adds the length of the head after each load of the packet's length, and mends the jumps across.
func lengthened(program []bpf.RawInstruction) ([]bpf.RawInstruction, error) {
	place := make([]int, len(program)+1) // where each instruction goes
	for i, in := range program {
		place[i+1] = place[i] + 1
		if in.Op == classLoad|modeLen {
			place[i+1]++
		}
	}
	out := make([]bpf.RawInstruction, 0, place[len(program)])
	for i, in := range program {
		move := func(by uint32) (uint32, error) {
			to := i + 1 + int(by)
			if to >= len(program) {
				return 0, fmt.Errorf("instruction %d jumps out of the program", i)
			}
			return uint32(place[to] - place[i] - 1), nil
		}
		if in.Op&classMask == classJump {
			var err error
			if in, err = moved(in, move); err != nil {
				return nil, err
			}
		}
		out = append(out, in)
		if in.Op == classLoad|modeLen {
			out = append(out, bpf.RawInstruction{Op: 0x04, K: sll2Head}) // add
		}
	}
	return out, nil
}

// moved is a jump whose ways were mended.
func moved(in bpf.RawInstruction, move func(uint32) (uint32, error)) (bpf.RawInstruction, error) {
	if in.Op == classJump { // always
		k, err := move(in.K)
		in.K = k
		return in, err
	}
	t, err := move(uint32(in.Jt))
	if err != nil {
		return in, err
	}
	f, err := move(uint32(in.Jf))
	if err != nil {
		return in, err
	}
	if t > 255 || f > 255 {
		return in, fmt.Errorf("a jump of %d instructions is too far", max(t, f))
	}
	in.Jt, in.Jf = uint8(t), uint8(f)
	return in, nil
}
