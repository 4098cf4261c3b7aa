//go:build amd64

package uprobe

import (
	"bytes"
	"debug/elf"
	"debug/gosym"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// image is an ELF file that may hold a TLS library.
type image struct {
	source  *os.File
	id      file
	file    *elf.File
	symbols map[string]symbol
	bssl    bool   // it has functions in BoringSSL's name space
	goLog   uint64 // address of Go's writeKeyLog, 0 without
	isGo    bool
}

// limits of Go's function table.
const (
	maxTable = 256 << 20 // bytes
	maxFuncs = 1 << 20
)

// goFunction is called for every secret, with or without a KeyLogWriter.
const goFunction = "crypto/tls.(*Config).writeKeyLog"

// openImage opens a file and reads what is needed to tell its kind. With an error that is not [errGone] the image is there
// when the file could be opened, and is the caller's to close.
func openImage(path string) (*image, error) {
	source, err := openFile(path)
	if err != nil {
		return nil, err
	}
	im := &image{source: source, symbols: map[string]symbol{}}
	if im.id, err = identify(im.path()); err != nil {
		return im, err
	}
	bounded := &limited{source, maxRead}
	defer func() { bounded.left = math.MaxInt64 }() // what is read later has bounds of its own
	if im.file, err = parseELF(bounded); err != nil {
		return im, err
	}
	if err := im.readSymbols(); err != nil {
		return im, err
	}
	return im, im.findGo()
}

// path names the file as long as it is open, though it be deleted and its process at an end.
func (im *image) path() string { return fmt.Sprintf("/proc/self/fd/%d", im.source.Fd()) }

// findGo looks for Go's key log function in the function table, which stripping leaves.
func (im *image) findGo() (err error) {
	table, text := im.file.Section(".gopclntab"), im.file.Section(".text")
	if table == nil {
		table = im.file.Section(".data.rel.ro.gopclntab")
	}
	if table == nil || text == nil {
		return nil
	}
	im.isGo = true
	data, err := sectionData(table, maxTable)
	if err != nil {
		return err
	}
	if !bytes.Contains(data, []byte(goFunction)) {
		return nil
	}
	if len(data) < 16 || binary.LittleEndian.Uint64(data[8:]) > min(maxFuncs, uint64(len(data))/8) {
		return fmt.Errorf("its function table of %d bytes claims more functions than it can have, or than %d", len(data), maxFuncs)
	}
	defer func() {
		if p := recover(); p != nil { // debug/gosym does so where a table contradicts itself
			err = fmt.Errorf("read its function table: %v", p)
		}
	}()
	funcs, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return fmt.Errorf("read its function table: %w", err)
	}
	fn := funcs.LookupFunc(goFunction)
	if fn == nil {
		return nil
	}
	code, err := sectionData(text, maxTable)
	if err != nil {
		return err
	}
	shift, ok := goShift(funcs.Funcs, code, text.Addr)
	if !ok {
		return errors.New("its code does not lie where its function table says: it is made by a Go that is not known, or altered")
	}
	im.goLog = fn.Entry + shift
	return nil
}

func (im *image) close() error { return im.source.Close() }

// has says whether all of the functions are there.
func (im *image) has(names ...string) bool {
	for _, n := range names {
		if _, ok := im.symbols[n]; !ok {
			return false
		}
	}
	return true
}

// boring says whether it is BoringSSL, whose names are OpenSSL's and more.
func (im *image) boring() bool {
	return im.bssl || im.has("SSL_CTX_set_select_certificate_cb")
}

// offset is where an address of the program lies in the file.
func (im *image) offset(addr uint64) (uint64, bool) {
	for _, p := range im.file.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && addr >= p.Vaddr && addr < p.Vaddr+p.Filesz {
			return addr - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}

// text reads a string that the program holds at an address.
func (im *image) text(addr uint64, size uint32) (string, bool) {
	for _, p := range im.file.Progs {
		if p.Type == elf.PT_LOAD && addr >= p.Vaddr && addr+uint64(size) <= p.Vaddr+p.Filesz {
			b := make([]byte, size)
			_, err := p.ReadAt(b, int64(addr-p.Vaddr))
			return string(b), err == nil
		}
	}
	return "", false
}

// accessor reads the code of an exported function.
func (im *image) accessor(name string) accessor {
	s, ok := im.symbols[name]
	if !ok {
		return accessor{}
	}
	for _, p := range im.file.Progs {
		if p.Type == elf.PT_LOAD && s.Value >= p.Vaddr && s.Value < p.Vaddr+p.Filesz {
			b := make([]byte, min(s.Size, maxCode))
			if n, err := p.ReadAt(b, int64(s.Value-p.Vaddr)); err == nil || errors.Is(err, io.EOF) {
				return readAccessor(b[:n])
			}
		}
	}
	return accessor{}
}

// fields are where a library keeps what belongs to a session; random is always known, master and version together or not at all.
type fields struct {
	random          place
	shaking         *place // 4 bytes, not zero during the handshake
	master, version *place
	newest          int32 // the last version that has a master secret
}

// opensslFields reads the accessors of SSL and SSL_SESSION.
func (im *image) opensslFields() (fields, bool) {
	random := im.accessor("SSL_get_client_random").source()
	if random == nil {
		return fields{}, false
	}
	f := fields{random: *random, shaking: im.accessor("SSL_in_init").result(), newest: 0x0303}
	session := im.accessor("SSL_get_session").result()
	master := im.accessor("SSL_SESSION_get_master_key").source()
	version := im.accessor("SSL_SESSION_get_protocol_version").result()
	if f.shaking != nil && session != nil && master != nil && version != nil {
		f.master, f.version = session.then(*master), session.then(*version)
	}
	return f, true
}

// gnutlsFields reads the accessors of a GnuTLS session.
func (im *image) gnutlsFields() (fields, bool) {
	random := im.accessor("gnutls_session_get_random").stored()
	if random == nil {
		return fields{}, false
	}
	f := fields{random: *random, newest: 4} // GNUTLS_TLS1_2
	master := im.accessor("gnutls_session_get_master_secret").stored()
	version := im.accessor("gnutls_protocol_get_version").result()
	if master != nil && version != nil {
		f.master, f.version = master, version
	}
	return f, true
}

// then is the place of a field in the object to which p points.
func (p place) then(q place) *place {
	via := append(append([]int32{}, p.via...), p.off)
	return &place{via: append(via, q.via...), off: q.off}
}
