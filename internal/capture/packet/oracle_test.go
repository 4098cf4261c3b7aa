package packet_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/peer"
)

// fields are what tshark is asked for, and [describe] answers.
var fields = []string{"frame.number", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len",
	"tcp.flags", "tcp.window_size_value", "ip.ttl", "ipv6.hlim", "ip.id", "tcp.options.mss_val", "tcp.options.wscale.shift", "tcp.options.timestamp.tsval",
	"tcp.options.timestamp.tsecr", "tcp.options.sack_le", "tcp.options.sack_re"}

// oracle is how tshark takes the TCP segments of a file apart.
func oracle(t testing.TB, path string) []string {
	t.Helper()
	args := []string{"-n", "-r", path, "-T", "fields", "-E", "occurrence=a", "--disable-protocol", "tls", "--disable-protocol", "http",
		"-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE", "-o", "ipv6.tso_support:TRUE", "-Y", "tcp && !icmp && !icmpv6"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(peer.Need(t, "tshark", "tshark"), args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %s: %v", strings.Join(args, " "), err)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// describe says of a segment what tshark says.
func describe(number int64, s *packet.Segment) string {
	var src4, src6, dst4, dst6, ttl4, ttl6, id string
	if s.Src.Addr().Is4() {
		src4, dst4, ttl4, id = s.Src.Addr().String(), s.Dst.Addr().String(), fmt.Sprint(s.TTL), fmt.Sprintf("0x%04x", s.IPID)
	} else {
		src6, dst6, ttl6 = s.Src.Addr().String(), s.Dst.Addr().String(), fmt.Sprint(s.TTL)
	}
	o := &s.Options
	var mss, scale, value, echo, left, right string
	if o.MSS != 0 {
		mss = fmt.Sprint(o.MSS)
	}
	if o.WindowScale != 0 {
		scale = fmt.Sprint(o.WindowScale - 1)
	}
	if o.HasTimestamps {
		value, echo = fmt.Sprint(o.TSVal), fmt.Sprint(o.TSEcr)
	}
	for _, block := range o.SACK[:o.SACKs] {
		left += fmt.Sprint(",", block[0])
		right += fmt.Sprint(",", block[1])
	}
	return strings.Join([]string{fmt.Sprint(number), src4, src6, dst4, dst6, fmt.Sprint(s.Src.Port()), fmt.Sprint(s.Dst.Port()), fmt.Sprint(s.Seq), fmt.Sprint(s.Ack),
		fmt.Sprint(s.Length), fmt.Sprintf("0x%04x", s.Flags), fmt.Sprint(s.Window), ttl4, ttl6, id, mss, scale, value, echo, strings.TrimPrefix(left, ","),
		strings.TrimPrefix(right, ",")}, "\t")
}

// segments describes the TCP segments of a file.
func segments(t testing.TB, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f, pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := packet.New()
	var out []string
	var p pcap.Packet
	var s packet.Segment
	for {
		if err := r.Next(&p); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if d.Decode(&p, &s) == packet.TCP {
			if len(s.Payload) > s.Length || s.At != p.At || s.Frame != p.Number {
				t.Fatalf("%s: %+v of %+v", path, s, p)
			}
			out = append(out, describe(s.Frame, &s))
		}
	}
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d segments, tshark has %d", what, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s:\n       %q\ntshark %q", what, got[i], want[i])
			return
		}
	}
}

// TestEveryCapture decodes all captures as tshark does, whole and cut off after 86 bytes. mergecap makes one file of them, so that one run
// of tshark is enough.
func TestEveryCapture(t *testing.T) {
	dir := t.TempDir()
	merged, cut := filepath.Join(dir, "all.pcapng"), filepath.Join(dir, "cut.pcapng")
	args := []string{"-a", "-w", merged}
	for _, c := range captures.All(t) {
		args = append(args, c.Path)
	}
	for _, cmd := range []*exec.Cmd{
		exec.Command(peer.Need(t, "mergecap", "wireshark-common"), args...),
		exec.Command(peer.Need(t, "editcap", "wireshark-common"), "-s", "86", merged, cut),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	same(t, "all captures", segments(t, merged), oracle(t, merged))
	same(t, "cut off", segments(t, cut), oracle(t, cut))
}
