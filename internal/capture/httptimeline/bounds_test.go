package httptimeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

func TestBounds(t *testing.T) {
	get := "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
	for _, r := range []struct {
		name  string
		steps []step
		check func(*played) string
	}{
		{"fields", []step{c("GET / HTTP/1.1\r\nHost: a.test\r\n" + strings.Repeat("X: y\r\n", 3000) + "\r\n")}, func(p *played) string {
			if x := p.done[0]; len(x.Request.Head.Fields) != maxFields || !strings.Contains(strings.Join(x.Broken, " "), "2001 fields beyond 1000") {
				return fmt.Sprint(len(x.Request.Head.Fields), x.Broken)
			}
			return ""
		}},
		{"head", []step{c("GET / HTTP/1.1\r\nHost: a.test\r\nX: " + strings.Repeat("y", maxHead) + "\r\n\r\n" + get)}, func(p *played) string {
			if len(p.done) != 2 || p.done[0].Request.Complete || p.done[1].Request.Head == nil || !strings.Contains(p.done[0].Broken[0], "head over") {
				return strings.Join(p.lines(), "\n")
			}
			return ""
		}},
		{"pipelined", []step{c(strings.Repeat(get, 1500))}, func(p *played) string {
			if len(p.done) != 1500 || !strings.Contains(p.done[0].Reset, "given up") {
				return fmt.Sprint(len(p.done), p.done[0].Reset)
			}
			return ""
		}},
		{"streams", []step{c(preface + emptySettings + manyStreams(1500))}, func(p *played) string {
			if len(p.done) != 1500 || !strings.Contains(p.done[0].Reset, "given up") || p.done[0].Stream != 1 {
				return fmt.Sprint(len(p.done), p.done[0].Reset)
			}
			return ""
		}},
		{"broken", []step{c("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\na\n", 100))}, func(p *played) string {
			facts := 0
			for _, f := range p.facts {
				if f.Kind == fact.HTTPBroken {
					facts++
				}
			}
			if len(p.done[0].Broken) != maxBroken || facts != maxBroken {
				return fmt.Sprint(len(p.done[0].Broken), facts)
			}
			return ""
		}},
		{"interim", []step{c(get), s(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 50))}, func(p *played) string {
			if len(p.done[0].Interim) != maxInterim {
				return fmt.Sprint(len(p.done[0].Interim))
			}
			return ""
		}},
		{"header block", []step{c(preface + emptySettings + fr(frameHeaders, 0, 1, "") + strings.Repeat(fr(frameContinuation, 0, 1, strings.Repeat("\x82", 16000)), 20))}, func(p *played) string {
			if last := p.facts[len(p.facts)-1]; !strings.Contains(last.Text, "header block over") {
				return factLine(last)
			}
			return ""
		}},
		{"undecided", []step{s(strings.Repeat(emptySettings, 10000))}, func(p *played) string {
			if p.proto != "" || len(p.facts) != 0 {
				return p.proto
			}
			return ""
		}},
	} {
		t.Run(r.name, func(t *testing.T) {
			whole := play(Config{}, r.steps, nil)
			if what := r.check(whole); what != "" {
				t.Error(what)
			}
			if split := play(Config{}, r.steps, randomSplit(1)); !slices.Equal(split.lines(), whole.lines()) {
				t.Error("splitting changes it")
			}
		})
	}
}

// A few bytes of HPACK stand for many: what is kept of them is bounded by what was sent, and large cookies still show.
func TestHeaderCompressionIsBounded(t *testing.T) {
	e := newEncoder()
	cookie := "cookie " + strings.Repeat("c", 3000)
	start := preface + emptySettings + fr(frameHeaders, flagEndHeaders|flagEndStream, 1, e.block(":method GET", ":scheme https", ":path /", ":authority a.test", cookie))
	indexed := e.block(cookie)
	for _, r := range []struct {
		name   string
		copies int // of the cookie in each block
		whole  bool
	}{{"cookies", 1, true}, {"bomb", 60, false}} {
		var b strings.Builder
		b.WriteString(start)
		block := e.block(":method GET", ":scheme https", ":path /", ":authority a.test") + strings.Repeat(indexed, r.copies)
		for i := range 2000 {
			b.WriteString(fr(frameHeaders, flagEndHeaders|flagEndStream, uint32(2*i+3), block))
		}
		weight, lacks := 0, 0
		for _, x := range play(Config{Unmask: true}, []step{c(b.String())}, nil).done {
			weight += x.Weight()
			if len(x.Request.Head.Fields) < r.copies {
				lacks++
			}
		}
		if most := firstRoom + (ratio+64)*b.Len(); weight > most || r.whole != (lacks == 0) {
			t.Errorf("%s: %d bytes are kept of %d, at most %d; %d lack fields", r.name, weight, b.Len(), most, lacks)
		}
	}
}

func manyStreams(n int) string {
	var b strings.Builder
	e := newEncoder()
	for i := range n {
		b.WriteString(e.get(uint32(2*i+1), "/"))
	}
	return b.String()
}

func TestBodiesDoNotAllocate(t *testing.T) {
	tl := New(Config{})
	tl.Data(fact.SideClient, stamp(0), []byte("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"))
	tl.Data(fact.SideServer, stamp(1), []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
	chunk := []byte("1000\r\n" + strings.Repeat("x", 0x1000) + "\r\n")
	if n := testing.AllocsPerRun(100, func() { tl.Data(fact.SideServer, stamp(2), chunk) }); n != 0 {
		t.Errorf("%v allocations in HTTP/1", n)
	}
	tl = New(Config{})
	e := newEncoder()
	tl.Data(fact.SideClient, stamp(0), []byte(preface+emptySettings+e.get(1, "/")))
	tl.Data(fact.SideServer, stamp(1), []byte(emptySettings+fr(frameHeaders, flagEndHeaders, 1, newEncoder().block(":status 200"))))
	data := []byte(fr(frameData, 0, 1, strings.Repeat("x", 0x1000)))
	if n := testing.AllocsPerRun(100, func() { tl.Data(fact.SideServer, stamp(2), data) }); n != 0 {
		t.Errorf("%v allocations in HTTP/2", n)
	}
}

// agree holds that a head which the gateway's strict parser takes is read here in the same way.
func agree(t *testing.T, b []byte, response bool) {
	t.Helper()
	lim := httpwire.Limits{Line: maxHead, Head: maxHead + 1, Fields: maxFields}
	var raw rawHead
	compare := func(first, second string, fields exchange.Header, length int64) {
		t.Helper()
		f, n, _ := raw.framing(response, "GET")
		switch {
		case f == chunked:
			n = exchange.Chunked
		case f == untilClose:
			n = exchange.UntilClose
		}
		same := len(fields) == len(raw.fields) && n == length
		for i := range fields {
			same = same && fields[i].Name == raw.fields[i].name && fields[i].Value == raw.fields[i].value
		}
		got := []string{raw.method, raw.target}
		if response {
			got = []string{fmt.Sprint(raw.status), raw.phrase}
		}
		if !same || got[0] != first || got[1] != second {
			t.Fatalf("%q is read as %q %v, length %d (strict: %q %q %v %d)", b, got, raw.fields, n, first, second, fields, length)
		}
	}
	if response {
		var r exchange.Response
		if n, err := httpwire.ParseResponse(b, lim, "GET", &r); n > 0 && err == nil {
			scan := 0
			if end := HeadEnd(b, &scan); end != n || !raw.parse(string(b[:n]), true) {
				t.Fatalf("%q: end at %d, strict %d", b, end, n)
			}
			raw.control()
			compare(fmt.Sprint(r.Status), r.Phrase, r.Header, r.Length)
		}
		return
	}
	var r exchange.Request
	if n, err := httpwire.ParseRequest(b, lim, &r); n > 0 && err == nil {
		start := len(b) - len(strings.TrimLeft(string(b), "\r\n"))
		scan := 0
		if end := HeadEnd(b[start:], &scan); end+start != n || !raw.parse(string(b[start:n]), false) {
			t.Fatalf("%q: end at %d, strict %d", b, end, n)
		}
		raw.control()
		compare(r.Method, r.Target, r.Header, r.Length)
	}
}

func FuzzAgree(f *testing.F) {
	for _, d := range append(dialogues1(), brokenDialogues1()...) {
		for _, st := range d.steps {
			if st.text != "" {
				f.Add([]byte(st.text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		agree(t, b, false)
		agree(t, b, true)
	})
}
