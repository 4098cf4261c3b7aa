package httpwire

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/test/wiretable"
)

// The tables are the corpus: every case seeds the fuzz targets, and `go test` runs them all as seeds.

// maxFuzz bounds what a fuzz target looks at; longer inputs only repeat.
const maxFuzz = 8 << 10

func seeds(f *testing.F, file string, add func(c *wiretable.Case)) {
	cases, err := wiretable.Read(file)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		if len(c.Raw) <= maxFuzz {
			add(&c)
		}
	}
}

func FuzzRequest(f *testing.F) {
	seeds(f, "testdata/requests.txt", func(c *wiretable.Case) { f.Add(c.Raw, uint16(len(c.Raw)/2)) })
	f.Fuzz(func(t *testing.T, raw []byte, at uint16) {
		if len(raw) > maxFuzz {
			return
		}
		cut := min(int(at), len(raw))
		whole := readRequest(bytes.NewReader(raw)).String()
		if split := readRequest(io.MultiReader(bytes.NewReader(raw[:cut]), bytes.NewReader(raw[cut:]))).String(); split != whole {
			t.Fatalf("split at %d: %s\nwhole: %s", cut, split, whole)
		}
		if single := readRequest(iotest.OneByteReader(bytes.NewReader(raw))).String(); single != whole {
			t.Fatalf("byte by byte: %s\nwhole: %s", single, whole)
		}
		var r exchange.Request
		n, err := ParseRequest(raw, Limits{}, &r)
		if n < 0 || n > len(raw) || n > 0 && err != nil {
			t.Fatalf("took %d of %d bytes, %v", n, len(raw), err)
		}
		if n > 0 {
			checkFields(t, r.Header)
			if !IsToken(r.Method) || !all(r.Target, classTarget) || r.Length < exchange.Chunked || r.Header.Count("Host") > 1 {
				t.Fatalf("accepted %+v", r)
			}
		}
	})
}

func FuzzResponse(f *testing.F) {
	seeds(f, "testdata/responses.txt", func(c *wiretable.Case) {
		f.Add(c.Raw, uint16(len(c.Raw)/2), c.Want("method", "GET"))
	})
	f.Fuzz(func(t *testing.T, raw []byte, at uint16, method string) {
		if len(raw) > maxFuzz {
			return
		}
		cut, read := min(int(at), len(raw)), readResponse(method)
		whole := read(bytes.NewReader(raw)).String()
		if split := read(io.MultiReader(bytes.NewReader(raw[:cut]), bytes.NewReader(raw[cut:]))).String(); split != whole {
			t.Fatalf("split at %d: %s\nwhole: %s", cut, split, whole)
		}
		var r exchange.Response
		n, err := ParseResponse(raw, Limits{}, method, &r)
		if n < 0 || n > len(raw) || n > 0 && err != nil {
			t.Fatalf("took %d of %d bytes, %v", n, len(raw), err)
		}
		if n == 0 {
			return
		}
		checkFields(t, r.Header)
		out, err := AppendResponse(nil, &r, ResponseOptions{Method: method})
		if err != nil {
			t.Fatalf("accepted, but not fit to be sent: %v", err)
		}
		var again exchange.Response
		if n, err := ParseResponse(out, Limits{}, method, &again); err != nil || n != len(out) {
			t.Fatalf("sent as %q: %d, %v", out, n, err)
		}
		if again.Status != r.Status || again.Length != r.Length || again.Phrase != r.Phrase {
			t.Fatalf("%+v was sent as %q", r, out)
		}
		rd := NewReader(bytes.NewReader(raw))
		if err := rd.ReadResponse(Limits{}, method, new(exchange.Response)); err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(rd.Body(r.Length, Limits{})); err == nil {
			checkClient(t, &r, method, body, out)
		}
	})
}

// checkClient reads head, with body behind it, as a client built on the standard library would.
func checkClient(t *testing.T, r *exchange.Response, method string, body, head []byte) {
	t.Helper()
	out := append([]byte(nil), head...)
	if r.Length == exchange.Chunked {
		out = append(AppendChunk(out, body), "0\r\n\r\n"...)
	} else {
		out = append(out, body...)
	}
	in := bufio.NewReader(bytes.NewReader(out))
	std, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("the standard library could not read %q: %v", out, err)
	}
	var content []byte
	if r.Status != http.StatusSwitchingProtocols {
		if content, err = io.ReadAll(std.Body); err != nil {
			t.Fatalf("the standard library could not read the body of %q: %v", out, err)
		}
	}
	rest, _ := io.ReadAll(in)
	if std.StatusCode != r.Status || !bytes.Equal(content, body) || len(rest) > 0 {
		t.Fatalf("we saw %d %q, a client saw %d %q and %q behind it, in %q", r.Status, body, std.StatusCode, content, rest, out)
	}
}

func checkFields(t *testing.T, h exchange.Header) {
	t.Helper()
	for _, f := range h {
		if !IsToken(f.Name) || !ValidFieldValue(f.Value) || strings.Trim(f.Value, " \t") != f.Value {
			t.Fatalf("accepted field %q", f)
		}
	}
}

// FuzzChunked sets the chunked decoder beside the one of the standard library, which forgives more: what ours accepts, both
// must read alike; and what ours gives must survive being sent again.
func FuzzChunked(f *testing.F) {
	for _, file := range []string{"testdata/requests.txt", "testdata/responses.txt"} {
		seeds(f, file, func(c *wiretable.Case) {
			if _, body, ok := bytes.Cut(c.Raw, []byte("\r\n\r\n")); ok && bytes.Contains(bytes.ToLower(c.Raw), []byte("chunked")) {
				f.Add(body)
			}
		})
	}
	decode := func(src io.Reader) (string, exchange.Header, error) {
		body := NewReader(src).Body(exchange.Chunked, Limits{})
		content, err := io.ReadAll(body)
		return string(content), body.Trailer(), err
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > maxFuzz {
			return
		}
		content, trailer, err := decode(bytes.NewReader(raw))
		single, _, singleErr := decode(iotest.OneByteReader(bytes.NewReader(raw)))
		if single != content || (err == nil) != (singleErr == nil) || err != nil && err.Error() != singleErr.Error() {
			t.Fatalf("byte by byte %q %v, whole %q %v", single, singleErr, content, err)
		}
		if err != nil {
			return
		}
		if std, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw))); err != nil || string(std) != content {
			t.Fatalf("we read %q, the standard library %q %v", content, std, err)
		}
		out, err := AppendLastChunk(AppendChunk(nil, []byte(content)), trailer)
		if err != nil {
			t.Fatal(err)
		}
		if again, _, err := decode(bytes.NewReader(out)); err != nil || again != content {
			t.Fatalf("%q was sent as %q and read as %q, %v", content, out, again, err)
		}
	})
}

// FuzzForward holds the forwarding contract: what we accept, we send so that we read the very same request again, and so
// that the standard library, standing for an origin, sees that request, that body and nothing behind it.
func FuzzForward(f *testing.F) {
	seeds(f, "testdata/requests.txt", func(c *wiretable.Case) { f.Add(c.Raw) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > maxFuzz {
			return
		}
		r, body, ok := accept(raw)
		if !ok {
			return
		}
		if r.Authority == "" {
			r.Authority = "origin.test"
		}
		out, err := AppendRequest(nil, r)
		if err != nil {
			t.Fatalf("accepted, but not fit to be sent: %v", err)
		}
		if r.Length == exchange.Chunked {
			if out, err = AppendLastChunk(AppendChunk(out, body), r.Body.Trailer()); err != nil {
				t.Fatal(err)
			}
		} else {
			out = append(out, body...)
		}
		again, body2, ok := accept(out)
		if !ok || !sameRequest(r, again) || !bytes.Equal(body, body2) {
			t.Fatalf("%+v %q\nwas sent as %q\nand read as %+v %q", r, body, out, again, body2)
		}
		checkOrigin(t, r, body, out)
	})
}

// accept reads one request and its body.
func accept(raw []byte) (*exchange.Request, []byte, bool) {
	rd, r := NewReader(bytes.NewReader(raw)), new(exchange.Request)
	if rd.ReadRequest(Limits{}, r) != nil {
		return nil, nil, false
	}
	r.Body = rd.Body(r.Length, Limits{})
	body, err := io.ReadAll(r.Body)
	return r, body, err == nil
}

// sameRequest compares what was received with what an origin receives.
func sameRequest(r, sent *exchange.Request) bool {
	var want, got exchange.Header
	for _, f := range r.Header {
		if !IsHopByHop(f.Name) && !requestOnly(f.Name) && !isFraming(f.Name) && !dropped(r.Header, f.Name) && !isTrailer(f.Name) {
			want = append(want, f)
		}
	}
	for _, f := range sent.Header {
		if !IsHopByHop(f.Name) && !requestOnly(f.Name) && !isFraming(f.Name) && !dropped(r.Header, f.Name) && !isTrailer(f.Name) {
			got = append(got, f)
		}
	}
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] {
			return false
		}
	}
	return r.Method == sent.Method && r.Authority == sent.Authority && r.Path == sent.Path && r.Query == sent.Query &&
		r.HasQuery == sent.HasQuery && r.Length == sent.Length && r.Upgrade == sent.Upgrade && sent.Header.Count("Host") == 1
}

// checkOrigin reads out as an origin built on the standard library would.
func checkOrigin(t *testing.T, r *exchange.Request, body, out []byte) {
	t.Helper()
	in := bufio.NewReaderSize(bytes.NewReader(out), 64<<10)
	std, err := http.ReadRequest(in)
	if err != nil {
		return // it refuses targets that RFC 3986 does not know, "%zz" say: nothing got through
	}
	content, err := io.ReadAll(std.Body)
	if err != nil {
		t.Fatalf("the standard library could not read the body of %q: %v", out, err)
	}
	rest, _ := io.ReadAll(in)
	target := r.Path
	if r.HasQuery {
		target += "?" + r.Query
	}
	if r.Method == "CONNECT" {
		target = r.Authority
	}
	if std.Method != r.Method || std.RequestURI != target || !bytes.Equal(content, body) || len(rest) > 0 {
		t.Fatalf("we saw %s %s %q, an origin saw %s %s %q and %q behind it", r.Method, target, body, std.Method, std.RequestURI, content, rest)
	}
	if !exchange.EqualFold(std.Host, r.Authority) {
		t.Fatalf("we saw host %q, an origin saw %q", r.Authority, std.Host)
	}
}
