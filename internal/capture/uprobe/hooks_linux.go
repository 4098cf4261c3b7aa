//go:build amd64

package uprobe

import (
	"debug/elf"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// hook is one program at one function.
type hook struct {
	function string
	addr     uint64 // in the file's own addresses
	code     asm.Instructions
	ret      bool
}

// plan says what to hook in a file, what it is and what is not possible there.
func (p *programs) plan(im *image, name string, number int) (kind, note string, hooks []hook) {
	add := func(ret bool, code asm.Instructions, functions ...string) {
		for _, f := range functions {
			if s, ok := im.symbols[f]; ok {
				hooks = append(hooks, hook{f, s.Value, code, ret})
			}
		}
	}
	switch {
	case im.boring():
		return "BoringSSL", "BoringSSL has no function of its own for keys that is public: use a key log of the program", nil
	case im.isGo && im.goLog == 0:
		return "Go", "a Go program without crypto/tls, or one made by Go before 1.17", nil
	case im.isGo:
		return "Go", "connections that were open before are not readable", []hook{{goFunction, im.goLog, p.goKeyLog(number), false}}
	}
	if im.has("EVP_KDF_derive") {
		kind = "OpenSSL"
		add(false, p.kdfEntry(), "EVP_KDF_derive")
		add(true, p.kdfReturn(number), "EVP_KDF_derive")
	}
	if im.has("SSL_do_handshake", "SSL_get_client_random") {
		kind = "OpenSSL"
		f, ok := im.opensslFields()
		if !ok {
			return kind, "its SSL_get_client_random is compiled in a way that is not understood: TLS 1.3 is not readable", hooks
		}
		add(false, p.session(f, false, number), "SSL_do_handshake", "SSL_connect", "SSL_accept")
		io := p.session(f, f.master != nil, number)
		if !p.light {
			add(false, io, "SSL_read", "SSL_write", "SSL_read_ex", "SSL_write_ex", "SSL_peek")
		}
		note = "TLS 1.3 connections that were open before are not readable"
		if f.master == nil {
			note = "connections that were open before are not readable: its accessors are compiled in a way that is not understood"
		}
		if im.file.Section(".dynsym") != nil && strings.Contains(name, "1.1") {
			note = "OpenSSL 1.1: TLS 1.2 and below only"
		}
	}
	if im.has("gnutls_handshake", "gnutls_session_get_random") {
		kind = "GnuTLS"
		f, ok := im.gnutlsFields()
		if !ok {
			return kind, "its gnutls_session_get_random is compiled in a way that is not understood", hooks
		}
		add(false, p.session(f, false, number), "gnutls_handshake")
		note = "TLS 1.3 connections that were open before are not readable"
		if f.master == nil {
			note = "TLS 1.2 and below is not readable: its accessors are compiled in a way that is not understood"
		} else {
			add(true, p.shaken(f, number), "gnutls_handshake")
			f.shaking = nil
			if !p.light {
				add(false, p.session(f, true, number), "gnutls_record_recv", "gnutls_record_send")
			}
		}
	}
	if im.has("nettle_hkdf_expand") {
		kind = "nettle"
		add(false, p.hkdfEntry(), "nettle_hkdf_expand")
		add(true, p.hkdfReturn(number), "nettle_hkdf_expand")
	}
	if p.light && note != "" {
		note = "connections that were open before are not readable, nor TLS 1.3 of programs that shake hands by reading or writing (light)"
	}
	if kind == "" {
		kind, note = im.unknown(name)
	}
	return kind, note, hooks
}

// unknown says in plain words why a file gives nothing.
func (im *image) unknown(name string) (kind, note string) {
	switch base := path.Base(name); {
	case strings.HasPrefix(base, "libnss3"), strings.HasPrefix(base, "libssl3.so"):
		return "NSS", "NSS is not read: most programs with it write a key log (SSLKEYLOGFILE)"
	case strings.HasPrefix(base, "libjvm"):
		return "Java", "Java has TLS of its own, compiled while it runs: use an agent (docs/keys.md)"
	}
	if !strings.Contains(path.Base(name), ".so") && !slices.ContainsFunc(im.file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return "none", "a static program without the names of a TLS library: what TLS it has cannot be found, use a key log (docs/keys.md)"
	}
	return "none", ""
}

// attach loads the programs and puts them at their functions. What it could not attach is said in the error; the links made
// stay, and are the caller's to close.
func attach(im *image, hooks []hook) (done []string, links []link.Link, err error) {
	exe, err := link.OpenExecutable(im.path())
	if err != nil {
		return nil, nil, fmt.Errorf("open the file to hook: %w", err)
	}
	var errs []error
	loaded := map[*asm.Instruction]*ebpf.Program{}
	defer func() {
		for _, prog := range loaded {
			_ = prog.Close() // the link holds it
		}
	}()
	for _, h := range hooks {
		prog := loaded[&h.code[0]]
		if prog == nil {
			// GPL: the licence that the kernel demands of programs that read a process's memory.
			prog, err = ebpf.NewProgram(&ebpf.ProgramSpec{Name: "lunette", Type: ebpf.Kprobe, Instructions: append(asm.Instructions{}, h.code...), License: "Dual BSD/GPL"})
			if err != nil {
				errs = append(errs, fmt.Errorf("load the program for %s: %w", h.function, err))
				continue
			}
			loaded[&h.code[0]] = prog
		}
		off, ok := im.offset(h.addr)
		if !ok {
			errs = append(errs, fmt.Errorf("hook %s: it does not lie in the file", h.function))
			continue
		}
		hang := exe.Uprobe
		if h.ret {
			hang = exe.Uretprobe
		}
		l, err := hang("", prog, &link.UprobeOptions{Address: off})
		if err != nil {
			errs = append(errs, fmt.Errorf("hook %s: %w", h.function, err))
			continue
		}
		links = append(links, l)
		if !h.ret || len(done) == 0 || done[len(done)-1] != h.function {
			done = append(done, h.function)
		}
	}
	return done, links, errors.Join(errs...)
}
