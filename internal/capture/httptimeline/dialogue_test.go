package httptimeline

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/fact"
)

// step is one thing that happens on a connection: bytes, missing bytes, or an end.
type step struct {
	side    fact.Side
	text    string
	missing int64
	lacks   bool
	ends    bool
	how     fact.Kind
}

func c(text string) step                { return step{side: fact.SideClient, text: text} }
func s(text string) step                { return step{side: fact.SideServer, text: text} }
func lost(side fact.Side, n int64) step { return step{side: side, missing: n, lacks: true} }
func fin(side fact.Side) step           { return step{side: side, ends: true, how: fact.TCPClosed} }
func rst(side fact.Side) step           { return step{side: side, ends: true, how: fact.TCPReset} }

// stamp is the place of the i-th step: a second each.
func stamp(i int) fact.Stamp { return fact.Stamp{At: int64(i+1) * 1e9, Frame: int64(i + 1)} }

// played is what a dialogue came to.
type played struct {
	facts   []fact.Fact
	done    []*Exchange
	proto   string
	awaited []string // after each step
}

// play runs a dialogue; cut says where each step's bytes are split, and may be nil.
func play(cfg Config, steps []step, cut func(text string) []string) *played {
	r := &played{}
	cfg.Fact = func(f fact.Fact) { r.facts = append(r.facts, f) }
	cfg.Done = func(x *Exchange) { r.done = append(r.done, x) }
	t := New(cfg)
	for i, st := range steps {
		at := stamp(i)
		switch {
		case st.lacks:
			t.Missing(st.side, at, st.missing)
		case st.ends:
			t.End(st.side, at, st.how)
		case cut != nil:
			for _, part := range cut(st.text) {
				t.Data(st.side, at, []byte(part))
			}
		default:
			t.Data(st.side, at, []byte(st.text))
		}
		side, what := t.Awaited()
		r.awaited = append(r.awaited, strings.TrimSpace(side.String()+" "+what))
	}
	t.End(fact.SideClient, stamp(len(steps)), fact.None)
	t.End(fact.SideServer, stamp(len(steps)), fact.None)
	r.proto = t.Proto()
	return r
}

// factLine writes a fact as the tables want it: "@2 server response_head 200".
func factLine(f fact.Fact) string {
	var b strings.Builder
	fmt.Fprintf(&b, "@%d %s %s", f.Frame, f.Side, f.Kind)
	if f.Code != 0 {
		fmt.Fprintf(&b, " %d", f.Code)
	}
	if f.Size != 0 {
		fmt.Fprintf(&b, " size=%d", f.Size)
	}
	if f.Text != "" {
		fmt.Fprintf(&b, " %s", f.Text)
	}
	switch d := f.Detail.(type) {
	case *fact.HTTPHead:
		fmt.Fprintf(&b, " %s", headLine(d))
	case *fact.HTTP2Frame:
		fmt.Fprintf(&b, " stream=%d", d.Stream)
		if d.LastStream != 0 {
			fmt.Fprintf(&b, " last=%d", d.LastStream)
		}
		if d.Debug != "" {
			fmt.Fprintf(&b, " debug=%s", d.Debug)
		}
		if len(d.Settings) > 0 {
			fmt.Fprintf(&b, " %s", strings.Join(d.Settings, ","))
		}
		if d.Ack {
			b.WriteString(" ack")
		}
	}
	return b.String()
}

func headLine(h *fact.HTTPHead) string {
	if h.Method != "" {
		return fmt.Sprintf("[%s %s %s %s %d]", h.Proto, h.Method, h.Authority, h.Target, h.Length)
	}
	return fmt.Sprintf("[%s %s %d]", h.Proto, h.Phrase, h.Length)
}

// exchangeLine writes an exchange as the tables want it.
func exchangeLine(x *Exchange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d", x.Number)
	if x.Stream != 0 {
		fmt.Fprintf(&b, "/%d", x.Stream)
	}
	message := func(name string, m *Message) {
		fmt.Fprintf(&b, " %s(", name)
		if m.Head == nil {
			b.WriteString("none")
		} else if m.Head.Method != "" {
			b.WriteString(m.Head.Method + " " + m.Head.Target)
		} else {
			fmt.Fprintf(&b, "%d", m.Head.Status)
		}
		fmt.Fprintf(&b, " %d", m.Size)
		if m.Missing != 0 {
			fmt.Fprintf(&b, " missing=%d", m.Missing)
		}
		if len(m.Body) > 0 {
			fmt.Fprintf(&b, " %q", m.Body)
		}
		for _, f := range m.Trailers {
			fmt.Fprintf(&b, " %s:%s", f.Name, f.Value)
		}
		if !m.Complete {
			b.WriteString(" incomplete")
		}
		fmt.Fprintf(&b, " @%d-%d-%d)", m.First.Frame, m.HeadEnd.Frame, m.Last.Frame)
	}
	message("req", &x.Request)
	for i := range x.Interim {
		message("1xx", &x.Interim[i])
	}
	message("resp", &x.Response)
	if x.Upgraded != "" {
		fmt.Fprintf(&b, " upgraded=%s", x.Upgraded)
	}
	if w := x.WebSocket; w != nil {
		fmt.Fprintf(&b, " ws=%v", *w)
	}
	if x.Reset != "" {
		fmt.Fprintf(&b, " reset=%q", x.Reset)
	}
	for _, what := range x.Broken {
		fmt.Fprintf(&b, " broken=%q", what)
	}
	return b.String()
}

// lines writes everything that a dialogue came to.
func (r *played) lines() []string {
	out := []string{"proto " + r.proto}
	for _, f := range r.facts {
		out = append(out, factLine(f))
	}
	for _, x := range r.done {
		out = append(out, exchangeLine(x))
	}
	return out
}

// dialogue is a row of a table; what it comes to stands in a golden file.
type dialogue struct {
	name  string
	cfg   Config
	steps []step
}

var update = flag.Bool("update", false, "write the golden files")

// checkGolden plays every dialogue, whole and byte by byte, and compares what it comes to with testdata/NAME.golden.
func checkGolden(t *testing.T, name string, rows []dialogue) {
	t.Helper()
	var all strings.Builder
	for _, d := range rows {
		got := strings.Join(play(d.cfg, d.steps, nil).lines(), "\n")
		if split := strings.Join(play(d.cfg, d.steps, byteSplit).lines(), "\n"); split != got {
			t.Errorf("%s: split into bytes:\n%s\nwhole:\n%s", d.name, split, got)
		}
		fmt.Fprintf(&all, "== %s\n%s\n\n", d.name, got)
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("%s differs (-want +got; -update writes it):\n%s", path, diff)
	}
}

// byteSplit cuts into single bytes (strings.Split would cut into runes).
func byteSplit(text string) []string {
	out := make([]string, len(text))
	for i := range out {
		out[i] = text[i : i+1]
	}
	return out
}
