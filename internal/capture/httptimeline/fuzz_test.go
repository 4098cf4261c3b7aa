package httptimeline

import (
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// script takes steps from fuzzed bytes: order says, in pairs of bytes, who does what, and how much of his bytes he sends.
func script(client, server string, order []byte) []step {
	var steps []step
	rest := map[fact.Side]*string{fact.SideClient: &client, fact.SideServer: &server}
	for ; len(order) >= 2 && len(steps) < 200; order = order[2:] {
		side := fact.SideClient
		if order[0]&1 == 1 {
			side = fact.SideServer
		}
		switch n := int(order[1]); order[0] >> 1 & 7 {
		case 5:
			steps = append(steps, lost(side, int64(n)-1))
		case 6:
			steps = append(steps, fin(side))
		case 7:
			steps = append(steps, rst(side))
		default:
			text := rest[side]
			n = min(n+1, len(*text))
			if n > 0 {
				steps = append(steps, step{side: side, text: (*text)[:n]})
			}
			*text = (*text)[n:]
		}
	}
	return append(steps, step{side: fact.SideClient, text: client}, step{side: fact.SideServer, text: server})
}

// unscript is the way back, for seeds.
func unscript(steps []step) (client, server string, order []byte) {
	for _, st := range steps {
		op := byte(st.side - fact.SideClient)
		switch {
		case st.lacks:
			order = append(order, op|5<<1, byte(min(st.missing+1, 255)))
		case st.ends && st.how == fact.TCPReset:
			order = append(order, op|7<<1, 0)
		case st.ends:
			order = append(order, op|6<<1, 0)
		}
		for text := st.text; text != ""; {
			n := min(len(text), 256)
			order = append(order, op, byte(n-1))
			text = text[n:]
		}
		if st.side == fact.SideClient {
			client += st.text
		} else {
			server += st.text
		}
	}
	return client, server, order
}

// holds checks what must be true of every conversation: splitting changes nothing, facts come in order, bounds are kept.
func holds(t *testing.T, steps []step, seed uint64) {
	t.Helper()
	whole := play(Config{Bodies: 10}, steps, nil)
	want := append(whole.lines(), whole.awaited...)
	for _, cut := range []func(string) []string{byteSplit, randomSplit(seed)} {
		split := play(Config{Bodies: 10}, steps, cut)
		if got := append(split.lines(), split.awaited...); !slices.Equal(got, want) {
			t.Fatalf("split:\n%s\nwhole:\n%s\n%+v", strings.Join(got, "\n"), strings.Join(want, "\n"), steps)
		}
	}
	numbers := map[int]bool{}
	for _, x := range whole.done {
		if numbers[x.Number] {
			t.Fatalf("exchange %d is told twice", x.Number)
		}
		numbers[x.Number] = true
		if len(x.Broken) > maxBroken || len(x.Interim) > maxInterim || len(x.Request.Body) > 10 || x.Request.Size < 0 || x.Response.Size < 0 {
			t.Fatalf("exchange out of bounds: %s", exchangeLine(x))
		}
	}
}

// randomSplit cuts into parts of 1 to 16 bytes.
func randomSplit(seed uint64) func(string) []string {
	return func(text string) (parts []string) {
		for text != "" {
			seed = seed*6364136223846793005 + 1442695040888963407
			n := min(len(text), int(seed>>60)+1)
			parts, text = append(parts, text[:n]), text[n:]
		}
		return parts
	}
}

func FuzzHTTP1(f *testing.F) {
	for _, d := range append(dialogues1(), brokenDialogues1()...) {
		client, server, order := unscript(d.steps)
		f.Add(client, server, order)
	}
	f.Fuzz(func(t *testing.T, client, server string, order []byte) {
		holds(t, script(client, server, order), uint64(len(order)))
	})
}

func FuzzHTTP2(f *testing.F) {
	for _, d := range append(dialogues2(), brokenDialogues2()...) {
		client, server, order := unscript(d.steps)
		f.Add(client, server, order)
	}
	f.Fuzz(func(t *testing.T, client, server string, order []byte) {
		holds(t, append([]step{c(preface)}, script(client, server, order)...), uint64(len(order)))
	})
}

func FuzzWebSocket(f *testing.F) {
	for _, d := range dialoguesWebSocket() {
		if client, server, order := unscript(d.steps[len(upgradeSteps()):]); len(server) < 1000 {
			f.Add(client, server, order)
		}
	}
	f.Fuzz(func(t *testing.T, client, server string, order []byte) {
		holds(t, append(upgradeSteps(), script(client, server, order)...), uint64(len(order)))
	})
}
