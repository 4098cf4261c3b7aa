package pcap_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// samples are captures of 200 packets in both formats and orders, with the offset where each packet begins.
func samples() map[string]sample {
	out := map[string]sample{}
	for _, order := range orders {
		old, ng := classicFile(order, 0xa1b2c3d4, 65535, 1), ngFile(order)
		var a, b []int
		for i := range 200 {
			data := strings.Repeat(string(rune('a'+i%26)), 40+i*13%900)
			a, b = append(a, old.Len()), append(b, ng.Len())
			old.record(1_500_000_000+uint32(i), 17, 1500, data)
			ng.packet(0, 1_500_000_000_000_000+uint64(i), 1500, data)
		}
		out[fmt.Sprint("pcap ", order)] = sample{old.Bytes(), a}
		out[fmt.Sprint("pcapng ", order)] = sample{ng.Bytes(), b}
	}
	return out
}

type sample struct {
	data   []byte
	starts []int
}

// TestTruncated: a file may end anywhere; what came before the end is good.
func TestTruncated(t *testing.T) {
	for name, s := range samples() {
		for n := s.starts[1]; n < s.starts[5]; n++ {
			whole := 0
			for whole < len(s.starts) && s.starts[whole] <= n {
				whole++
			}
			whole--
			got, _, err := readAll(bytes.NewReader(s.data[:n]), pcap.Config{})
			var damage *pcap.DamageError
			if n == s.starts[whole] {
				if err != nil || len(got) != whole {
					t.Errorf("%s of %d bytes: %d packets, %v", name, n, len(got), err)
				}
			} else if !errors.As(err, &damage) || len(got) != whole || damage.Packets != int64(whole) || damage.Offset != int64(s.starts[whole]) {
				t.Errorf("%s of %d bytes: %d packets of %d, %v", name, n, len(got), whole, err)
			}
		}
	}
}

// TestHole: zeros, garbage or nothing where packets were. Those behind are found, and only they.
func TestHole(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for name, s := range samples() {
		want, _, _ := readAll(bytes.NewReader(s.data), pcap.Config{})
		from, to := s.starts[50], s.starts[60]+100
		garbage := bytes.Clone(s.data)
		for i := from; i < to; i++ {
			garbage[i] = byte(random.Uint32())
		}
		for how, data := range map[string][]byte{
			"zeros":   punch(s.data, from, to-from),
			"garbage": garbage,
			"lost":    append(bytes.Clone(s.data[:from]), s.data[to:]...),
			"within":  append(bytes.Clone(s.data[:from+30]), s.data[to:]...),
			"length":  set(s.data, from, 4, 8),
		} {
			got, info, err := readAll(iotest.HalfReader(bytes.NewReader(data)), pcap.Config{})
			behind := want[61:]
			if how == "length" {
				behind = want[51:]
			}
			if err != nil || len(got) < 50+len(behind) || len(info.Damage) == 0 || info.Skipped == 0 {
				t.Errorf("%s, %s: %d packets, %+v, %v", name, how, len(got), info.Damage, err)
				continue
			}
			if d := info.Damage[0]; d.Packets < 50 || d.Packets > 51 || d.Offset < int64(from) || d.Offset > int64(s.starts[52]) {
				t.Errorf("%s, %s: %v", name, how, info.Damage[0])
			}
			for i, p := range got[len(got)-len(behind):] {
				if p.Hash != behind[i].Hash || p.At != behind[i].At {
					t.Fatalf("%s, %s: packet %d behind is another", name, how, i)
				}
			}
			if len(got) > 51+len(behind) {
				t.Errorf("%s, %s: %d packets were made up", name, how, len(got)-50-len(behind))
			}
		}
	}
}

// set makes the lengths of the packet at a place too large.
func set(data []byte, at int, places ...int) []byte {
	out := bytes.Clone(data)
	for _, p := range places {
		copy(out[at+p:], "\x7f\x7f\x7f\x7f")
	}
	return out
}

// TestBeyondTheEnd: a length that is possible, but leads behind the end of the file.
func TestBeyondTheEnd(t *testing.T) {
	for name, s := range samples() {
		data := bytes.Clone(s.data)
		order := orders[0]
		if strings.HasSuffix(name, "BigEndian") {
			order = orders[1]
		}
		if strings.HasPrefix(name, "pcapng") {
			order.PutUint32(data[s.starts[100]+4:], 3<<20)
		} else {
			order.PutUint32(data[s.starts[100]+8:], 200<<10)
		}
		got, info, err := readAll(bytes.NewReader(data), pcap.Config{})
		if err != nil || len(got) != 199 || len(info.Damage) != 1 || info.Damage[0].Offset != int64(s.starts[100]) {
			t.Errorf("%s: %d packets, %v, %v", name, len(got), info.Damage, err)
		}
	}
}

// TestNoWayBack: behind the damage is nothing.
func TestNoWayBack(t *testing.T) {
	for name, s := range samples() {
		data := append(bytes.Clone(s.data[:s.starts[50]]), bytes.Repeat([]byte{0xff}, 3<<20)...)
		got, info, err := readAll(bytes.NewReader(data), pcap.Config{})
		var damage *pcap.DamageError
		if !errors.As(err, &damage) || len(got) != 50 || damage.Packets != 50 || damage.Offset != int64(s.starts[50]) || len(info.Damage) != 0 {
			t.Errorf("%s: %d packets, %v", name, len(got), err)
		}
	}
}

// TestStrangePackets: a packet that cannot be read in a block that can is left out, and keeps its number.
func TestStrangePackets(t *testing.T) {
	for _, order := range orders {
		f := ngFile(order).packet(0, 1, 1, "first").packet(7, 2, 1, "of no interface")
		f.block(6, func(b *file) { b.u32(0, 0, 3, 1000, 1000) })
		f.block(6, func(b *file) { b.u32(0, 0) })
		f.block(3, func(b *file) { b.u32(1 << 30) })
		f.block(2, func(b *file) { b.u16(3, 0).u32(0, 0, 0, 0) })
		f.packet(0, 4, 1, strings.Repeat("x", pcap.MaxPacket+1)).packet(0, 5, 1, strings.Repeat("x", pcap.MaxPacket))
		got, info, err := readAll(f, pcap.Config{})
		if err != nil || len(got) != 2 || got[1].Number != 8 || got[1].Captured != pcap.MaxPacket || len(info.Damage) != 6 {
			t.Errorf("%+v, %+v, %v", got, info.Damage, err)
		}
	}
}

// TestLongBlocks: up to 16 MiB they are passed over, in the caller's buffers too.
func TestLongBlocks(t *testing.T) {
	for _, size := range []int{4<<20 - 12, 5 << 20, 15 << 20} {
		f := ngFile(binary.LittleEndian).packet(0, 1, 1, "first")
		f.block(0x7777, func(b *file) { b.Write(make([]byte, size)) })
		f.packet(0, 2, 1, "second")
		given := 0
		cfg := pcap.Config{Buffer: func(n int) []byte { given += n; return make([]byte, n) }}
		if got, info, err := readAll(bytes.NewReader(f.Bytes()), cfg); err != nil || len(got) != 2 || len(info.Damage) != 0 || given > 10<<20 {
			t.Errorf("%d bytes: %d packets, %v, %d bytes of buffers", size, len(got), err, given)
		}
		if got, _, err := readAll(bytes.NewReader(f.Bytes()[:f.Len()-100]), pcap.Config{}); err == nil || len(got) != 1 {
			t.Errorf("%d bytes, cut off: %d packets, %v", size, len(got), err)
		}
	}
}

// TestBlocksOfAllSizes: what is carried from buffer to buffer is whole, however long the blocks are.
func TestBlocksOfAllSizes(t *testing.T) {
	f := ngFile(binary.LittleEndian)
	for i := 0; i < 60; i += 3 {
		f.packet(0, uint64(i), 1, strings.Repeat(string(rune('a'+i%26)), 1+i*4001))
		f.block(0x7777, func(b *file) { b.Write(make([]byte, i*i*i*i/3)) })
	}
	want, _, err := readAll(bytes.NewReader(f.Bytes()), pcap.Config{})
	if err != nil || len(want) != 20 {
		t.Fatal(len(want), err)
	}
	for name, give := range map[string]func(int) []byte{
		"as asked": func(n int) []byte { return make([]byte, n) },
		"most":     func(int) []byte { return make([]byte, 4<<20) },
		"too few":  func(int) []byte { return nil },
	} {
		got, _, err := readAll(bytes.NewReader(f.Bytes()), pcap.Config{Buffer: give})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("buffers %s: %d packets, %v", name, len(got), err)
		}
	}
}

// TestStatedLengths: a short file that states long things costs little.
func TestStatedLengths(t *testing.T) {
	for name, f := range map[string]*file{
		"packet":  {Buffer: *bytes.NewBuffer(classicFile(binary.LittleEndian, 0xa1b2c3d4, 0, 1).u32Bytes(1, 2, 1<<30, 1<<30))},
		"block":   {Buffer: *bytes.NewBuffer(ngFile(binary.LittleEndian).u32Bytes(6, 1<<30, 0, 0, 0, 1<<30))},
		"15 MiB":  {Buffer: *bytes.NewBuffer(ngFile(binary.LittleEndian).u32Bytes(10, 15<<20, 0, 15<<20))},
		"4 MiB":   {Buffer: *bytes.NewBuffer(ngFile(binary.LittleEndian).u32Bytes(6, 4<<20, 0, 0, 0, 1<<18))},
		"section": {Buffer: *bytes.NewBuffer(ngFile(binary.LittleEndian).u32Bytes(0x0a0d0d0a, 1<<30, 0x1a2b3c4d))},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := readAll(f, pcap.Config{Secrets: func(pcap.SecretsType, []byte) {}})
		runtime.ReadMemStats(&after)
		var damage *pcap.DamageError
		if !errors.As(err, &damage) || after.TotalAlloc-before.TotalAlloc > 256<<10 {
			t.Errorf("%s: %v, %d bytes allocated", name, err, after.TotalAlloc-before.TotalAlloc)
		}
	}
}

func (f *file) u32Bytes(vs ...uint32) []byte { return f.u32(vs...).Bytes() }

func TestBrokenGzip(t *testing.T) {
	s := samples()["pcap LittleEndian"]
	data := zip(s.data)
	for n := 30; n < len(data); n += 7 {
		_, info, err := readAll(bytes.NewReader(data[:n]), pcap.Config{})
		var damage *pcap.DamageError
		var format *pcap.FormatError
		if !errors.As(err, &damage) && !errors.As(err, &format) || damage != nil && !info.Compressed {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
}

// TestSourceFails: its error is the cause, before and after the first packet.
func TestSourceFails(t *testing.T) {
	cause := errors.New("the disk is gone")
	s := samples()["pcap LittleEndian"]
	for _, data := range [][]byte{s.data, zip(s.data)} {
		for _, n := range []int{0, 1, 10, 100, len(data) / 2} {
			_, _, err := readAll(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(cause)), pcap.Config{})
			if !errors.Is(err, cause) {
				t.Errorf("after %d bytes: %v", n, err)
			}
		}
	}
}

// TestDamageEverywhere: a file of nothing but a packet and a hole, again and again, is read once and not again for each hole.
func TestDamageEverywhere(t *testing.T) {
	for name, s := range samples() {
		head, one := s.data[:s.starts[0]], s.data[s.starts[0]:s.starts[1]]
		data := append(bytes.Clone(head), bytes.Repeat(append(bytes.Repeat(one, 4), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 12000)...)
		given := 0
		cfg := pcap.Config{Buffer: func(n int) []byte { given += n; return make([]byte, n) }}
		got, info, err := readAll(bytes.NewReader(data), cfg)
		if len(got) < 4*11999 || len(info.Damage) != 100 || info.Skipped < 9*11999 || given > 3*len(data) {
			t.Errorf("%s: %d packets, %d bytes skipped, %v; %d bytes of buffers for %d", name, len(got), info.Skipped, err, given, len(data))
		}
	}
}
