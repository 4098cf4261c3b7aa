package pcap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"os"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// seen is a packet as comparisons want it.
type seen struct {
	Number, At        int64
	Link              pcap.LinkType
	Interface, Length int
	Captured          int
	Hash              uint64
}

// readAll reads everything; io.EOF at the end is nil.
func readAll(src io.Reader, cfg pcap.Config) ([]seen, *pcap.Info, error) {
	r, err := pcap.NewReader(src, cfg)
	if err != nil {
		return nil, nil, err
	}
	var out []seen
	var p pcap.Packet
	for {
		if err := r.Next(&p); err != nil {
			if again := r.Next(&p); again != err {
				return out, r.Info(), errors.New("Next forgot its error: " + again.Error())
			}
			if err == io.EOF {
				err = nil
			}
			return out, r.Info(), err
		}
		hash := fnv.New64a()
		hash.Write(p.Data)
		out = append(out, seen{p.Number, p.At, p.Link, p.Interface, p.Length, len(p.Data), hash.Sum64()})
	}
}

func readFile(t testing.TB, path string) ([]seen, *pcap.Info) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out, info, err := readAll(f, pcap.Config{})
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out, info
}

// file builds captures of either byte order.
type file struct {
	bytes.Buffer
	order binary.ByteOrder
}

func (f *file) u16(vs ...uint16) *file {
	for _, v := range vs {
		binary.Write(f, f.order, v)
	}
	return f
}

func (f *file) u32(vs ...uint32) *file {
	for _, v := range vs {
		binary.Write(f, f.order, v)
	}
	return f
}

// classicFile begins a pcap file.
func classicFile(order binary.ByteOrder, magic, snap, network uint32) *file {
	f := &file{order: order}
	return f.u32(magic).u16(2, 4).u32(0, 0, snap, network)
}

func (f *file) record(sec, fraction, length uint32, data string) *file {
	f.u32(sec, fraction, uint32(len(data)), length)
	f.WriteString(data)
	return f
}

// block appends a pcapng block with a body that build writes; it is padded.
func (f *file) block(kind uint32, build func(b *file)) *file {
	body := &file{order: f.order}
	build(body)
	body.pad()
	n := uint32(body.Len() + 12)
	f.u32(kind, n)
	f.Write(body.Bytes())
	return f.u32(n)
}

func (f *file) pad() *file {
	f.Write(make([]byte, -f.Len()&3))
	return f
}

func (f *file) option(code uint16, value string) *file {
	f.u16(code, uint16(len(value)))
	f.WriteString(value)
	return f.pad()
}

func (f *file) section(options ...func(*file)) *file {
	return f.block(0x0a0d0d0a, func(b *file) {
		b.u32(0x1a2b3c4d).u16(1, 0).u32(0xffffffff, 0xffffffff)
		for _, o := range options {
			o(b)
		}
	})
}

func (f *file) iface(link uint16, snap uint32, options ...func(*file)) *file {
	return f.block(1, func(b *file) {
		b.u16(link, 0).u32(snap)
		for _, o := range options {
			o(b)
		}
	})
}

func opt(code uint16, value string) func(*file) {
	return func(f *file) { f.option(code, value) }
}

func (f *file) packet(iface uint32, at uint64, length uint32, data string, options ...func(*file)) *file {
	return f.block(6, func(b *file) {
		b.u32(iface, uint32(at>>32), uint32(at), uint32(len(data)), length)
		b.WriteString(data)
		b.pad()
		for _, o := range options {
			o(b)
		}
	})
}

// ngFile begins a pcapng file with one Ethernet interface.
func ngFile(order binary.ByteOrder) *file {
	f := &file{order: order}
	return f.section().iface(1, 0)
}
