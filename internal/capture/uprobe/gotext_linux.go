//go:build amd64

package uprobe

import "debug/gosym"

// How the start of Go's code is found and proven.
const (
	maxShift   = 1 << 20 // bytes of C code that may lie before it
	textAlign  = 16
	goSamples  = 256
	goMismatch = goSamples / 7 // functions that follow another without a gap are one in 32, as long as they are
	goPadding  = 0xcc          // between functions
)

// goShift finds how far behind the start of the section Go's code begins: 0 in a program that Go linked itself, more where a C linker did
// (cgo) and put code of its own before. The function table counts from Go's code, whose address stands nowhere in a stripped program. A shift
// is right when nearly all functions begin where padding ends; a wrong one would put a trap into the midst of an instruction.
func goShift(funcs []gosym.Func, text []byte, base uint64) (uint64, bool) {
	var at []uint64
	for i := 0; i < len(funcs); i += max(1, len(funcs)/goSamples) {
		if off := funcs[i].Entry - base; off > 0 && off < uint64(len(text)) {
			at = append(at, off)
		}
	}
	if len(at) < goSamples/2 {
		return 0, false
	}
	for shift := uint64(0); shift < maxShift; shift += textAlign {
		misses := 0
		for _, off := range at {
			if p := off + shift; p >= uint64(len(text)) || text[p-1] != goPadding || text[p] == goPadding {
				if misses++; misses > goMismatch {
					break
				}
			}
		}
		if misses <= goMismatch {
			return shift, true
		}
	}
	return 0, false
}
