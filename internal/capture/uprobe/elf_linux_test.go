//go:build amd64

package uprobe

import (
	"bytes"
	"compress/zlib"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestCompressedTables: a small file whose table of symbols unpacks to a great one is refused before it is unpacked.
func TestCompressedTables(t *testing.T) {
	const unpacked = 256 << 20
	var packed bytes.Buffer
	_ = binary.Write(&packed, binary.LittleEndian, elf.Chdr64{Type: uint32(elf.COMPRESS_ZLIB), Size: unpacked, Addralign: 8}) // a buffer does not fail
	z := zlib.NewWriter(&packed)
	if _, err := io.CopyN(z, zeros{}, unpacked); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, kind := range map[string]elf.SectionType{".symtab": elf.SHT_SYMTAB, ".dynsym": elf.SHT_DYNSYM, ".gopclntab": elf.SHT_PROGBITS} {
		names := "\x00.text\x00" + name + "\x00.strings\x00"
		const sections, at = 4, 64
		packedAt := uint64(at + sections*64)
		var b bytes.Buffer
		head := elf.Header64{Ident: [16]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, Type: 3, Machine: 62, Version: 1, Shoff: at, Ehsize: 64, Phentsize: 56, Shentsize: 64, Shnum: sections, Shstrndx: 3}
		table := []elf.Section64{{}, {Name: 1, Type: 1, Off: packedAt},
			{Name: 7, Type: uint32(kind), Flags: uint64(elf.SHF_COMPRESSED), Off: packedAt, Size: uint64(packed.Len()), Link: 3, Entsize: 24},
			{Name: uint32(len(names) - 9), Type: 3, Off: packedAt + uint64(packed.Len()), Size: uint64(len(names))}}
		for _, v := range []any{head, table, packed.Bytes(), []byte(names)} {
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
		file := filepath.Join(t.TempDir(), "libssl-packed.so")
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		im, err := openImage(file)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), "is compressed") {
			t.Errorf("%s: %v", name, err)
		}
		if im != nil {
			_ = im.close()
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
			t.Errorf("%s: a file of %d bytes took %d bytes of memory", name, b.Len(), took)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
