package body

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// leaves writes JSON of so many leaves, about 25 bytes each.
func leaves(n int) string {
	var b strings.Builder
	b.WriteString(`{"items":[`)
	for i := range n / 4 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"identifier":%d,"title":"a title of item %d","active":true,"description":"some plain words"}`, i, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

// bodies are typical ones of each kind.
func bodies() map[string]struct {
	p                 Processor
	contentType, text string
} {
	form := strings.TrimSuffix(strings.Repeat("field_name=some+value+with+words%21+and+more&", 24), "&")
	part := "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nsome value\r\n"
	return map[string]struct {
		p                 Processor
		contentType, text string
	}{
		"JSON 10 KB":     {JSON, "", leaves(400)},
		"form 24 fields": {URLEncoded, "", form},
		"XML 10 KB":      {XML, "", "<a>" + strings.Repeat("<item id=\"17\">some plain words &amp; more</item>", 200) + "</a>"},
		"multipart":      {MultipartForm, formType, strings.Repeat(part, 24) + "--b--\r\n"},
		"GraphQL":        {GraphQL, "", "query Q {" + strings.Repeat(` user(id: "some id", first: 10) { name email }`, 20) + "}"},
		"protobuf 10 KB": {Protobuf, "", strings.Repeat("\x08\x96\x01\x12\x10some plain words\x1a\x03\x08\x96\x01", 400)},
	}
}

func BenchmarkProcess(b *testing.B) {
	for name, c := range bodies() {
		b.Run(name, func(b *testing.B) {
			var r Result
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				r.Reset()
				r.Process(c.p, c.contentType, c.text, false, Limits{})
			}
		})
	}
}

// TestNoAllocations holds that a Result that is reused does not allocate.
func TestNoAllocations(t *testing.T) {
	for name, c := range bodies() {
		var r Result
		for range 10 {
			r.Reset()
			r.Process(c.p, c.contentType, c.text, false, Limits{})
		}
		if r.Error != "" || r.TooMany || r.Multipart.StrictError {
			t.Errorf("%s: %s %v", name, r.Error, r.Multipart)
		}
		if n := testing.AllocsPerRun(100, func() { r.Reset(); r.Process(c.p, c.contentType, c.text, false, Limits{}) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestLinear holds that twice the body is twice the work, for bodies that are made to be more.
func TestLinear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p           Processor
		contentType string
		text        func(n int) string
	}{
		"JSON leaves":         {JSON, "", leaves},
		"JSON deep":           {JSON, "", func(n int) string { return strings.Repeat("[", n) }},
		"JSON long name":      {JSON, "", func(n int) string { return `{"` + strings.Repeat("a", n) + `":[` + strings.Repeat("1,", n) + `1]}` }},
		"JSON escapes":        {JSON, "", func(n int) string { return `["` + strings.Repeat(`\"`, n) + `"]` }},
		"GraphQL in JSON":     {JSON, "", func(n int) string { return `[` + strings.Repeat(`{"query":"{a}"},`, n) + `0]` }},
		"GraphQL deep":        {GraphQL, "", func(n int) string { return strings.Repeat("{a", n) }},
		"GraphQL comment":     {GraphQL, "", func(n int) string { return strings.Repeat("#", n) }},
		"XML open":            {XML, "", func(n int) string { return strings.Repeat("<a ", n) }},
		"XML quotes":          {XML, "", func(n int) string { return "<a " + strings.Repeat("b=' ", n) }},
		"XML ampersands":      {XML, "", func(n int) string { return "<a>" + strings.Repeat("&", n) }},
		"XML comments":        {XML, "", func(n int) string { return "<a>" + strings.Repeat("<!--", n) }},
		"multipart folds":     {MultipartForm, formType, func(n int) string { return "--b\r\na: b\r\n" + strings.Repeat(" c\r\n", n) }},
		"multipart heads":     {MultipartForm, formType, func(n int) string { return "--b\r\n" + strings.Repeat("a: b\r\n", n) }},
		"multipart parts":     {MultipartForm, formType, func(n int) string { return strings.Repeat("--b\r\n", n) }},
		"multipart parameter": {MultipartForm, formType, func(n int) string { return "--b\r\nContent-Disposition: form-data; " + strings.Repeat("a=b c=d ", n) }},
		"protobuf groups":     {Protobuf, "", func(n int) string { return strings.Repeat("\x0b", n) }},
		"protobuf text": {Protobuf, "", func(n int) string {
			return string(binary.AppendUvarint([]byte("\x0a"), uint64(n))) + strings.Repeat("a", n)
		}},
		"protobuf numbers": {Protobuf, "", func(n int) string { return strings.Repeat("\x08\x01", n) }},
		"form":             {URLEncoded, "", func(n int) string { return strings.Repeat("a=%41&", n) }},
	} {
		cost := func(n int) (steps, bytes int) {
			text := c.text(n)
			var r Result
			r.Process(c.p, c.contentType, text, false, Limits{Values: 1 << 20})
			for _, f := range r.Args {
				bytes += len(f.Name)
			}
			return r.steps + cap(r.arena.buf)/8, bytes / max(1, len(text)/1024)
		}
		one, _ := cost(1000)
		sixteen, names := cost(16000)
		if sixteen > 40*one+1000 {
			t.Errorf("%s: %d steps for 1,000, %d for 16,000", name, one, sixteen)
		}
		if names > 1024*2*(maxNames+minNames/1024) {
			t.Errorf("%s: names of %d bytes per KB", name, names)
		}
	}
}
