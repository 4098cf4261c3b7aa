package httpwire

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/test/wiretable"
)

func TestSalvage(t *testing.T) {
	h := func(pairs ...string) (out exchange.Header) {
		for i := 0; i < len(pairs); i += 2 {
			out.Add(pairs[i], pairs[i+1])
		}
		return out
	}
	small := Limits{Line: 20, Head: 60, Fields: 2}
	for _, c := range []struct {
		name, raw string
		lim       Limits
		want      *exchange.Request // nil: nothing to look at
		version   string
	}{
		{"bare LF", "GET /a?b HTTP/1.1\nHost: a.test\nX: y\n\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/a?b", Path: "/a", Query: "b", HasQuery: true, Proto: exchange.HTTP11, Authority: "a.test",
				RawLine: "GET /a?b HTTP/1.1", Header: h("Host", "a.test", "X", "y")}, "HTTP/1.1"},
		{"names and values as they came", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nA_b: 1\r\nBad Name : \x00\xff\r\nnone\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", Proto: exchange.HTTP11, Authority: "a", RawLine: "GET / HTTP/1.1",
				Header: h("Host", "a", "Host", "b", "A_b", "1", "Bad Name ", "\x00\xff", "none", "")}, "HTTP/1.1"},
		{"folded", "GET / HTTP/1.1\r\nX: a\r\n  b\r\n\tc\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", Proto: exchange.HTTP11, RawLine: "GET / HTTP/1.1", Header: h("X", "a b c")}, "HTTP/1.1"},
		{"no version", "GET /x\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/x", Path: "/x", RawLine: "GET /x"}, "HTTP/0.9"},
		{"empty version", "GET / \r\nHost: a\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", RawLine: "GET / ", Authority: "a", Header: h("Host", "a")}, "HTTP/0.9"},
		{"other version", "GET / JUNK/1.0\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", RawLine: "GET / JUNK/1.0"}, "JUNK/1.0"},
		{"space in the target", "GET /a b HTTP/1.0\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/a b", Path: "/a b", Proto: exchange.HTTP10, RawLine: "GET /a b HTTP/1.0"}, "HTTP/1.0"},
		{"whitespace before the method", "\t GET / HTTP/1.1\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", Proto: exchange.HTTP11, RawLine: "\t GET / HTTP/1.1"}, "HTTP/1.1"},
		{"empty lines before", "\r\n\n\r\nGET / HTTP/1.1\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", Proto: exchange.HTTP11, RawLine: "GET / HTTP/1.1"}, "HTTP/1.1"},
		{"absolute target, bad Host", "GET http://b.test/p?q HTTP/1.1\r\nHost: a b\r\n\r\n", Limits{},
			&exchange.Request{Method: "GET", Target: "http://b.test/p?q", Path: "/p", Query: "q", HasQuery: true, Proto: exchange.HTTP11, Authority: "b.test",
				RawLine: "GET http://b.test/p?q HTTP/1.1", Header: h("Host", "a b")}, "HTTP/1.1"},
		{"one word", "HELO\r\n\r\n", Limits{}, &exchange.Request{Method: "HELO", RawLine: "HELO"}, "HTTP/0.9"},
		{"cut within a field", "GET / HTTP/1.1\r\nA: b\r\nC: d", Limits{},
			&exchange.Request{Method: "GET", Target: "/", Path: "/", Proto: exchange.HTTP11, RawLine: "GET / HTTP/1.1", Header: h("A", "b")}, "HTTP/1.1"},
		{"more fields than allowed", "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", small,
			&exchange.Request{Method: "GET", Target: "/", Path: "/", Proto: exchange.HTTP11, RawLine: "GET / HTTP/1.1", Header: h("A", "1", "B", "2")}, "HTTP/1.1"},
		{"line over its limit", "GET /" + strings.Repeat("a", 100), small,
			&exchange.Request{Method: "GET", Target: "/" + strings.Repeat("a", 55), Path: "/" + strings.Repeat("a", 55), RawLine: "GET /" + strings.Repeat("a", 55)}, "HTTP/0.9"},
		{"no whole line", "GET / HTTP/1.1", Limits{}, nil, ""},
		{"nothing", "", Limits{}, nil, ""},
		{"nothing but empty lines", "\r\n\r\n\n", Limits{}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got exchange.Request
			if ok := Salvage([]byte(c.raw), c.lim, &got); ok != (c.want != nil) {
				t.Fatalf("ok = %v", ok)
			} else if !ok {
				return
			}
			if got.Body != exchange.NoBody {
				t.Error("it has a body")
			}
			got.Body = nil
			if len(got.Header) == 0 {
				got.Header = nil
			}
			if d := cmp.Diff(*c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if got.Version() != c.version {
				t.Errorf("version %q, want %q", got.Version(), c.version)
			}
			if got.Line() != c.want.RawLine {
				t.Errorf("line %q", got.Line())
			}
		})
	}
}

// TestSalvageReadsOn holds that fields which come after the fault was found are seen too, and that a head without an end is no reason to wait for more than the limit.
func TestSalvageReadsOn(t *testing.T) {
	const raw = "GET / HTTP/1.1\nHost: a.test\nX: y\n\nrest"
	for _, src := range []io.Reader{strings.NewReader(raw), iotest.OneByteReader(strings.NewReader(raw)), iotest.HalfReader(strings.NewReader(raw))} {
		rd := NewReader(src)
		var r exchange.Request
		if err := rd.ReadRequest(Limits{}, &r); err == nil {
			t.Fatal("no fault")
		}
		if !rd.Salvage(Limits{}, &r) || r.Header.Get("X") != "y" || r.Authority != "a.test" {
			t.Errorf("got %+v", r)
		}
	}
	endless := &counted{}
	rd := NewReader(endless)
	var r exchange.Request
	_ = rd.ReadRequest(Limits{Head: 5000}, &r)
	if !rd.Salvage(Limits{Head: 5000}, &r) || endless.n > 6000 {
		t.Errorf("read %d bytes for %d fields", endless.n, len(r.Header))
	}
}

// counted is a head that never ends.
type counted struct{ n int }

func (c *counted) Read(p []byte) (int, error) {
	line := "GET / HTTP/9.9\nA: b\n"
	if c.n > 0 {
		line = "A: b\n"
	}
	n := copy(p, line)
	c.n += n
	return n, nil
}

func FuzzSalvage(f *testing.F) {
	seeds(f, "testdata/requests.txt", func(c *wiretable.Case) { f.Add(c.Raw) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r exchange.Request
		lim := Limits{Line: 100, Head: 1000, Fields: 10}
		kept := bytes.Clone(raw)
		if !Salvage(raw, lim, &r) {
			return
		}
		if !bytes.Equal(kept, raw) {
			t.Error("the input was changed")
		}
		if r.Method == "" && strings.Trim(r.RawLine, " \t") != "" || r.RawLine == "" || strings.Contains(r.RawLine, "\n") || len(r.RawLine) > 1000 || len(r.Header) > 10 {
			t.Errorf("%q: %+v", raw, r)
		}
		if r.Length != 0 || r.Expect || r.Upgrade != "" || r.Authority != "" && !ValidAuthority(r.Authority) {
			t.Errorf("%q: %+v", raw, r)
		}
		var whole exchange.Request
		n, err := ParseRequest(raw, lim, &whole)
		if err != nil || n == 0 {
			return
		}
		if r.Method != whole.Method || r.Target != whole.Target || r.Line() != whole.Line() || len(r.Header) != len(whole.Header) {
			t.Errorf("%q: a good request is seen as %+v", raw, r)
		}
		for i := range whole.Header {
			if r.Header[i] != whole.Header[i] {
				t.Errorf("%q: field %d is seen as %+v", raw, i, r.Header[i])
			}
		}
	})
}
