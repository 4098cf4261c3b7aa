package httptimeline

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// squeezed is text as a writer of some coding writes it.
func squeezed(text string, writer func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := writer(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func gzipped(text string) string {
	return squeezed(text, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func TestCoding(t *testing.T) {
	page := "<!doctype html><p>" + strings.Repeat("all kinds of words, and some more of them; ", 60)
	zlibbed := squeezed(page, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	deflated := squeezed(page, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 6); return f })
	stored := squeezed(page, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 0); return f })
	named := squeezed(gzipped(page), func(w io.Writer) io.WriteCloser {
		g := gzip.NewWriter(w)
		g.Name, g.Comment, g.Extra = "page.html.gz", "a page", []byte("abc")
		return g
	})
	for _, row := range []struct{ name, status, fields, body, want string }{
		{"gzip", "200 OK", "Content-Encoding: gzip\r\nContent-Type: text/html\r\n", gzipped(page), ""},
		{"gzip of nothing", "200 OK", "Content-Encoding: gzip\r\nContent-Type: text/html\r\n", gzipped(""), ""},
		{"no body", "200 OK", "Content-Encoding: gzip\r\n", "", ""},
		{"one byte", "200 OK", "Content-Encoding: gzip\r\n", "x", ""},
		{"not gzip", "200 OK", "Content-Encoding: gzip\r\n", "not gzip at all", "gzip 5"},
		{"not gzip, short", "200 OK", "content-encoding: GZIP\r\n", "no", "gzip 2"},
		{"not gzip, text", "200 OK", "Content-Encoding: x-gzip\r\nContent-Type: text/css\r\n", page, "gzip 512"},
		{"gzip twice", "200 OK", "Content-Encoding: gzip\r\nContent-Type: text/html; charset=utf-8\r\n", gzipped(gzipped(page)), "gzip twice"},
		{"gzip twice, with a name", "200 OK", "Content-Encoding: gzip\r\nContent-Type: application/json\r\n", named, "gzip twice"},
		{"gzip twice, as it says", "200 OK", "Content-Encoding: gzip, gzip\r\nContent-Type: text/html\r\n", gzipped(gzipped(page)), ""},
		{"an archive", "200 OK", "Content-Encoding: gzip\r\nContent-Type: application/gzip\r\n", gzipped(gzipped(page)), ""},
		{"a part of a range", "206 Partial Content", "Content-Encoding: gzip\r\n", page[100:], ""},
		{"deflate with zlib's frame", "200 OK", "Content-Encoding: deflate\r\n", zlibbed, ""},
		{"deflate, bare", "200 OK", "Content-Encoding: deflate\r\n", deflated, ""},
		{"deflate, stored", "200 OK", "Content-Encoding: deflate\r\n", stored, ""},
		{"deflate that is gzip", "200 OK", "Content-Encoding: deflate\r\n", gzipped(page), "deflate 5"},
		{"deflate that is text", "200 OK", "Content-Encoding: deflate\r\n", page, "deflate 5"},
		{"br", "200 OK", "Content-Encoding: br\r\n", "\x0b\x02\x80hello\x03", ""},
		{"br that is gzip", "200 OK", "Content-Encoding: br\r\n", gzipped(page), "br 5"},
		{"br that is text", "200 OK", "Content-Encoding: br\r\n", page, "br 5"},
		{"zstd", "200 OK", "Content-Encoding: zstd\r\n", "\x28\xb5\x2f\xfd\x04\x00", ""},
		{"zstd, a frame to skip", "200 OK", "Content-Encoding: zstd\r\n", "\x51\x2a\x4d\x18\x00", ""},
		{"zstd that is text", "200 OK", "Content-Encoding: zstd\r\n", page, "zstd 5"},
		{"identity", "200 OK", "Content-Encoding: identity\r\n", page, ""},
		{"unknown", "200 OK", "Content-Encoding: compress\r\n", page, ""},
	} {
		for _, length := range []bool{true, false} {
			head := "HTTP/1.1 " + row.status + "\r\n" + row.fields
			if length {
				head += fmt.Sprintf("Content-Length: %d\r\n", len(row.body))
			}
			steps := []step{c("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), s(head + "\r\n" + row.body), fin(fact.SideServer)}
			whole := play(Config{}, steps, nil)
			got := ""
			for _, f := range whole.facts {
				if f.Kind == fact.HTTPCoding {
					got = fmt.Sprint(f.Text, " ", f.Size)
				}
			}
			if got != row.want && !strings.HasPrefix(got, row.want+" ") || row.want == "" && got != "" {
				t.Errorf("%s: %q, want %q", row.name, got, row.want)
			}
			if split := play(Config{}, steps, byteSplit); !slices.Equal(split.lines(), whole.lines()) {
				t.Errorf("%s: split: %q\nwhole: %q", row.name, split.lines(), whole.lines())
			}
		}
	}
}

// After a body that lacks bytes nothing is said, and nothing is carried over to the next message.
func TestCodingOfLater(t *testing.T) {
	get := c("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	const head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n"
	r := play(Config{}, []step{get, s(head), lost(fact.SideServer, 9), get, s(head + "123456789"), get, s("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")}, nil)
	var got []int64
	for _, f := range r.facts {
		if f.Kind == fact.HTTPCoding {
			got = append(got, f.Frame)
		}
	}
	if !slices.Equal(got, []int64{5}) {
		t.Errorf("told at %v, want at step 5 alone", got)
	}
}
