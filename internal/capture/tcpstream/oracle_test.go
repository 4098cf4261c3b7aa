package tcpstream

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/peer"
)

// segments reads the TCP segments of a file; their payloads are copies.
func segments(t testing.TB, path string) []packet.Segment {
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
	var out []packet.Segment
	for {
		var p pcap.Packet
		var s packet.Segment
		if err := r.Next(&p); err == io.EOF {
			return out
		} else if damage := (*pcap.DamageError)(nil); errors.As(err, &damage) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if d.Decode(&p, &s) == packet.TCP {
			s.Payload = append([]byte(nil), s.Payload...)
			out = append(out, s)
		}
	}
}

// missing is what tshark writes in place of bytes that are not there.
func missing(n int64) string { return fmt.Sprintf("[%d bytes missing in capture file]\x00", n) }

// followed is a stream as tshark shows it: for each connection, in order, the bytes by sender.
func followed(t testing.TB, path string, conns int) []map[string]string {
	t.Helper()
	args := []string{"-n", "-q", "-r", path}
	for i := range conns {
		args = append(args, "-z", "follow,tcp,raw,"+strconv.Itoa(i))
	}
	cmd := exec.Command(peer.Need(t, "tshark", "tshark"), args...)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]map[string]string, conns)
	now, node, n := map[string]string{}, [2]string{}, -1
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "Filter: tcp.stream eq "):
			n, _ = strconv.Atoi(strings.TrimPrefix(line, "Filter: tcp.stream eq "))
			now = map[string]string{}
			all[n] = now
		case strings.HasPrefix(line, "Node "):
			node[line[5]-'0'] = strings.TrimSpace(line[7:])
		case n >= 0 && line != "" && line[0] != '=':
			who := node[0]
			if line[0] == '\t' {
				who = node[1]
			}
			b, err := hex.DecodeString(strings.TrimSpace(line))
			if err != nil {
				continue
			}
			now[who] += string(b)
		}
	}
	return all
}

// shown is what a connection's handler got, with gaps as tshark writes them.
type shown struct {
	discard
	conn   *Conn
	last   Conn // as it was when it ended
	stream [3]strings.Builder
}

func (o *shown) Data(side fact.Side, _ fact.Stamp, p []byte) { o.stream[side].Write(p) }
func (o *shown) Gap(side fact.Side, _ fact.Stamp, n int64)   { o.stream[side].WriteString(missing(n)) }

func (o *shown) Done() { o.last = *o.conn }

// TestAsTsharkFollows compares the streams of recorded connections with those that tshark shows: a dozen of them and all that are
// damaged, or every one when LUNETTE_SOAK=1.
func TestAsTsharkFollows(t *testing.T) {
	all := captures.All(t)
	for i, c := range all {
		if os.Getenv("LUNETTE_SOAK") == "" && i%13 != 0 && !strings.HasPrefix(c.Name, "damaged") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var conns []*shown
			b := budget.New(64 << 20)
			tr := New(Config{Budget: b}, func(c *Conn) Handler {
				conns = append(conns, &shown{conn: c})
				return conns[len(conns)-1]
			})
			for _, s := range segments(t, c.Path) {
				tr.Segment(&s)
			}
			tr.Close()
			if b.Used() != 0 || tr.Stats().Ignored != 0 {
				t.Errorf("budget %d, %+v", b.Used(), tr.Stats())
			}
			for i, want := range followed(t, c.Path, len(conns)) {
				got := conns[i]
				for side, addr := range map[fact.Side]string{fact.SideClient: got.last.Client.String(), fact.SideServer: got.last.Server.String()} {
					if got.stream[side].String() != want[addr] {
						t.Errorf("stream %d, %v: %d bytes, tshark has %d\n%.300q\n%.300q", i, side, got.stream[side].Len(), len(want[addr]), got.stream[side].String(), want[addr])
					}
				}
			}
		})
	}
}
