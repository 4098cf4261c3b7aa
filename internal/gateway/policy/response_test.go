package policy_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/reason"
)

func blockResponse() (*exchange.Response, error) {
	return &exchange.Response{Status: 403}, reason.New(reason.WAFBlockedResponse, "rule 2", nil)
}

func response(mime, coding, text string) *exchange.Response {
	r := &exchange.Response{Status: 200, Proto: exchange.HTTP11, Body: body(text), Length: int64(len(text))}
	r.Header.Add("Content-Type", mime)
	if coding != "" {
		r.Header.Add("Content-Encoding", coding)
	}
	return r
}

func squeeze(t *testing.T, coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "flate":
		w, _ = flate.NewWriter(&b, flate.DefaultCompression)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestResponseBodies(t *testing.T) {
	page := "<html>" + strings.Repeat("hello ", 20)
	bomb := squeeze(t, "gzip", strings.Repeat("0", 1<<20))
	for _, c := range []struct {
		name    string
		r       *exchange.Response
		cfg     policy.Config
		seen    string
		nothing bool
		partial bool
		note    string
		text    string
	}{
		{name: "html", r: response("text/HTML; charset=utf-8", "", page), seen: page, text: page},
		{name: "picture", r: response("image/png", "", page), nothing: true, text: page},
		{name: "no type", r: response("", "", page), nothing: true, text: page},
		{name: "event stream", r: response("text/event-stream", "", page), nothing: true, text: page},
		{name: "own types", r: response("image/png", "", page), cfg: policy.Config{ResponseTypes: []string{"image/png"}}, seen: page, text: page},
		{name: "switched off", r: response("text/html", "", page), cfg: policy.Config{ResponseLimit: -1}, nothing: true, text: page},
		{name: "over the limit", r: response("text/html", "", page), cfg: policy.Config{ResponseLimit: 10}, seen: page[:10], partial: true, note: "only the first 10 bytes", text: page},
		{name: "at the limit", r: response("text/html", "", page), cfg: policy.Config{ResponseLimit: int64(len(page))}, seen: page, text: page},
		{name: "in a file", r: response("text/html", "", page), cfg: policy.Config{Memory: 3}, seen: page, text: page},
		{name: "gzip", r: response("text/html", "gzip", squeeze(t, "gzip", page)), seen: page, text: squeeze(t, "gzip", page)},
		{name: "deflate", r: response("text/html", "Deflate", squeeze(t, "zlib", page)), seen: page, text: squeeze(t, "zlib", page)},
		{name: "bare deflate", r: response("text/html", "deflate", squeeze(t, "flate", page)), seen: page, text: squeeze(t, "flate", page)},
		{name: "a bomb", r: response("text/html", "gzip", bomb), cfg: policy.Config{ResponseLimit: 2000}, seen: strings.Repeat("0", 2000), text: bomb},
		{name: "not gzip at all", r: response("text/html", "gzip", page), nothing: true, note: "not gzip as it says", text: page},
		{name: "brotli", r: response("text/html", "br", page), nothing: true, note: `its coding is "br"`, text: page},
		{name: "two codings", r: response("text/html", "gzip, br", page), nothing: true, note: `its coding is "gzip, br"`, text: page},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.cfg.TempDir = dir
			f := &fake{}
			x := request(exchange.NoBody, 0)
			tx := stage(t, c.cfg, f).Begin(x)
			tx.Request(t.Context())
			original := c.r.Body
			d := tx.Response(t.Context(), c.r)
			if c.nothing && c.note == "" && c.r.Body != original {
				t.Error("a body that is not inspected does not stream untouched")
			}
			got, err := drain(t, c.r.Body)
			tx.End()
			if left, _ := filepath.Glob(dir + "/*"); len(left) != 0 {
				t.Errorf("left over: %v", left)
			}
			if d.Stop() || err != nil || got != c.text {
				t.Fatalf("%+v %v: client gets %q", d, err, got)
			}
			if f.nobody != c.nothing || f.answer != c.seen || f.partial != c.partial {
				t.Errorf("rules see %q (nothing %v, partial %v)", f.answer, f.nobody, f.partial)
			}
			if noted := len(x.WAF.Matches) == 1; noted != (c.note != "") || noted && !strings.Contains(x.WAF.Matches[0].Message, c.note) {
				t.Errorf("notes %+v", x.WAF.Matches)
			}
		})
	}
}

func TestResponseBlocked(t *testing.T) {
	for _, c := range []struct {
		f     *fake
		phase string
	}{{&fake{responseHead: blockResponse}, "response_headers"}, {&fake{responseBody: blockResponse}, "response_body"}} {
		x := request(exchange.NoBody, 0)
		tx := stage(t, policy.Config{}, c.f).Begin(x)
		tx.Request(t.Context())
		d := tx.Response(t.Context(), response("text/html", "", "leak"))
		tx.End()
		if !d.Stop() || d.Reason.Code != reason.WAFBlockedResponse || x.WAF.Phase != c.phase || x.WAF.Verdict != "block" {
			t.Errorf("%+v %+v", d, x.WAF)
		}
	}
}

// No body is looked for where there is none.
func TestResponseWithoutBody(t *testing.T) {
	for name, change := range map[string]func(*exchange.Exchange, *exchange.Response){
		"head": func(x *exchange.Exchange, _ *exchange.Response) { x.Request.Method = "HEAD" },
		"204":  func(_ *exchange.Exchange, r *exchange.Response) { r.Status = 204 },
		"304":  func(_ *exchange.Exchange, r *exchange.Response) { r.Status = 304 },
		"101":  func(_ *exchange.Exchange, r *exchange.Response) { r.Status = 101 },
		"none": func(_ *exchange.Exchange, r *exchange.Response) { r.Length = 0 },
	} {
		f, x, r := &fake{}, request(exchange.NoBody, 0), response("text/html", "", "x")
		change(x, r)
		b := r.Body
		tx := stage(t, policy.Config{}, f).Begin(x)
		tx.Request(t.Context())
		tx.Response(t.Context(), r)
		tx.End()
		if !f.nobody || r.Body != b {
			t.Errorf("%s: the body was touched", name)
		}
	}
}

// An origin that breaks off does so for the client too, after what had come; rules see that much.
func TestResponseBreaksOff(t *testing.T) {
	cut := reason.New(reason.ReadTruncated, "", nil)
	f, x, r := &fake{}, request(exchange.NoBody, 0), response("text/html", "", "half")
	r.Length = 100
	r.Body.(*stream).err = cut
	tx := stage(t, policy.Config{}, f).Begin(x)
	tx.Request(t.Context())
	d := tx.Response(t.Context(), r)
	got, err := drain(t, r.Body)
	tx.End()
	if d.Stop() || got != "half" || !errors.Is(err, cut) || f.answer != "half" || !f.partial {
		t.Errorf("%+v: client gets %q, %v; rules %q", d, got, err, f.answer)
	}
}

func TestResponseSpoolFault(t *testing.T) {
	for _, open := range []bool{false, true} {
		f, x, r := &fake{}, request(exchange.NoBody, 0), response("text/html", "", "hello world")
		tx := stage(t, policy.Config{Memory: 1, TempDir: filepath.Join(t.TempDir(), "missing"), FailOpen: open}, f).Begin(x)
		tx.Request(t.Context())
		d := tx.Response(t.Context(), r)
		got, err := drain(t, r.Body)
		tx.End()
		if d.Stop() == open || got != "hello world" || err != nil || x.WAF.Verdict != "error" {
			t.Errorf("open %v: %+v %q %v %+v", open, d, got, err, x.WAF)
		}
	}
}
