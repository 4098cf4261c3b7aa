//go:build amd64

package uprobe

import (
	"slices"
	"testing"
)

// TestReadAccessor: how compilers write the accessors, of this Debian and of OpenSSL 1.1.1, where the random lies behind a pointer.
func TestReadAccessor(t *testing.T) {
	for _, c := range []struct {
		name string
		code []byte
		pick func(accessor) *place
		via  []int32
		off  int32
	}{
		{"lea 0x160(%rdi),%rsi", []byte{0x48, 0x8d, 0xb7, 0x60, 0x01, 0, 0, 0xc3}, accessor.source, nil, 0x160},
		{"mov 0xa8(%rdi),%rsi; add $0xb8,%rsi", []byte{0x48, 0x8b, 0xb7, 0xa8, 0, 0, 0, 0x48, 0x81, 0xc6, 0xb8, 0, 0, 0, 0xc3}, accessor.source, []int32{0xa8}, 0xb8},
		{"mov 0x64(%rdi),%eax", []byte{0x8b, 0x47, 0x64, 0x31, 0xff, 0xc3}, accessor.result, nil, 0x64},
		{"mov 0xf8(%rdi),%rax; mov 8(%rax),%eax", []byte{0x48, 0x8b, 0x87, 0xf8, 0, 0, 0, 0x8b, 0x40, 0x08, 0xc3}, accessor.result, []int32{0xf8}, 8},
		{"lea 0x50(%rdi),%rax; mov %rax,(%rsi)", []byte{0x48, 0x8d, 0x47, 0x50, 0x48, 0x89, 0x06, 0xc3}, accessor.stored, nil, 0x50},
	} {
		got := c.pick(readAccessor(c.code))
		if got == nil || got.off != c.off || !slices.Equal(got.via, c.via) {
			t.Errorf("%s: got %+v", c.name, got)
		}
	}
	if got := readAccessor([]byte{0x48, 0x8d, 0xb7, 0, 0, 0, 0x70, 0xc3}).source(); got != nil {
		t.Errorf("an offset of 0x70000000 was taken: %+v", got)
	}
	if got := readAccessor([]byte{0xe8, 0, 0, 0, 0, 0x8b, 0x47, 0x64, 0xc3}).result(); got != nil {
		t.Errorf("after a call the object is unknown: %+v", got)
	}
}

// FuzzReadAccessor: code of a foreign file must neither crash us nor make us read far away.
func FuzzReadAccessor(f *testing.F) {
	f.Add([]byte{0x48, 0x8d, 0xb7, 0x60, 0x01, 0, 0, 0xc3})
	f.Fuzz(func(t *testing.T, code []byte) {
		a := readAccessor(code)
		for _, p := range slices.Concat(a.addresses, a.results, a.stores) {
			if !p.plausible() {
				t.Fatalf("%+v", p)
			}
		}
	})
}

// FuzzEvent: what comes out of the ring is bounded whatever it says.
func FuzzEvent(f *testing.F) {
	f.Add(make([]byte, evSize))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if e, err := parseEvent(raw); err == nil {
			if line, ok := e.line(func() string { return string(e.label) }); ok && len(line) > 256 {
				t.Fatalf("%d bytes", len(line))
			}
		}
	})
}
