package pcap_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

func TestClassic(t *testing.T) {
	for _, order := range orders {
		for _, c := range []struct {
			magic uint32
			at    int64
			fine  bool
		}{
			{0xa1b2c3d4, 4294967295_000_007_000, false},
			{0xa1b23c4d, 4294967295_000_000_007, true},
		} {
			f := classicFile(order, c.magic, 65535, 0x34000071).record(4294967295, 7, 1000, "data").record(1, 0, 3, "").record(2, 0, 3, "abc")
			got, info, err := readAll(f, pcap.Config{})
			if err != nil || len(got) != 3 || got[0].At != c.at || got[0].Length != 1000 || got[0].Captured != 4 || got[1].Captured != 0 || got[2].Number != 3 {
				t.Errorf("%v %x: %+v, %v", order, c.magic, got, err)
				continue
			}
			if got[0].Link != pcap.LinkSLL || info.Nanoseconds != c.fine || !slices.Equal(info.Interfaces, []pcap.Interface{{Link: pcap.LinkSLL, SnapLen: 65535}}) {
				t.Errorf("%v %x: %+v", order, c.magic, info)
			}
		}
	}
}

// TestClassicAppended: "cat a.pcap b.pcap" is what people do.
func TestClassicAppended(t *testing.T) {
	f := classicFile(binary.LittleEndian, 0xa1b2c3d4, 0, 1).record(1, 0, 3, "abc")
	f.Write(classicFile(binary.BigEndian, 0xa1b23c4d, 0, 101).record(2, 5, 4, "abcd").Bytes())
	got, info, err := readAll(f, pcap.Config{})
	if err != nil || len(got) != 2 || got[1].Link != pcap.LinkRaw || got[1].At != 2_000_000_005 || len(info.Interfaces) != 2 {
		t.Errorf("%+v, %+v, %v", got, info, err)
	}
}

// TestClassicOld: before version 2.3 both lengths stood the other way round.
func TestClassicOld(t *testing.T) {
	f := &file{order: binary.LittleEndian}
	f.u32(0xa1b2c3d4).u16(2, 3).u32(0, 0, 0, 1).u32(1, 0, 10, 3)
	f.WriteString("abc")
	f.u32(1, 0, 3, 10)
	f.WriteString("abc")
	got, _, err := readAll(f, pcap.Config{})
	if err != nil || len(got) != 2 || got[0].Length != 10 || got[0].Captured != 3 || got[1].Length != 10 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestInfo(t *testing.T) {
	var told []string
	cfg := pcap.Config{
		Secrets: func(kind pcap.SecretsType, data []byte) { told = append(told, fmt.Sprintf("%x %s", kind, data)) },
		Name:    func(addr netip.Addr, name string) { told = append(told, addr.String()+" "+name) },
	}
	got, info, err := readAll(bytes.NewReader(mixed().Bytes()), cfg)
	if err != nil || len(got) != 12 {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	want := pcap.Info{Format: "pcapng", Nanoseconds: true, Hardware: "hardware", OS: "system", Application: "program", Dropped: 14,
		Comments: []string{"about the section", "about a packet", "about the section", "about a packet"}}
	for range 2 {
		want.Interfaces = append(want.Interfaces, pcap.Interface{Name: "eth0", Description: "the first", Filter: "tcp port 443", Link: 1, SnapLen: 40},
			pcap.Interface{Name: "tun0", Link: 101}, pcap.Interface{Link: 1})
	}
	if fmt.Sprintf("%+v", *info) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, want %+v", *info, want)
	}
	one := []string{"127.0.0.1 localhost", "127.0.0.1 home", "544c534b SECRET"}
	if !slices.Equal(told, append(one, one...)) {
		t.Errorf("%q", told)
	}
}

// TestSecretsComeFirst: what opens a packet is told before the packet.
func TestSecretsComeFirst(t *testing.T) {
	f := ngFile(binary.BigEndian).packet(0, 1, 1, "x")
	f.block(10, func(b *file) { b.u32(uint32(pcap.SecretsTLSKeyLog), 99); b.WriteString("of a wrong length") })
	f.packet(0, 2, 1, "y")
	var told string
	r, err := pcap.NewReader(f, pcap.Config{Secrets: func(_ pcap.SecretsType, data []byte) { told = string(data) }})
	if err != nil {
		t.Fatal(err)
	}
	var p pcap.Packet
	if err := r.Next(&p); err != nil || told != "" {
		t.Fatal(err, told)
	}
	if err := r.Next(&p); err != nil || !strings.HasPrefix(told, "of a wrong length") {
		t.Fatal(err, told)
	}
}

// TestLongSecrets: a key log that does not fit into the buffer comes in pieces of whole lines.
func TestLongSecrets(t *testing.T) {
	line := "CLIENT_RANDOM " + strings.Repeat("ab", 32) + " " + strings.Repeat("cd", 48) + "\n"
	log := strings.Repeat(line, 6<<20/len(line))
	f := ngFile(binary.LittleEndian)
	f.block(10, func(b *file) { b.u32(uint32(pcap.SecretsTLSKeyLog), uint32(len(log))); b.WriteString(log) })
	f.packet(0, 1, 1, "x")
	var told strings.Builder
	calls := 0
	got, _, err := readAll(f, pcap.Config{Secrets: func(_ pcap.SecretsType, data []byte) {
		calls++
		told.Write(data)
		if !bytes.HasPrefix(data, []byte("CLIENT_RANDOM")) || !bytes.HasSuffix(data, []byte("\n")) {
			t.Error("a piece does not consist of lines")
		}
	}})
	if err != nil || len(got) != 1 || told.String() != log || calls != 2 {
		t.Errorf("%d packets, %d bytes of %d in %d calls, %v", len(got), told.Len(), len(log), calls, err)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		resolution string
		offset     uint64
		stamp      uint64
		want       int64
	}{
		{"", 0, 1_234_567, 1_234_567_000},
		{"\x00", 0, 5, 5_000_000_000},
		{"\x03", 0, 5, 5_000_000},
		{"\x09", 0, 5, 5},
		{"\x0c", 0, 5_999, 5},
		{"\x7f", 0, 1 << 63, 0},
		{"\x80", 0, 5, 5_000_000_000},
		{"\x8a", 0, 1536, 1_500_000_000},
		{"\xa0", 0, 3 << 31, 1_500_000_000},
		{"\xbf", 0, 1 << 62, 500_000_000},
		{"\xc0", 0, 1 << 63, 500_000_000},
		{"\xff", 0, 1 << 63, 0},
		{"\x06", 10, 1, 10_000_001_000},
		{"\x06", 1<<64 - 10, 11_000_000, 1_000_000_000},
		{"\x00", 0, 1 << 63, 1<<63 - 1},
		{"\x06", 1<<63 - 1, 1 << 63, 1<<63 - 1},
	} {
		for _, order := range orders {
			f := &file{order: order}
			offset := string(order.(binary.AppendByteOrder).AppendUint64(nil, c.offset))
			options := []func(*file){opt(14, offset)}
			if c.resolution != "" {
				options = append(options, opt(9, c.resolution))
			}
			f.section().iface(1, 0, options...).packet(0, c.stamp, 1, "x")
			got, _, err := readAll(f, pcap.Config{})
			if err != nil || len(got) != 1 || got[0].At != c.want {
				t.Errorf("%x after %d, stamp %d: %+v, want %d, %v", c.resolution, c.offset, c.stamp, got, c.want, err)
			}
		}
	}
}

// TestPieces: how the input is cut into reads changes nothing, nor does who owns the buffers, nor gzip.
func TestPieces(t *testing.T) {
	long := ngFile(binary.LittleEndian)
	for i := range 3000 {
		long.packet(0, uint64(i), 2000, strings.Repeat(string(rune('a'+i%26)), i%1500), opt(1, strings.Repeat("c", i%2000)))
	}
	old := classicFile(binary.BigEndian, 0xa1b2c3d4, 0, 1)
	for i := range 300 {
		old.record(uint32(i), 0, 2000, strings.Repeat("x", i*7%1500))
	}
	for name, data := range map[string][]byte{"mixed": mixed().Bytes(), "pcapng": long.Bytes(), "pcap": old.Bytes(), "cut": old.Bytes()[:old.Len()-5],
		"hole": punch(old.Bytes(), 100_000, 70_000)} {
		want, info, end := readAll(bytes.NewReader(data), pcap.Config{})
		given := func(n int) []byte { return make([]byte, n) }
		for how, src := range map[string]io.Reader{
			"bytes":      iotest.OneByteReader(bytes.NewReader(data)),
			"halves":     iotest.HalfReader(bytes.NewReader(data)),
			"error soon": iotest.DataErrReader(bytes.NewReader(data)),
			"gzip":       iotest.OneByteReader(bytes.NewReader(zip(data))),
			"members":    bytes.NewReader(append(zip(data[:1000]), zip(data[1000:])...)),
		} {
			for _, cfg := range []pcap.Config{{}, {Buffer: given}} {
				if cfg.Buffer != nil {
					src = iotest.HalfReader(bytes.NewReader(data))
				}
				got, about, err := readAll(src, cfg)
				about.Compressed = false
				if !slices.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(end) || fmt.Sprint(*about) != fmt.Sprint(*info) {
					t.Errorf("%s in %s: %d packets, %d otherwise; %v", name, how, len(got), len(want), err)
				}
			}
		}
	}
}

// TestPacketsStay: packets in buffers of the caller stay as they were returned.
func TestPacketsStay(t *testing.T) {
	f := classicFile(binary.LittleEndian, 0xa1b2c3d4, 0, 1)
	for i := range 4000 {
		f.record(uint32(i), 0, 1000, strings.Repeat(string(rune('A'+i%50)), 1000))
	}
	r, err := pcap.NewReader(iotest.HalfReader(f), pcap.Config{Buffer: func(n int) []byte { return make([]byte, n) }})
	if err != nil {
		t.Fatal(err)
	}
	var all []pcap.Packet
	for {
		var p pcap.Packet
		if err := r.Next(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	for i, p := range all {
		if want := strings.Repeat(string(rune('A'+i%50)), 1000); string(p.Data) != want || cap(p.Data) != len(p.Data) {
			t.Fatalf("packet %d begins with %.10q now", i, p.Data)
		}
	}
	if len(all) != 4000 || r.Offset() != 24+4000*1016 {
		t.Errorf("%d packets, offset %d", len(all), r.Offset())
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	f := ngFile(binary.LittleEndian)
	for i := range 5000 {
		f.packet(0, uint64(i), 1000, strings.Repeat("x", 1000))
	}
	r, err := pcap.NewReader(f, pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var p pcap.Packet
	for range 2000 { // the buffer has its size then
		r.Next(&p)
	}
	if n := testing.AllocsPerRun(2000, func() {
		if err := r.Next(&p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
