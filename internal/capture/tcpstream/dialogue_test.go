package tcpstream

import (
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
)

const opened = `client tcp_syn @1
server tcp_syn_ack @2
client tcp_connected size 2000000 198.51.100.2:443 @3
`

// dialogue is a connection packet by packet, and what is told of it.
type dialogue struct {
	name  string
	build func(b *script)
	want  string
}

// disturbed are connections whose data comes in other ways than once and in order.
func disturbed() []dialogue {
	return []dialogue{
		{"normal", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "GET")
			b.s(ack, 1, 4, "200")
			b.c(fin|ack, 4, 4, "")
			b.s(fin|ack, 4, 5, "")
			b.c(ack, 5, 5, "")
		}, opened + `client "GET"
server "200"
client tcp_closed @6
client end tcp_closed
server tcp_closed @7
server end tcp_closed
done`},
		{"retransmission of data, whole, in part, twice", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.c(ack, 1, 1, "abc")
			b.c(ack, 1, 1, "abc")
			b.c(ack, 2, 1, "bcde")
			b.c(ack, 6, 1, "f")
		}, opened + `client "abc"
client tcp_retransmission code 3 size 8 data @5
client "de"
client "f"
client end none
server end none
done`},
		{"out of order", func(b *script) {
			b.shake()
			b.c(ack, 4, 1, "def")
			b.c(ack, 1, 1, "abc")
			b.c(ack, 7, 1, "ghi")
		}, opened + `client "abc"
client "def"
client tcp_out_of_order code 1 size 3 @5
client "ghi"
client end none
server end none
done`},
		{"the other side's answer comes first in the capture", func(b *script) {
			b.shake()
			b.s(ack, 1, 4, "200")
			b.c(ack, 1, 1, "GET")
			b.c(ack, 4, 4, "GET")
		}, opened + `client "GET"
server "200"
client "GET"
client end none
server end none
done`},
		{"lost and acknowledged", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.c(ack, 7, 1, "ghi")
			b.s(ack, 1, 10, "ok")
		}, opened + `client "abc"
client tcp_gap size 3 lost @5
client gap 3
client "ghi"
server "ok"
client end none
server end none
done`},
		{"lost at the end, known from the answer", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.s(ack, 1, 10, "ok")
		}, opened + `client "abc"
client tcp_gap size 6 lost @5
client gap 6
server "ok"
client end none
server end none
done`},
		{"missing, nobody knows", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.c(ack, 7, 1, "ghi")
		}, opened + `client "abc"
client tcp_gap size 3 unknown @5
client gap 3
client "ghi"
client end none
server end none
done`},
		{"cut off by the snaplen", func(b *script) {
			b.shake()
			cut(b.c(ack, 1, 1, "abcdef"), 2)
			cut(b.c(ack, 7, 1, "ghijkl"), 2)
			b.c(ack, 13, 1, "mno")
		}, opened + `client "ab"
client gap 4
client "gh"
client gap 4
client tcp_gap code 2 size 8 cut @4
client "mno"
client end none
server end none
done`},
		{"cut off while it waits, then sent again whole", func(b *script) {
			b.shake()
			cut(b.c(ack, 4, 1, "defghi"), 2)
			b.c(ack, 4, 1, "defghi")
			b.c(ack, 1, 1, "abc")
		}, opened + `client tcp_retransmission code 1 size 2 data @5
client "abc"
client "de"
client "fghi"
client tcp_out_of_order code 1 size 3 @6
client end none
server end none
done`},
		{"overlap with other bytes", func(b *script) {
			b.shake()
			b.c(ack, 4, 1, "def")
			b.c(ack, 4, 1, "dXf")
			b.c(ack, 1, 1, "abc")
		}, opened + `client tcp_overlap code 1 size 1 @5
client "abc"
client "def"
client tcp_out_of_order code 1 size 3 @6
client end none
server end none
done`},
	}
}

// ruled are connections that are opened, held and ended in various ways.
func ruled() []dialogue {
	return []dialogue{
		{"SYN sent again", func(b *script) {
			b.c(syn, 0, 0, "")
			b.at += 1_000_000_000
			b.c(syn, 0, 0, "")
			b.s(syn|ack, 0, 1, "")
			b.c(ack, 1, 1, "")
		}, `client tcp_syn @1
client tcp_retransmission code 1 syn @2
server tcp_syn_ack @3
client tcp_connected size 2000000 198.51.100.2:443 @4
client end none
server end none
done`},
		{"refused", func(b *script) {
			b.c(syn, 0, 0, "")
			r := b.s(rst|ack, 0, 1, "")
			r.Seq = 0
		}, `client tcp_syn @1
server tcp_reset @2
server end tcp_reset
client end none
done`},
		{"keep-alives", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.c(ack, 3, 1, "c")
			b.s(ack, 1, 4, "")
			b.c(ack, 3, 1, "")
			b.s(ack, 1, 4, "")
			b.c(ack, 4, 1, "def")
		}, opened + `client "abc"
client tcp_keep_alive code 2 @5
client "def"
client end none
server end none
done`},
		{"zero window", func(b *script) {
			b.shake()
			b.s(ack, 1, 1, "abc")
			b.c(ack, 1, 4, "").Window = 0
			b.s(ack, 3, 1, "c")
			b.c(ack, 1, 4, "").Window = 0
			b.c(ack, 1, 4, "")
			b.s(ack, 4, 1, "def")
		}, opened + `server "abc"
client tcp_zero_window @5
client tcp_window_open size 3000000 @8
server "def"
client end none
server end none
done`},
		{"half-close", func(b *script) {
			b.shake()
			b.c(fin|ack, 1, 1, "req")
			b.s(ack, 1, 5, "one")
			b.s(ack, 4, 5, "two")
			b.c(fin|ack, 1, 1, "req")
			b.s(fin|ack, 7, 5, "")
		}, opened + `client "req"
client tcp_closed @4
client end tcp_closed
server "one"
server "two"
server tcp_closed @8
server end tcp_closed
client tcp_retransmission code 1 size 3 data @7
done`},
		{"reset, and what crossed it", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.s(rst|ack, 1, 4, "")
			b.c(ack, 4, 1, "def")
			b.s(rst, 1, 0, "")
		}, opened + `client "abc"
server tcp_reset @5
client "def"
server end tcp_reset
client end none
done`},
		{"stray reset", func(b *script) {
			b.shake()
			b.s(rst, 90_000_000, 0, "")
			b.c(ack, 1, 1, "abc")
		}, opened + `client "abc"
client end none
server end none
done`},
		{"simultaneous open", func(b *script) {
			b.c(syn, 0, 0, "")
			b.s(syn, 0, 0, "")
			b.c(syn|ack, 0, 1, "")
			b.s(syn|ack, 0, 1, "")
			b.c(ack, 1, 1, "abc")
			b.s(ack, 1, 4, "def")
		}, `client tcp_syn @1
server tcp_syn @2
client tcp_syn_ack @3
server tcp_syn_ack @4
client tcp_connected size 4000000 198.51.100.2:443 @5
client "abc"
server "def"
client end none
server end none
done`},
	}
}

// beginnings are connections whose beginning is special.
func beginnings() []dialogue {
	return []dialogue{
		{"ports used again", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.isn = [2]uint32{70000, 90000}
			b.shake()
			b.c(ack, 1, 1, "def")
		}, opened + `client "abc"
client end none
server end none
done
client tcp_port_reused @5
client tcp_syn @5
server tcp_syn_ack @6
client tcp_connected size 2000000 198.51.100.2:443 @7
client "def"
client end none
server end none
done`},
		{"begins within the connection", func(b *script) {
			b.s(ack, 100, 4, "200")
			b.c(ack, 4, 103, "GET / HTTP/1.1")
			b.s(ack, 103, 18, "404")
		}, `tcp_midstream @1
server "200"
client "GET / HTTP/1.1"
server "404"
client end none
server end none
done`},
		{"SYN-ACK missing", func(b *script) {
			b.c(syn, 0, 0, "")
			b.c(ack, 1, 1, "")
			b.c(ack, 1, 1, "GET")
			b.s(ack, 1, 4, "200")
		}, `client tcp_syn @1
client "GET"
server "200"
client end none
server end none
done`},
		{"SYN missing", func(b *script) {
			b.s(syn|ack, 0, 1, "")
			b.c(ack, 1, 1, "")
			b.c(ack, 1, 1, "GET")
		}, `server tcp_syn_ack @1
client "GET"
client end none
server end none
done`},
		{"one side only", func(b *script) {
			b.c(syn, 0, 0, "")
			b.c(ack, 1, 1, "GET")
			b.c(ack, 4, 301, "GET")
		}, `client tcp_syn @1
client "GET"
client "GET"
server tcp_gap size 300 lost @3
server gap 300
client end none
server end none
done`},
		{"numbers wrap", func(b *script) {
			b.isn = [2]uint32{0xfffffffe, 0xffffffff}
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.s(ack, 1, 4, "xyz")
			b.c(ack, 4, 4, "def")
		}, opened + `client "abc"
server "xyz"
client "def"
client end none
server end none
done`},
		{"every packet captured twice", func(b *script) {
			b.shake()
			for i := range uint32(3) {
				b.c(ack, 1+3*i, 1, "abc")
				again := *b.c(ack, 1+3*i, 1, "abc")
				again.At, again.IPID = again.At-900_000, again.IPID-1
				b.out[len(b.out)-1] = again
			}
		}, opened + `client "abc"
client "abc"
client "abc"
client tcp_retransmission code 3 size 9 duplicate @5
client end none
server end none
done`},
		{"fast open", func(b *script) {
			b.c(syn, 0, 0, "GET")
			b.s(syn|ack, 0, 4, "200")
			b.c(ack, 4, 4, "")
			b.c(ack, 4, 4, "abc")
		}, `client tcp_syn @1
client "GET"
server tcp_syn_ack @2
server "200"
client tcp_connected size 2000000 198.51.100.2:443 @3
client "abc"
client end none
server end none
done`},
	}
}

// numbers are connections whose acknowledgements or lengths mislead.
func numbers() []dialogue {
	return []dialogue{
		{"an acknowledgement too high holds nothing up", func(b *script) {
			b.shake()
			b.s(ack, 1, 900, "one")
			b.s(ack, 4, 1, "two")
			b.c(ack, 1, 1, "abc")
		}, opened + `server "one"
server "two"
client "abc"
client end none
server end none
done`},
		{"captured twice, the copy with the higher acknowledgement first", func(b *script) {
			b.shake()
			b.s(ack, 1, 4, "one")
			b.s(ack, 1, 1, "one")
			b.c(ack, 1, 1, "abc")
		}, opened + `server "one"
client "abc"
server tcp_retransmission code 1 size 3 data @5
client end none
server end none
done`},
		{"a keep-alive is the first that is seen", func(b *script) {
			b.s(ack, 10, 100, "x")
			b.c(ack, 99, 11, "")
			b.c(ack, 100, 11, "abc")
			b.s(ack, 11, 103, "def")
		}, `tcp_midstream @1
server "x"
client "abc"
server "def"
client end none
server end none
done`},
		{"a FIN that the capture lacks is no gap", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abc")
			b.s(ack, 1, 5, "one")
		}, opened + `client "abc"
server "one"
client end none
server end none
done`},
		{"sent again, cut off, beyond what was there", func(b *script) {
			b.shake()
			b.c(ack, 1, 1, "abcd")
			cut(b.c(ack, 1, 1, "abcdefgh"), 2)
			b.c(ack, 9, 1, "ij")
		}, opened + `client "abcd"
client tcp_retransmission code 1 size 4 data @5
client gap 4
client tcp_gap code 1 size 4 cut @5
client "ij"
client end none
server end none
done`},
	}
}

func TestDialogues(t *testing.T) {
	for _, test := range slices.Concat(disturbed(), ruled(), beginnings(), numbers()) {
		t.Run(test.name, func(t *testing.T) {
			b := newScript()
			test.build(b)
			y := play(t, Config{Budget: budget.New(1 << 20)}, b.out)
			if got := strings.Join(y.lines, "\n"); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func cut(s *packet.Segment, n int) { s.Payload = s.Payload[:n] }
