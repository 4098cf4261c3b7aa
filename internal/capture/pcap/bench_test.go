package pcap_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// BenchmarkNext reads packets of 1,500 bytes from memory, so that copying into the buffer is in it, and of 60 bytes, where the heads count.
func BenchmarkNext(b *testing.B) {
	for _, format := range []string{"pcap", "pcapng"} {
		for _, length := range []int{60, 1500} {
			b.Run(format+"/"+map[int]string{60: "60B", 1500: "1500B"}[length], func(b *testing.B) { benchNext(b, format, length) })
		}
	}
}

func benchNext(b *testing.B, format string, length int) {
	const count = 4096
	f := classicFile(binary.LittleEndian, 0xa1b2c3d4, 0, 1)
	if format == "pcapng" {
		f = ngFile(binary.LittleEndian)
	}
	head := f.Len()
	for i := range count {
		if format == "pcap" {
			f.record(uint32(i), 0, uint32(length), string(make([]byte, length)))
		} else {
			f.packet(0, uint64(i), uint32(length), string(make([]byte, length)))
		}
	}
	src := &endless{data: f.Bytes(), again: head}
	r, err := pcap.NewReader(src, pcap.Config{})
	if err != nil {
		b.Fatal(err)
	}
	var p pcap.Packet
	b.SetBytes(int64(length))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.Next(&p); err != nil {
			b.Fatal(err)
		}
	}
}

// endless repeats what stands behind the head.
type endless struct {
	data      []byte
	at, again int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.at == len(e.data) {
		e.at = e.again
	}
	n := copy(p, e.data[e.at:])
	e.at += n
	return n, nil
}

// BenchmarkWriter writes packets of 1,500 bytes.
func BenchmarkWriter(b *testing.B) {
	w, err := pcap.NewWriter(io.Discard, "bench")
	if err != nil {
		b.Fatal(err)
	}
	n, _ := w.Interface(pcap.Interface{Link: pcap.LinkEthernet})
	p := pcap.Packet{Interface: n, Length: 1500, Data: bytes.Repeat([]byte("x"), 1500)}
	b.SetBytes(1500)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Packet(&p); err != nil {
			b.Fatal(err)
		}
	}
}
