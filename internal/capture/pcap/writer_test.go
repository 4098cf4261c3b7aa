package pcap_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/test/captures"
)

// TestWriterAgrees writes a capture anew, with its secrets, and has Wireshark's tools look at it: nothing is malformed, times and lengths
// are the same, and tshark decrypts it.
func TestWriterAgrees(t *testing.T) {
	c := captures.Find(t, "client_h2_curl")
	path := filepath.Join(t.TempDir(), "new.pcapng")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := pcap.NewWriter(out, "lunette test")
	if err != nil {
		t.Fatal(err)
	}
	in := bytes.NewReader(load(t, c.Path))
	r, err := pcap.NewReader(in, pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	about := r.Info().Interfaces[0]
	about.Name, about.Description, about.Filter = "lo", "the loopback", "tcp port 21448"
	for range 2 {
		if _, err := w.Interface(about); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Secrets(pcap.SecretsTLSKeyLog, load(t, c.KeyLog)); err != nil {
		t.Fatal(err)
	}
	var p pcap.Packet
	for r.Next(&p) == nil {
		p.At += 123 // ns
		p.Interface = int(p.Number % 2)
		if err := w.Packet(&p); err != nil {
			t.Fatal(err)
		}
	}
	want, _ := readFile(t, c.Path)
	for i := range want {
		want[i].At += 123
	}
	same(t, "written", lines(want), oracle(t, path))
	got, info := readFile(t, path)
	same(t, "written", lines(got), lines(want))
	if want := (pcap.Interface{Name: "lo", Description: "the loopback", Filter: "tcp port 21448", Link: about.Link, SnapLen: about.SnapLen}); !slices.Equal(info.Interfaces, []pcap.Interface{want, want}) {
		t.Errorf("%+v", info.Interfaces)
	}
	says := run(t, "capinfos", path)
	for _, line := range []string{"lunette test", "Number of interfaces in file: 2", "nanoseconds (9)", "Name = lo", "Filter string = tcp port 21448"} {
		if !strings.Contains(says, line) {
			t.Errorf("capinfos does not say %q:\n%s", line, says)
		}
	}
	decrypted := run(t, "tshark", "-n", "-r", path, "-d", "tcp.port=="+c.Port+",tls", "-Y", "http2 || http", "-T", "fields", "-e", "frame.number")
	if strings.Count(decrypted, "\n") < 5 {
		t.Errorf("tshark decrypts frames %q", decrypted)
	}
}

func TestWriterRefuses(t *testing.T) {
	var out bytes.Buffer
	w, err := pcap.NewWriter(&out, "")
	if err != nil {
		t.Fatal(err)
	}
	n, err := w.Interface(pcap.Interface{Name: strings.Repeat("x", 5000)})
	if err != nil || n != 0 {
		t.Fatal(n, err)
	}
	before := out.Len()
	for _, p := range []pcap.Packet{{Interface: 1}, {Interface: -1}, {Data: make([]byte, pcap.MaxPacket+1)}, {At: -1}, {Length: -1}} {
		if err := w.Packet(&p); err == nil || !strings.HasPrefix(err.Error(), "write packet: ") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if err := w.Secrets(pcap.SecretsWireGuard, make([]byte, 9<<20)); err == nil {
		t.Error("9 MiB of secrets that are no lines")
	}
	if out.Len() != before {
		t.Errorf("%d bytes were written", out.Len()-before)
	}
	if err := w.Packet(&pcap.Packet{Length: 0, Data: []byte("longer than its length")}); err != nil {
		t.Error(err)
	}
	got, _, err := readAll(&out, pcap.Config{})
	if err != nil || len(got) != 1 || got[0].Length != 22 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestWriterSecrets: a long key log becomes several blocks, which read as one.
func TestWriterSecrets(t *testing.T) {
	log := strings.Repeat(strings.Repeat("x", 199)+"\n", 20<<20/200)
	var out bytes.Buffer
	w, _ := pcap.NewWriter(&out, "")
	if err := w.Secrets(pcap.SecretsTLSKeyLog, []byte(log)); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	if _, _, err := readAll(&out, pcap.Config{Secrets: func(_ pcap.SecretsType, data []byte) { told.Write(data) }}); err != nil || told.String() != log {
		t.Errorf("%d bytes of %d, %v", told.Len(), len(log), err)
	}
}

// failing takes n writes.
type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

var errFull = errors.New("the disk is full")

func TestWriterFails(t *testing.T) {
	if _, err := pcap.NewWriter(&failing{0}, ""); !errors.Is(err, errFull) {
		t.Error(err)
	}
	w, err := pcap.NewWriter(&failing{2}, "")
	if err != nil {
		t.Fatal(err)
	}
	_, first := w.Interface(pcap.Interface{})
	second, third := w.Packet(&pcap.Packet{}), w.Packet(&pcap.Packet{})
	if first != nil || !errors.Is(second, errFull) || fmt.Sprint(third) != fmt.Sprint(second) {
		t.Error(first, second, third)
	}
}
