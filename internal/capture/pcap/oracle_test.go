package pcap_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/peer"
)

// run runs a program of Wireshark and returns its output.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	cmd := exec.Command(peer.Need(t, program, map[bool]string{true: "tshark", false: "wireshark-common"}[program == "tshark"]), args...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, problems.String())
	}
	return string(out)
}

// line is what tshark would print of a packet: number, time, lengths.
func line(number, at int64, length, captured int) string {
	return fmt.Sprintf("%d\t%d.%09d\t%d\t%d", number, at/1e9, at%1e9, length, captured)
}

// oracle is how tshark reads a file.
func oracle(t testing.TB, path string) []string {
	t.Helper()
	out := run(t, "tshark", "-n", "-r", path, "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch", "-e", "frame.len", "-e", "frame.cap_len",
		"--disable-protocol", "tls", "--disable-protocol", "http", "-o", "tcp.desegment_tcp_streams:FALSE")
	return strings.Split(strings.TrimSpace(out), "\n")
}

func lines(packets []seen) []string {
	var out []string
	for _, p := range packets {
		out = append(out, line(p.Number, p.At, p.Length, p.Captured))
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d packets, tshark has %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s, packet %d: %q, tshark has %q", what, i+1, got[i], want[i])
			return
		}
	}
}

// TestEveryCapture reads all captures as tshark does. It gets them appended to one another by mergecap, which keeps times and lengths:
// one run of tshark is enough then.
func TestEveryCapture(t *testing.T) {
	merged := filepath.Join(t.TempDir(), "all.pcapng")
	args := []string{"-a", "-w", merged}
	var all []string
	number := int64(0)
	for _, c := range captures.All(t) {
		args = append(args, c.Path)
		packets, info := readFile(t, c.Path)
		if info.Compressed || len(info.Damage) > 0 {
			t.Errorf("%s: %+v", c.Name, info)
		}
		for i, p := range packets {
			if number++; p.Number != int64(i+1) {
				t.Errorf("%s: packet %d has the number %d", c.Name, i+1, p.Number)
			}
			all = append(all, line(number, p.At, p.Length, p.Captured))
		}
	}
	run(t, "mergecap", args...)
	want := oracle(t, merged)
	same(t, "all captures", all, want)
	packets, _ := readFile(t, merged)
	same(t, "merged", lines(packets), want)
}

// TestVariants reads one capture in the forms that editcap and mergecap give it.
func TestVariants(t *testing.T) {
	one := captures.Find(t, "post_1m_iislike_go_once").Path
	other := captures.Find(t, "dsb_tls13_keyupdate").Path
	original, _ := readFile(t, one)
	dir := t.TempDir()
	for name, make := range map[string]func(to string){
		"pcap":        func(to string) { run(t, "editcap", "-F", "pcap", one, to) },
		"nsecpcap":    func(to string) { run(t, "editcap", "-F", "nsecpcap", one, to) },
		"modpcap":     func(to string) { run(t, "editcap", "-F", "modpcap", one, to) },
		"pcapng":      func(to string) { run(t, "editcap", "-F", "pcapng", one, to) },
		"snaplen":     func(to string) { run(t, "editcap", "-s", "96", "-F", "pcapng", one, to) },
		"snaplen 60":  func(to string) { run(t, "editcap", "-s", "60", "-F", "pcap", one, to) },
		"gzip":        func(to string) { zipped(t, to, one) },
		"interfaces":  func(to string) { run(t, "mergecap", "-w", to, one, other) },
		"sections":    func(to string) { joined(t, to, other, dir+"/pcapng", other) },
		"gzip joined": func(to string) { zipped(t, to, other, other) },
		"comments":    func(to string) { run(t, "editcap", "-a", "2:a comment", "--capture-comment", "of the file", one, to) },
	} {
		if name == "sections" {
			run(t, "editcap", "-F", "pcapng", one, dir+"/pcapng")
		}
		t.Run(name, func(t *testing.T) {
			to := filepath.Join(dir, name+".file")
			make(to)
			got, info := readFile(t, to)
			same(t, name, lines(got), oracle(t, to))
			if !strings.Contains("interfaces sections gzip joined", name) {
				for i, p := range got {
					if p.At != original[i].At || p.Length != original[i].Length {
						t.Fatalf("packet %d: %+v, was %+v", i, p, original[i])
					}
				}
			}
			checkVariant(t, name, info)
		})
	}
}

func checkVariant(t *testing.T, name string, info *pcap.Info) {
	t.Helper()
	want := map[string]struct {
		format string
		fine   bool
		ports  int
	}{
		"pcap": {"pcap", false, 1}, "nsecpcap": {"pcap", true, 1}, "modpcap": {"pcap", false, 1}, "pcapng": {"pcapng", false, 1}, "snaplen": {"pcapng", false, 1},
		"snaplen 60": {"pcap", false, 1}, "gzip": {"pcap", false, 1}, "interfaces": {"pcapng", false, 2}, "sections": {"pcapng", false, 3},
		"gzip joined": {"pcapng", false, 2}, "comments": {"pcapng", false, 1},
	}[name]
	if info.Format != want.format || info.Nanoseconds != want.fine || len(info.Interfaces) != want.ports {
		t.Errorf("%+v, want %+v", info, want)
	}
	if info.Compressed != strings.HasPrefix(name, "gzip") {
		t.Errorf("compressed: %t", info.Compressed)
	}
	if name == "comments" && strings.Join(info.Comments, "|") != "of the file|a comment" {
		t.Errorf("comments %q", info.Comments)
	}
	if len(info.Damage) != 0 || info.Skipped != 0 {
		t.Errorf("damage %v", info.Damage)
	}
}

// TestFrameNumbers holds that what is a frame to tshark has a number here.
func TestFrameNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mixed.pcapng")
	f := mixed()
	if err := os.WriteFile(path, f.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	packets, _ := readFile(t, path)
	got := map[int64]string{}
	for i, l := range lines(packets) {
		got[packets[i].Number] = l
	}
	for i, l := range oracle(t, path) {
		switch mine := got[int64(i+1)]; {
		case mine == "" && (strings.HasSuffix(l, "\t24\t24") || strings.HasSuffix(l, "\t20\t20")): // custom blocks and the journal
		case strings.Contains(l, "\t\t"): // no time: a simple packet block
			if n, _, _ := strings.Cut(l, "\t"); !strings.HasPrefix(mine, n+"\t") || !strings.HasSuffix(mine, "\t100\t40") {
				t.Errorf("%q, tshark has %q", mine, l)
			}
		case mine != l:
			t.Errorf("%q, tshark has %q", mine, l)
		}
		delete(got, int64(i+1))
	}
	if len(got) > 0 {
		t.Errorf("more than tshark has: %v", got)
	}
}
