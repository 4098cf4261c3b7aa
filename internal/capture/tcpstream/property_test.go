package tcpstream

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/packet"
)

// talk is a dialogue of strict turns: each side answers all that the other said.
func talk(r *rand.Rand) *script {
	b := newScript()
	b.isn = [2]uint32{r.Uint32(), r.Uint32()}
	b.shake()
	at := [2]uint32{1, 1}
	for turn := range 4 + r.IntN(12) {
		d := turn & 1
		for range 1 + r.IntN(6) {
			text := strings.Repeat(fmt.Sprintf("<%d:%d>", turn, at[d]), 1+r.IntN(40))
			b.seg(d, ack, at[d], at[d^1], text)
			at[d] += uint32(len(text))
			if r.IntN(2) == 0 {
				b.seg(d^1, ack, at[d^1], at[d], "")
			}
		}
	}
	b.c(fin|ack, at[0], at[1], "")
	b.s(fin|ack, at[1], at[0]+1, "")
	b.c(ack, at[0]+1, at[1]+1, "")
	return b
}

// pieces cuts segments at random.
func pieces(r *rand.Rand, in []packet.Segment) (out []packet.Segment) {
	for _, s := range in {
		for s.Length > 1 && r.IntN(3) > 0 {
			n := 1 + r.IntN(s.Length-1)
			one := s
			one.Length, one.Payload = n, s.Payload[:n]
			one.Flags &^= fin
			out = append(out, one)
			s.Seq, s.Length, s.Payload = s.Seq+uint32(n), s.Length-n, s.Payload[n:]
		}
		out = append(out, s)
	}
	return out
}

// copied repeats some segments, sometimes joined with what follows or as a part, sometimes with the newest acknowledgement.
func copied(r *rand.Rand, in []packet.Segment) (out []packet.Segment) {
	for i, s := range in {
		out = append(out, s)
		if r.IntN(3) > 0 || s.Length == 0 {
			continue
		}
		again := s
		switch next := i + 1; r.IntN(3) {
		case 0:
			n := r.IntN(s.Length)
			again.Seq, again.Length, again.Payload = s.Seq+uint32(n), s.Length-n, s.Payload[n:]
		case 1:
			if next < len(in) && in[next].Src == s.Src && in[next].Seq == s.Seq+uint32(s.Length) {
				again.Payload = append(append([]byte(nil), s.Payload...), in[next].Payload...)
				again.Length, again.Ack = len(again.Payload), in[next].Ack
			}
		}
		out = append(out, again)
	}
	return out
}

// shuffled moves segments by up to reach places.
func shuffled(r *rand.Rand, in []packet.Segment, reach int) []packet.Segment {
	out := append([]packet.Segment(nil), in...)
	for i := range out {
		j := min(len(out)-1, i+r.IntN(reach))
		out[i], out[j] = out[j], out[i]
	}
	return out
}

// turns is the order of deliveries between the sides, and the bytes: consecutive ones of a side are joined.
func turns(y *story) string {
	var b strings.Builder
	last := ""
	for _, line := range y.lines {
		who, text, _ := strings.Cut(line, ` "`)
		if text == "" {
			continue
		}
		if who != last {
			b.WriteString("\n" + who + " ")
			last = who
		}
		b.WriteString(text[:len(text)-1])
	}
	return b.String()
}

func TestCutRepeatedShuffled(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 3))
		b := talk(r)
		want := turns(play(t, Config{Budget: budget.New(8 << 20)}, b.out))
		for what, segs := range map[string][]packet.Segment{
			"cut":               pieces(r, b.out),
			"repeated":          copied(r, b.out),
			"cut and repeated":  copied(r, pieces(r, b.out)),
			"shuffled a little": shuffled(r, copied(r, pieces(r, b.out)), 4),
			"shuffled":          shuffled(r, copied(r, pieces(r, b.out)), 40),
			"in any order":      shuffled(r, b.out, len(b.out)),
			"backwards":         backwards(b.out),
		} {
			y := play(t, Config{Budget: budget.New(8 << 20)}, segs)
			if got := turns(y); got != want || len(y.conns) != 1 {
				t.Fatalf("seed %d, %s: %d connections, %s\nwant %s\n%s", seed, what, len(y.conns), got, want, strings.Join(y.lines, "\n"))
			}
		}
	}
}

func backwards(in []packet.Segment) (out []packet.Segment) {
	for i := range in {
		out = append(out, in[len(in)-1-i])
	}
	return out
}

func TestOneDropped(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		b := talk(r)
		whole := play(t, Config{}, b.out).conns[0]
		i := r.IntN(len(b.out))
		for b.out[i].Length == 0 {
			i = (i + 1) % len(b.out)
		}
		lost := b.out[i]
		side := 1
		if lost.Src == serverAddr {
			side = 2
		}
		at := int(lost.Seq - b.isn[side-1] - 1)
		full := whole.stream[side].String()
		want := full[:at] + strings.Repeat("?", lost.Length) + full[at+lost.Length:]
		rest := append(append([]packet.Segment(nil), b.out[:i]...), b.out[i+1:]...)
		for what, segs := range map[string][]packet.Segment{"in order": rest, "shuffled": shuffled(r, rest, 10)} {
			y := play(t, Config{Budget: budget.New(8 << 20)}, segs)
			got := y.conns[0]
			gaps := strings.Count(strings.Join(y.lines, "\n"), "tcp_gap")
			if len(y.conns) != 1 || got.stream[side].String() != want || got.stream[3-side].String() != whole.stream[3-side].String() || gaps != 1 {
				t.Fatalf("seed %d, %s without %d (%d bytes): %d gaps, %d connections\n%s", seed, what, lost.Frame, lost.Length, gaps, len(y.conns), strings.Join(y.lines, "\n"))
			}
		}
	}
}
