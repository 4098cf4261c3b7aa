package certainty

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/test/recorded"
)

// TestLost leaves packets out: the capture lacks them, the wire did not.
func TestLost(t *testing.T) {
	for _, s := range subjects(t) {
		n := len(s.frames)
		try := func(frames []frame, what string) {
			if len(frames) < 3 {
				return // a SYN and an ACK far later tell nothing
			}
			for _, keyed := range s.views() {
				s.hold(t, frames, keyed, what)
			}
		}
		for _, i := range some(n, 10, s.name) {
			try(slices.Delete(slices.Clone(s.frames), i, i+1), fmt.Sprintf("without packet %d", i+1))
		}
		runs := some(n*n, 8, s.name+" runs")
		if soak() && n > 40 {
			runs = runs[:0]
			r := rand.New(rand.NewPCG(1, uint64(n))) //nolint:gosec // chance, not secrecy
			for range 1600 {
				runs = append(runs, r.IntN(n*n))
			}
		}
		for _, k := range runs {
			if from, to := k/n, k%n+1; from+1 < to {
				try(slices.Delete(slices.Clone(s.frames), from, to), fmt.Sprintf("without packets %d to %d", from+1, to))
			}
		}
		for _, seed := range some(20, 2, s.name+" thin") {
			r := rand.New(rand.NewPCG(2, uint64(seed))) //nolint:gosec // chance, not secrecy
			try(slices.DeleteFunc(slices.Clone(s.frames), func(frame) bool { return r.IntN(4) == 0 }), fmt.Sprintf("without a quarter of the packets (%d)", seed))
		}
	}
}

// TestOneSided leaves one side out, as a capture at a switch or behind asymmetric ways does.
func TestOneSided(t *testing.T) {
	for _, s := range subjects(t) {
		server := serverPort(s.frames)
		for _, keyed := range s.views() {
			s.hold(t, slices.DeleteFunc(slices.Clone(s.frames), func(f frame) bool { return f.Source() == server }), keyed, "without the server's packets")
			s.hold(t, slices.DeleteFunc(slices.Clone(s.frames), func(f frame) bool { return f.Source() != server }), keyed, "without the client's packets")
			s.hold(t, slices.DeleteFunc(slices.Clone(s.frames), func(f frame) bool { return f.Flags()&recorded.SYN != 0 }), keyed, "without SYNs")
			s.hold(t, slices.DeleteFunc(slices.Clone(s.frames), func(f frame) bool { return f.Payload() == len(f.Data) && f.Flags()&7 == 0 }), keyed, "without bare ACKs")
			s.hold(t, slices.DeleteFunc(slices.Clone(s.frames), func(f frame) bool { return f.Payload() < len(f.Data) }), keyed, "without data")
			for _, n := range []int{54, 60, 68, 96, 128, 200, 256, 512, 1500} {
				s.hold(t, shortened(s.frames, n), keyed, fmt.Sprintf("with %d bytes of each packet", n))
			}
		}
	}
}

// shortened is a capture with a snapshot length.
func shortened(in []frame, n int) []frame {
	out := slices.Clone(in)
	for i := range out {
		out[i].Data = out[i].Data[:min(n, len(out[i].Data))]
	}
	return out
}

// serverPort is the port that is on more packets than any other.
func serverPort(frames []frame) uint16 {
	count := map[uint16]int{}
	best := uint16(0)
	for _, f := range frames {
		for _, p := range []uint16{f.Source(), f.Target()} {
			if count[p]++; count[p] > count[best] {
				best = p
			}
		}
	}
	for _, f := range frames {
		if f.Flags()&0x12 == recorded.SYN {
			return f.Target()
		}
	}
	return best
}

// TestTwice doubles and disorders packets, as mirrors, bonds and "any" interfaces do.
func TestTwice(t *testing.T) {
	for _, s := range subjects(t) {
		var each, again []frame
		for _, f := range s.frames {
			g := f.Clone()
			g.At += 3000
			each, again = append(each, f, g), append(again, f)
		}
		for _, f := range s.frames { // the whole capture a second time, later
			g := f.Clone()
			g.At += s.frames[len(s.frames)-1].At - s.frames[0].At + 1e9
			again = append(again, g)
		}
		for _, keyed := range s.views() {
			s.hold(t, each, keyed, "each packet twice")
			s.hold(t, again, keyed, "the capture twice")
			for _, seed := range some(20, 2, s.name+" order") {
				r := rand.New(rand.NewPCG(3, uint64(seed))) //nolint:gosec // chance, not secrecy
				s.hold(t, shuffled(r, s.frames), keyed, fmt.Sprintf("disordered (%d)", seed))
				s.hold(t, repeated(r, s.frames), keyed, fmt.Sprintf("some packets twice (%d)", seed))
			}
			s.hold(t, translated(s.frames), keyed, "before and behind a NAT")
		}
	}
}

// shuffled moves packets with data by a few places among those that the same side sent within a millisecond. Times that put an effect before its cause are another matter: of two ends that close nobody could say who was first.
func shuffled(r *rand.Rand, in []frame) []frame {
	out := slices.Clone(in)
	for i := range out {
		j := min(i+r.IntN(4), len(out)-1)
		if out[i].Payload() == len(out[i].Data) || out[j].Payload() == len(out[j].Data) || out[j].At-out[i].At > 1e6 || out[i].Source() != out[j].Source() {
			continue
		}
		at := out[i].At
		out[i], out[j] = out[j], out[i]
		out[i].At, out[j].At = at, out[i].At
	}
	return out
}

// repeated sends some packets again, a little later.
func repeated(r *rand.Rand, in []frame) (out []frame) {
	for i, f := range in {
		out = append(out, f)
		if r.IntN(3) == 0 {
			back := in[max(0, i-r.IntN(5))].Clone()
			back.At = f.At
			out = append(out, back)
		}
	}
	return out
}

// translated is a capture on both sides of a NAT: each packet a second time with another client address.
func translated(in []frame) (out []frame) {
	server := serverPort(in)
	for _, f := range in {
		g := f.Clone()
		g.At += 20_000
		at := recorded.Ethernet + 12
		if g.Source() == server {
			at += 4
		}
		copy(g.Data[at:], []byte{198, 51, 100, 7})
		out = append(out, f, g)
	}
	return out
}
