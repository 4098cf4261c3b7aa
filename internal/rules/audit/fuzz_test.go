package audit_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/audit"
)

// maxRecord is what a record may be long whatever comes in, beside bodies of 4 KiB.
const maxRecord = 1 << 20

// FuzzRecord puts the bytes of a client everywhere: no line, part or object breaks, and what a terminal obeys does not come through.
func FuzzRecord(f *testing.F) {
	f.Add("\r\n--0123456789abcdef-Z--\n\n", "--0123456789abcdef-H--", "\x00\x1b[2J\x7f\xff\u0085\u2028\\\"", `{"a":"\`, "a=%0a%00&b")
	f.Add("-", "--x", "x", "--B\r\nContent-Disposition: form-data; name=\"\n\"\r\n\r\nx\r\n--B--", "=&=&")
	f.Fuzz(func(t *testing.T, head, line, value, body, query string) {
		x := detected()
		x.ID, x.Site = head, line
		x.Request.Method, x.Request.Target, x.Request.Query, x.Request.RawLine, x.Request.Authority = value, line+"?"+query, query, line, value
		x.Request.Header = append(x.Request.Header, exchange.Field{Name: head, Value: value}, exchange.Field{Name: "Content-Type", Value: line})
		x.Answer.Header = append(x.Answer.Header, exchange.Field{Name: head, Value: value})
		x.Answer.Detail = value
		x.WAF.Audit.RequestBody, x.WAF.Audit.ResponseBody = body, body
		x.WAF.Audit.Files = []exchange.File{{Name: value, Type: head}}
		x.WAF.Matches = append(x.WAF.Matches, exchange.Match{ID: 7, Message: head, Severity: value, Target: line, Part: value, Data: body, Tags: []string{value}, File: line, Ver: head})
		for _, format := range []string{"json", "ocsf", "native"} {
			out := open(t, every(format)).Append(nil, x)
			if len(out) > maxRecord+8*len(body) {
				t.Errorf("%s: %d bytes", format, len(out))
			}
			if i := bytes.IndexFunc(out, unsafe); i >= 0 || !utf8.Valid(out) {
				t.Fatalf("%s: %q at %d", format, out[i:min(i+8, len(out))], i)
			}
			if audit.Whole(format)(out) != len(out) || audit.Whole(format)(out[:len(out)-1]) != 0 {
				t.Errorf("%s: not one whole record: %q", format, out)
			}
			if format == "native" {
				checkNative(t, string(out))
			} else if bytes.Count(out, []byte("\n")) != 1 || !json.Valid(out) {
				t.Errorf("%s: no line of JSON: %q", format, out)
			}
		}
	})
}

// unsafe holds for what must not come through as it is.
func unsafe(r rune) bool {
	return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029'
}

var begins = regexp.MustCompile(`(?m)^-.*$`)

// checkNative holds that no line but the boundaries begins as one.
func checkNative(t *testing.T, record string) {
	t.Helper()
	letters := ""
	for _, line := range begins.FindAllString(record, -1) {
		m := boundary.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("%q begins as a boundary", line)
		}
		letters += m[2]
	}
	if want := "ABCEFHJKZ"; strings.Trim(letters, want) != "" || strings.Trim(letters, "") == "" || letters[0] != 'A' || strings.Count(letters, "A") != 1 || strings.Count(letters, "Z") != 1 {
		t.Errorf("parts %s", letters)
	}
}

// FuzzBody holds that a secret is not shown, whatever stands around it, where a parser of JSON finds it under a name that says so.
func FuzzBody(f *testing.F) {
	f.Add(`{"a":"`, `","b":[`, `]}`)
	f.Add(`{"\"":'`, `'`, `\u0000`)
	f.Fuzz(func(t *testing.T, before, between, after string) {
		const secret = "zq8-hunter2-zq8"
		body := before + `"password":"` + secret + `"` + between + `"x":1` + after
		if strings.Contains(before+between+after, secret) || !holds(body, secret) {
			return
		}
		if shown, _ := shownBody(t, body, "application/json", 1<<20); strings.Contains(shown, secret) {
			t.Errorf("%q shows as %q", body, shown)
		}
	})
}

// holds reports whether body is JSON with a member password that is secret.
func holds(body, secret string) bool {
	var v any
	return json.Unmarshal([]byte(body), &v) == nil && member(v, secret)
}

func member(v any, secret string) bool {
	switch v := v.(type) {
	case map[string]any:
		if v["password"] == secret {
			return true
		}
		for _, e := range v {
			if member(e, secret) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if member(e, secret) {
				return true
			}
		}
	}
	return false
}
