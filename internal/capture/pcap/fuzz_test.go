package pcap_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/test/captures"
)

// FuzzReader reads anything. No panic; the errors are those of the contract; reading in small pieces gives the same; what was read can be
// written and read again; and memory stays that of a few buffers.
func FuzzReader(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.data[:s.starts[5]])
		f.Add(punch(s.data[:s.starts[30]], s.starts[3], 3000))
	}
	f.Add(mixed().Bytes())
	f.Add(zip(mixed().Bytes()))
	f.Add([]byte(trace(1 << 16)))
	f.Add([]byte(erf()))
	for _, name := range []string{"bad_21803_fin_after_clienthello", "dsb_tls13_keyupdate"} {
		f.Add(load(f, captures.Find(f, name).Path))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 || bytes.HasPrefix(data, []byte("\x1f\x8b")) && len(data) > 1<<10 {
			return // gzip would make it long
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		told := 0
		cfg := pcap.Config{
			Secrets: func(_ pcap.SecretsType, data []byte) { told += len(data) },
			Name:    func(_ netip.Addr, name string) { told += len(name) },
		}
		got, info, err := readAll(bytes.NewReader(data), cfg)
		runtime.ReadMemStats(&after)
		if after.TotalAlloc-before.TotalAlloc > 8<<20+uint64(100*len(data)) {
			t.Fatalf("%d bytes allocated for %d", after.TotalAlloc-before.TotalAlloc, len(data))
		}
		var damage *pcap.DamageError
		var format *pcap.FormatError
		if err != nil && !errors.As(err, &damage) && !errors.As(err, &format) {
			t.Fatal(err)
		}
		again, about, err2 := readAll(iotest.OneByteReader(bytes.NewReader(data)), pcap.Config{})
		if !slices.Equal(got, again) || fmt.Sprint(err) != fmt.Sprint(err2) || fmt.Sprint(info) != fmt.Sprint(about) {
			t.Fatalf("%d packets, %v; in small pieces %d packets, %v", len(got), err, len(again), err2)
		}
		if format == nil {
			rewrite(t, data)
		}
	})
}

// rewrite reads data, writes the packets and reads them again.
func rewrite(t *testing.T, data []byte) {
	t.Helper()
	r, err := pcap.NewReader(bytes.NewReader(data), pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, _ := pcap.NewWriter(&out, "")
	var p, q pcap.Packet
	var want []pcap.Packet
	for r.Next(&p) == nil {
		if len(p.Data) > p.Length {
			t.Fatalf("%d bytes of a packet of %d", len(p.Data), p.Length)
		}
		p.Interface, _ = w.Interface(pcap.Interface{Link: p.Link})
		if p.At = max(p.At, 0); p.Interface >= 4096 {
			break
		}
		if err := w.Packet(&p); err != nil {
			t.Fatal(err)
		}
		p.Data, p.Number = bytes.Clone(p.Data), int64(len(want)+1)
		want = append(want, p)
	}
	back, err := pcap.NewReader(&out, pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range want {
		if err := back.Next(&q); err != nil || fmt.Sprint(p) != fmt.Sprint(q) {
			t.Fatalf("%v was written, %v read: %v", p, q, err)
		}
	}
	if err := back.Next(&q); err != io.EOF {
		t.Fatal(err)
	}
}
