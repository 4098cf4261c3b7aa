//go:build amd64

package uprobe

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// limits of what is read from a file, which may be made by whoever runs it.
const (
	maxRead    = 1 << 30   // bytes of one file in all
	maxStrings = 256 << 20 // bytes of a table of names
	maxSymbols = 4 << 20   // entries of a table of symbols
	maxNamed   = 1 << 16   // names that may be of a TLS library
)

// errGone is told of files whose process has ended before they could be opened.
var errGone = errors.New("the process has ended")

// openFile opens a regular file, and nothing that waits, such as a pipe.
func openFile(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH):
		return nil, errGone
	case err != nil:
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("it is no regular file"), err, f.Close())
	}
	return f, nil
}

// limited is a file of which no more than left bytes are read.
type limited struct {
	r    io.ReaderAt
	left int64
}

func (l *limited) ReadAt(b []byte, off int64) (int, error) {
	if l.left -= int64(len(b)); l.left < 0 {
		return 0, fmt.Errorf("more than %d bytes of tables", int64(maxRead))
	}
	return l.r.ReadAt(b, off)
}

// parseELF reads the headers of a program for x86-64. What debug/elf would read without bound is looked at before.
func parseELF(f io.ReaderAt) (*elf.File, error) {
	var head [64]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, fmt.Errorf("it is no program: %w", err)
	}
	if string(head[:4]) != elf.ELFMAG || elf.Class(head[4]) != elf.ELFCLASS64 || elf.Machine(binary.LittleEndian.Uint16(head[18:])) != elf.EM_X86_64 {
		return nil, errors.New("it is no program for x86-64")
	}
	shoff := binary.LittleEndian.Uint64(head[40:])
	size, count, names := binary.LittleEndian.Uint16(head[58:]), binary.LittleEndian.Uint16(head[60:]), binary.LittleEndian.Uint16(head[62:])
	if shoff != 0 {
		if count == 0 || size != 64 || names >= count {
			return nil, errors.New("its table of sections is of an unusual kind")
		}
		var section [64]byte
		if _, err := f.ReadAt(section[:], int64(shoff)+int64(names)*64); err != nil {
			return nil, fmt.Errorf("read its table of sections: %w", err)
		}
		flags, length := binary.LittleEndian.Uint64(section[8:]), binary.LittleEndian.Uint64(section[32:])
		if flags&uint64(elf.SHF_COMPRESSED) != 0 || length > 16<<20 {
			return nil, fmt.Errorf("the names of its sections are compressed or long (%d bytes)", length)
		}
	}
	return elf.NewFile(f)
}

// sectionData reads a section of at most most bytes.
func sectionData(s *elf.Section, most uint64) ([]byte, error) {
	if s.Flags&elf.SHF_COMPRESSED != 0 || s.Size > most {
		return nil, fmt.Errorf("its section %.32q is compressed, or longer than %d bytes: %d", s.Name, most, s.Size)
	}
	data, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("read its section %.32q: %w", s.Name, err)
	}
	return data, nil
}

// symbol is a function of a library: where it lies in the file's own addresses, and its length in bytes.
type symbol struct{ Value, Size uint64 }

// readSymbols collects the functions that tell a TLS library.
func (im *image) readSymbols() error {
	for _, s := range im.file.Sections {
		if s.Type != elf.SHT_SYMTAB && s.Type != elf.SHT_DYNSYM {
			continue
		}
		if int(s.Link) >= len(im.file.Sections) {
			return fmt.Errorf("its section %.32q has no names", s.Name)
		}
		table, err := sectionData(s, maxSymbols*elf.Sym64Size)
		if err != nil {
			return err
		}
		names, err := sectionData(im.file.Sections[s.Link], maxStrings)
		if err != nil {
			return err
		}
		for ; len(table) >= elf.Sym64Size && len(im.symbols) < maxNamed; table = table[elf.Sym64Size:] {
			im.addSymbol(table, names)
		}
	}
	return nil
}

// addSymbol takes one entry of a table of symbols.
func (im *image) addSymbol(entry, names []byte) {
	at, section, value := binary.LittleEndian.Uint32(entry), binary.LittleEndian.Uint16(entry[6:]), binary.LittleEndian.Uint64(entry[8:])
	if elf.ST_TYPE(entry[4]) != elf.STT_FUNC || elf.SectionIndex(section) == elf.SHN_UNDEF || value == 0 || uint64(at) >= uint64(len(names)) {
		return
	}
	name := names[at:min(len(names), int(at)+64)]
	for i, c := range name {
		if c == 0 {
			name = name[:i]
			break
		}
	}
	text := string(name)
	for _, prefix := range []string{"SSL_", "EVP_KDF_derive", "gnutls_", "nettle_hkdf"} {
		if strings.HasPrefix(text, prefix) {
			im.symbols[text] = symbol{value, binary.LittleEndian.Uint64(entry[16:])}
		}
	}
	im.bssl = im.bssl || strings.HasPrefix(text, "_ZN4bssl")
}
