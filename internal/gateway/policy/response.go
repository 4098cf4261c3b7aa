package policy

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Response runs the rules on a response from the origin, before any of it is sent. The body of an inspected type is read up
// to the limit and replaced by one that gives the client the same bytes; every other body streams untouched. It is for
// final responses, a 101 among them, not for other 1xx.
func (t *Transaction) Response(ctx context.Context, r *exchange.Response) Decision {
	if t == nil || t.failed != nil || t.in == nil {
		return Decision{}
	}
	d := t.step("response_headers", func(deadline time.Time) (*exchange.Response, error) {
		return t.in.ResponseHead(r, deadline)
	})
	if d.Stop() || t.failed != nil {
		return d
	}
	body, partial := t.readResponse(ctx, r)
	if t.failed != nil {
		return t.fault(t.failed)
	}
	leave, d := t.queue(ctx, "response_body", t.response.size)
	if leave == nil {
		return d
	}
	defer leave()
	return t.step("response_body", func(deadline time.Time) (*exchange.Response, error) {
		return t.in.ResponseBody(body, partial, deadline)
	})
}

// readResponse returns what rules get to see of r's body, nil for nothing.
func (t *Transaction) readResponse(ctx context.Context, r *exchange.Response) (body io.Reader, partial bool) {
	cfg := &t.stage.cfg
	if !t.hasBody(r) || cfg.ResponseLimit <= 0 || !slices.Contains(cfg.ResponseTypes, mediaType(r.Header.Get("Content-Type"))) {
		return nil, false
	}
	coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	if !decodes(coding) {
		t.note("RESPONSE_BODY", reason.WAFSkippedByLimit, "response body not inspected: its coding is "+strconv.Quote(bound(coding)))
		return nil, false
	}
	t.response.memory, t.response.dir = cfg.Memory, cfg.TempDir
	lost, rerr, werr := t.response.fill(r.Body, cfg.ResponseLimit, r.Length)
	t.answer = &replay{spool: &t.response, lost: lost, body: r.Body, end: rerr, once: true}
	r.Body = t.answer
	if werr != nil && ctx.Err() == nil {
		t.phase = "response_body"
		t.failed = reason.New(reason.WAFFailClosed, "response body cannot be kept in "+cfg.TempDir, werr)
		return nil, false
	}
	partial = !errors.Is(rerr, io.EOF) && t.response.size != r.Length
	if partial && rerr == nil {
		t.note("RESPONSE_BODY", reason.WAFSkippedByLimit, "only the first "+strconv.FormatInt(t.response.size, 10)+" bytes of the response body were inspected")
	}
	t.coding = coding
	return t.decoded(coding), partial
}

func (t *Transaction) hasBody(r *exchange.Response) bool {
	return t.x.Request.Method != "HEAD" && r.Length != 0 && r.Status >= 200 && r.Status != 204 && r.Status != 304 &&
		r.Body != nil && r.Body != exchange.NoBody && r.Upgraded == nil
}

func decodes(coding string) bool {
	switch coding {
	case "", "identity", "gzip", "x-gzip", "deflate":
		return true
	}
	return false
}

// decoded reads the spooled response without its coding, at most the limit's bytes of it, so that a small body cannot
// blow up. What cannot be decoded is shown to the rules up to that point.
func (t *Transaction) decoded(coding string) io.Reader {
	raw := t.response.reader(t.response.size)
	var r io.Reader = raw
	switch coding {
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(raw)
		if err != nil {
			return t.undecodable(coding)
		}
		r = z
	case "deflate": // RFC 9110 section 8.4.1.2 means zlib; some send the bare stream
		z, err := zlib.NewReader(raw)
		if err == nil {
			r = z
			break
		}
		r = flate.NewReader(t.response.reader(t.response.size))
	}
	if r == io.Reader(raw) {
		return raw
	}
	return io.LimitReader(tolerant{r}, t.stage.cfg.ResponseLimit)
}

func (t *Transaction) undecodable(coding string) io.Reader {
	t.note("RESPONSE_BODY", reason.WAFSkippedByLimit, "response body not inspected: it is not "+coding+" as it says")
	return nil
}

// tolerant ends where its reader fails: an origin's broken body is the client's to complain about.
type tolerant struct{ r io.Reader }

func (t tolerant) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// mediaType returns the type and subtype of a Content-Type in lower case.
func mediaType(v string) string {
	v, _, _ = strings.Cut(v, ";")
	return strings.ToLower(strings.TrimSpace(v))
}

func bound(s string) string { return s[:min(len(s), 60)] }
