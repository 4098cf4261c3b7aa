package pcap_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os"
	"testing"
)

// zipped writes the files, each a member of its own.
func zipped(t testing.TB, to string, from ...string) {
	t.Helper()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for _, path := range from {
		zip := gzip.NewWriter(out)
		zip.Write(load(t, path))
		if err := zip.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func joined(t testing.TB, to string, from ...string) {
	t.Helper()
	var all []byte
	for _, path := range from {
		all = append(all, load(t, path)...)
	}
	if err := os.WriteFile(to, all, 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// mixed is a pcapng file with every kind of block, in both byte orders.
func mixed() *file {
	out := &file{order: binary.LittleEndian}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f := &file{order: order}
		f.section(opt(2, "hardware"), opt(3, "system"), opt(4, "program"), opt(1, "about the section"), opt(0, ""))
		f.iface(1, 40, opt(2, "eth0"), opt(3, "the first"), opt(11, "\x00tcp port 443"))
		f.iface(101, 0, opt(2, "tun0"), opt(9, "\x09"))
		f.iface(1, 0, opt(9, "\x94")) // 2^-20 s
		f.packet(0, 1_500_000_000_000_001, 60, "first packet here", opt(1, "about a packet"), opt(4, "\x00\x00\x00\x00\x00\x00\x00\x00"))
		f.packet(1, 1_500_000_001_000_000_001, 44, "second")
		f.packet(2, 1_500_000_002<<20|1<<19, 7, "seventh")
		f.block(3, func(b *file) { b.u32(100); b.Write(make([]byte, 40)) })
		f.block(2, func(b *file) {
			b.u16(0, 2).u32(1_500_000_003_000_000>>32, 1_500_000_003_000_000&0xffffffff, 5, 9)
			b.WriteString("old!!")
		})
		f.block(0xbad, func(b *file) { b.u32(1234); b.WriteString("custom, may be copied") })
		f.block(0x40000bad, func(b *file) { b.u32(4321); b.WriteString("custom, may not be ") })
		f.block(9, func(b *file) { b.WriteString("__REALTIME_TIMESTAMP=0\n\n") })
		f.block(0x7777, func(b *file) { b.WriteString("unknown") })
		f.block(4, func(b *file) { b.option(1, "\x7f\x00\x00\x01localhost\x00home\x00"); b.u32(0) })
		f.block(10, func(b *file) { b.u32(0x544c534b, 6); b.WriteString("SECRET") })
		f.packet(0, 1_500_000_004_000_000, 4, "last")
		f.block(5, func(b *file) {
			b.u32(0, 0, 0).u16(5, 8)
			binary.Write(b, order, uint64(3))
			b.u16(7, 8)
			binary.Write(b, order, uint64(4))
		})
		out.Write(f.Bytes())
	}
	return out
}

func zip(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

// punch overwrites n bytes with zeros, as a hole in a file reads.
func punch(data []byte, at, n int) []byte {
	out := bytes.Clone(data)
	clear(out[at:min(at+n, len(out))])
	return out
}
