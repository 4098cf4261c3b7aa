package coraza

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// What rules are shown of a body whose Content-Type names no format that is parsed. The engine would read any such body as
// a form, of which no rule can make anything and which costs seconds per megabyte. But frameworks do read JSON and forms
// that are sent as text/plain, so:
//
//   - JSON, by its look and by its syntax, is parsed as JSON;
//   - other text of up to maxText bytes is parsed as a form;
//   - of longer text, REQUEST_BODY holds the first maxText bytes;
//   - of anything else REQUEST_BODY holds the first maxBinary bytes, enough for the signatures of serialised objects.
const (
	maxText   = 64 << 10
	maxBinary = 4 << 10
	maxJSON   = 1 << 20
)

// Bounds of one value that comes to a rule, so that the budget can be looked at often enough. overlap is the longest piece
// of an attack that is sure to stand in one piece of a longer value.
const (
	maxValue = 32 << 10
	overlap  = 1 << 10
	longBody = 8 << 10 // from which on the clock is read before each value
)

// prepare decides how the engine reads the body, and returns what it shall read of it, nil for nothing.
func (in *Inspection) prepare(body io.Reader, partial bool) (io.Reader, error) {
	v := in.variables()
	s, ok := body.(io.ReadSeeker)
	if !ok || v == nil {
		return body, nil
	}
	var err error
	if in.size, err = s.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	if _, err = s.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	in.shown = in.size
	if in.guard != nil {
		in.guard.often = in.size > longBody
	}
	processor := v.RequestBodyProcessor().Get()
	if processor != "" {
		skip, err := preread(s, processor, in.x.Request.Header.Get("Content-Type"), in.engine.arguments, v)
		if skip {
			in.shown, in.unseen = 0, "the request body holds more values than rules look at, none was shown to them"
			return nil, err
		}
		return s, err
	}
	processor, in.shown, err = sniff(s, in.size, partial, in.engine.arguments)
	if err != nil {
		return nil, err
	}
	set(v.RequestBodyProcessor(), processor)
	return io.LimitReader(s, in.shown), nil
}

// sniff looks at a body of no known type and returns which processor is to read how much of it, from where it leaves r.
func sniff(r io.ReadSeeker, size int64, partial bool, arguments int) (processor string, shown int64, err error) {
	head, err := io.ReadAll(io.LimitReader(r, min(size, maxText)))
	if err != nil {
		return "", 0, err
	}
	if !isText(head) {
		_, err = r.Seek(0, io.SeekStart)
		return "RAW", min(size, maxBinary), err
	}
	start := int64(0)
	if looksJSON(head) && size <= maxJSON {
		rest, err := io.ReadAll(r)
		if err != nil {
			return "", 0, err
		}
		if partial || json.Valid(bytes.TrimPrefix(slices.Concat(head, rest), byteOrderMark)) {
			if bytes.HasPrefix(head, byteOrderMark) {
				start = int64(len(byteOrderMark)) // the processor would not have it
			}
			_, err = r.Seek(start, io.SeekStart)
			return "JSON", size, err
		}
	}
	_, err = r.Seek(start, io.SeekStart)
	if size <= maxText && bytes.Count(head, []byte("&")) < arguments {
		return "URLENCODED", size, err
	}
	return "RAW", min(size, maxText), err
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// isText reports whether b holds none of the control characters that no text has.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && (c < '\t' || c > '\r') || c == 0x7f {
			return false
		}
	}
	return true
}

// looksJSON reports whether b begins as a JSON object or array, or as a string.
func looksJSON(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, byteOrderMark), " \t\r\n")
	return len(b) > 0 && (b[0] == '{' || b[0] == '[' || b[0] == '"')
}

// cut bounds what the body processors left in v, just before the rules of the body run.
func (in *Inspection) cut(v plugintypes.TransactionVariables) {
	set(v.RequestBodyLength(), strconv.FormatInt(in.size, 10))
	if b := v.RequestBody().Get(); len(b) > maxText {
		set(v.RequestBody(), b[:maxText]) // of a form; what it holds is in its arguments as well
	}
	if in.size <= maxValue {
		return
	}
	var left int
	for _, c := range []collection.Map{v.ArgsPost(), v.RequestXML(), v.MultipartPartHeaders(), v.MultipartName(), v.MultipartFilename(),
		v.MultipartFilenameCharset(), v.MultipartFilenameLanguage()} {
		left += cutValues(c)
	}
	if left > 0 {
		in.shown = max(0, in.shown-int64(left))
		in.unseen = strconv.Itoa(left) + " bytes within long values of nothing but base64 were not shown to rules"
	}
}

// cutValues replaces long names and values of c by overlapping pieces, and returns how many bytes it left out.
func cutValues(c collection.Map) (left int) {
	all := c.FindAll()
	long := false
	for _, d := range all {
		long = long || len(d.Key()) > maxValue || len(d.Value()) > maxValue
	}
	if !long {
		return 0
	}
	for _, d := range all {
		c.Remove(d.Key())
	}
	for _, d := range all {
		names, n := pieces(d.Key())
		values, m := pieces(d.Value())
		left += n + m
		for _, value := range values {
			c.Add(own(names[0]), value)
		}
		for _, name := range names[1:] {
			c.Add(own(name), "")
		}
	}
	return left
}

// pieces cuts s into pieces of at most maxValue bytes. Pieces in the middle that are nothing but base64 are left out, left
// bytes in all: files travel in JSON so, no attack is written without a space, a bracket, a quote or a semicolon, and a
// path behind a thousand letters is no path.
func pieces(s string) (list []string, left int) {
	for len(s) > maxValue {
		if len(list) > 0 && isBase64(s[:maxValue]) {
			left += maxValue - overlap
		} else {
			list = append(list, s[:maxValue])
		}
		next := maxValue - overlap
		for next > maxValue-overlap-utf8.UTFMax && !utf8.RuneStart(s[next]) {
			next--
		}
		s = s[next:]
	}
	return append(list, s), left
}

func isBase64(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/' && r != '-' && r != '_' && r != '='
	}) < 0
}

// confess writes into w what rules were not shown of the body.
func (in *Inspection) confess(w *exchange.WAF) {
	if in.shown >= in.size {
		return
	}
	w.Inspected = min(w.Inspected, in.shown)
	text := in.unseen
	if text == "" {
		text = "rules were shown the first " + strconv.FormatInt(in.shown, 10) + " bytes of the request body: it is of no type that is parsed"
	}
	if len(w.Matches) < maxMatches {
		w.Matches = append(w.Matches, exchange.Match{Message: string(reason.WAFSkippedByLimit) + ": " + text, Severity: "notice", Target: "REQUEST_BODY"})
	}
}
