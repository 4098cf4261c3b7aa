package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// bodies writes what the messages of a flow say: heads, and what was kept of the bodies.
func (t *texter) bodies(f *flow.Flow) {
	for _, x := range f.Exchanges {
		t.blank()
		t.line(sgrBold, "  Exchange "+strconv.Itoa(x.Number)+when(x.Stream != 0, ", stream "+strconv.FormatUint(uint64(x.Stream), 10)))
		t.message(&x.Request)
		for i := range x.Interim {
			t.message(&x.Interim[i])
		}
		t.message(&x.Response)
		for _, b := range x.Broken {
			t.indented(sgrRed, clean(b))
		}
		if x.Reset != "" {
			t.indented(sgrRed, "ended by "+clean(x.Reset))
		}
	}
}

func (t *texter) message(m *httptimeline.Message) {
	h := m.Head
	if h == nil {
		return
	}
	first := requestLine(h)
	if h.Status != 0 {
		first = joined(" ", clean(h.Proto), statusLine(h))
	}
	t.indented(sgrBold, first)
	for _, f := range h.Fields {
		t.indented("", clean(f.Name)+": "+clean(f.Value))
	}
	t.body(m)
	t.trailers(m.Trailers)
	t.blank()
}

func (t *texter) body(m *httptimeline.Message) {
	if m.Size == 0 && m.Missing == 0 {
		return
	}
	kind := when(len(m.Body) > 0 && !isText(m.Body), "binary")
	shown := when(len(m.Body) > 0 && int64(len(m.Body)) < m.Size, "the first "+grouped(int64(len(m.Body)))+" shown")
	hash := when(m.SHA256 != "", "SHA-256 "+clean(m.SHA256))
	t.indented(sgrDim, "("+joined(", ", several(m.Size, "byte"), kind, shown, when(!m.Complete, "not whole"), when(m.Missing > 0, several(m.Missing, "byte")+" missing"), hash)+")")
	if kind != "" || len(m.Body) == 0 {
		return
	}
	for line := range strings.Lines(string(m.Body)) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
		t.indented("", clean(line))
	}
}

func (t *texter) trailers(fields []fact.Field) {
	for _, f := range fields {
		t.indented("", "(trailer) "+clean(f.Name)+": "+clean(f.Value))
	}
}

// indented writes clean text in as many lines as it takes.
func (t *texter) indented(sgr, text string) {
	const indent = "    "
	for {
		line, rest := broken(text, t.o.Width-len(indent))
		t.line(sgr, indent+line)
		if rest == "" {
			return
		}
		text = rest
	}
}

// broken cuts clean text after at most n columns.
func broken(s string, n int) (line, rest string) {
	used := 0
	for i, r := range s {
		if used += runeCells(r); used > n && i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}
