package body

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// small gives bounds that a fuzzer reaches.
func small() Limits { return Limits{Values: 50, Depth: 8, Files: 5, Decoded: 1 << 16} }

// bounded holds what must be so whatever the body is: bounds, linear work, and that a reused Result reads the same once more.
func bounded(t *testing.T, p Processor, contentType, text string, partial bool) *Result {
	t.Helper()
	r := new(Result)
	r.Process(p, contentType, text, partial, small())
	lines := strings.Clone(r.lines())
	if n := len(r.Args); n > 2*small().Values+2 {
		t.Errorf("%d arguments", n)
	}
	if len(r.Files) > 3*small().Files || len(r.PartHeaders) > small().Values || len(r.Texts)+len(r.Attributes)+len(r.Markup) > small().Values {
		t.Error("more values than there may be")
	}
	if most := 4*len(text) + 64; p != GRPC && r.steps > most {
		t.Errorf("%d steps for %d bytes, at most %d", r.steps, len(text), most)
	}
	size := 0
	for _, f := range r.Args {
		size += len(f.Name) + len(f.Value)
	}
	if most := 2*(maxNames+3)*len(text) + 3*minNames; p != GRPC && size > most {
		t.Errorf("%d bytes of values for %d bytes, at most %d", size, len(text), most)
	}
	if partial && strings.Contains(lines, "too early") {
		t.Error("a body that was cut is an error for it")
	}
	r.Reset()
	r.Process(p, contentType, text, partial, small())
	if again := r.lines(); again != lines {
		t.Errorf("read again: %q, before %q", again, lines)
	}
	return r
}

func seeds(f *testing.F, texts ...string) {
	f.Helper()
	for _, text := range texts {
		f.Add(text, false)
		f.Add(text, true)
	}
}

func FuzzForm(f *testing.F) {
	seeds(f, "a=1&b=%41+c", "%", "a=%zz&&=", "a=%4")
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		r := bounded(t, URLEncoded, "", text, partial)
		if !partial && r.InvalidEscape && !hasInvalidEscape(text) {
			t.Error("an escape that is invalid, and none")
		}
		r.Cookies(nil, text, 10)
	})
}

func FuzzJSON(f *testing.F) {
	seeds(f, `{"a":{"b":["x",1.50,true,null]},"c":-0}`, `"\ud83d\ude00\ud800"`, `[[[[]]]]`, `{"query":"{a(b:1)}"}`, byteOrderMark+"1", `{"a":1,}`, "[1e5,01]", `{"":{}}`)
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		bounded(t, JSON, "", text, partial)
		r := new(Result)
		r.Process(JSON, "", text, false, Limits{Values: 1 << 20, Depth: 1000})
		if text == "" || r.TooMany {
			return
		}
		plain := strings.TrimPrefix(text, byteOrderMark)
		if valid := json.Valid([]byte(plain)); valid != (r.Error == "") {
			t.Fatalf("valid is %v, error %q", valid, r.Error)
		} else if !valid || !utf8.ValidString(plain) {
			return
		}
		args := slices.Clone(r.Args)
		if i := slices.IndexFunc(args, func(f Field) bool { return strings.HasPrefix(f.Name, "graphql") }); i >= 0 {
			args = args[:i]
		}
		if want := walk(t, plain); !slices.Equal(want, args) {
			t.Errorf("%q, want %q", args, want)
		}
		if partial { // every beginning of it can be read
			for cut := range min(len(text), 200) {
				r.Reset()
				if r.Process(JSON, "", text[:cut], true, Limits{}); r.Error != "" {
					t.Fatalf("cut at %d: %s", cut, r.Error)
				}
			}
		}
	})
}

// walk reads JSON with the standard library.
func walk(t *testing.T, text string) (all []Field) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var value func(name string, top bool)
	value = func(name string, top bool) {
		token, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case json.Delim:
			count := 0
			for d.More() {
				inner := strconv.Itoa(count)
				if v == '{' {
					key, err := d.Token()
					if err != nil {
						t.Fatal(err)
					}
					inner, _ = key.(string)
				}
				value(name+"."+inner, false)
				count++
			}
			if _, err := d.Token(); err != nil {
				t.Fatal(err)
			}
			switch {
			case count == 0 && !top && v == '{':
				all = append(all, Field{name, ""})
			case v == '[' && (count > 0 || !top):
				all = append(all, Field{name, strconv.Itoa(count)})
			}
			return
		case nil:
			all = append(all, Field{name, ""})
		case bool:
			all = append(all, Field{name, strconv.FormatBool(v)})
		case json.Number:
			all = append(all, Field{name, v.String()})
		case string:
			all = append(all, Field{name, v})
		}
		if top {
			all[0].Name = "json.0"
			all = append(all, Field{"json", "1"})
		}
	}
	value("json", true)
	return all
}

func FuzzXML(f *testing.F) {
	seeds(f, `<?xml version="1.0"?><a b="1 &lt; 2"> x <c d='e'/>y<!-- z --><![CDATA[<q>]]></a>`, `<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "<a b=c d <e>&#x;", "</a>", "<a\xff/>")
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		r := bounded(t, XML, "", text, partial)
		if strings.Contains(text, "<!ENTITY") && strings.HasPrefix(text, "<!DOCTYPE a [<!ENTITY") && r.Error == "" {
			t.Error("an entity was declared in silence")
		}
	})
}

func FuzzMultipart(f *testing.F) {
	head := "--b\r\nContent-Disposition: form-data; name=\"a\""
	seeds(f, head+"\r\n\r\nx\r\n--b--\r\n", head+"; filename=\"f\"; filename*=utf-8''%41\r\n\r\nx\r\n--b--", "--b\n\n--b--", head+" name=c;x\r\n y\r\n\r\n--bc\r\n--b", head+"\r\nContent-Transfer-Encoding: base64\r\n\r\nPHg+\r\n--b--")
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		r := bounded(t, MultipartForm, formType, text, partial)
		var p params
		for p.text = text; p.next(); {
		}
		if partial || r.Multipart.StrictError || r.Error != "" || r.TooMany || text == "" {
			return
		}
		agree(t, r, text)
	})
}

// agree holds that what is not refused is read as Go's parser reads it.
func agree(t *testing.T, r *Result, text string) {
	t.Helper()
	_, media, err := mime.ParseMediaType(formType)
	if err != nil {
		t.Fatal(err)
	}
	m := multipart.NewReader(strings.NewReader(text), media["boundary"])
	var args []Field
	files := 0
	for {
		p, err := m.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("Go refuses it: %v", err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("Go refuses it: %v", err)
		}
		if p.FileName() != "" {
			files++
		} else {
			args = append(args, Field{p.FormName(), string(content)})
		}
	}
	ours, own := r.Args, 0
	for _, file := range r.Files {
		if !file.Alternative {
			own++
		}
	}
	if !strings.Contains(strings.ToLower(text), "content-transfer-encoding") && (files != own || !slices.Equal(args, ours)) {
		t.Errorf("%q and %d files, Go has %q and %d", ours, own, args, files)
	}
}

func FuzzGraphQL(f *testing.F) {
	seeds(f, `query Q($v: [Int!]! = 3 @x) @d(if: $v) { me: user(id: "1\u0027\u{41}", in: {a: [1, E]}) { ...F ... on T @s { n } } }`, `{ a(b: """x\""" """) }`, "fragment F on T {a}", "{a{a{a{a{a{a{a{a{a{a}}}}}}}}}}")
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		bounded(t, GraphQL, "", text, partial)
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		bounded(t, JSON, "", `{"query":`+string(quoted)+`}`, partial)
	})
}

func FuzzProtobuf(f *testing.F) {
	seeds(f, "\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01", "\x0a\x0b\x0a\x09' or 1=1-", "\x0b\x10\x05\x0c", strings.Repeat("K", 30), "\x0a\x09abc")
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		bounded(t, Protobuf, "", text, partial)
		bounded(t, GRPC, "application/grpc", string([]byte{0, 0, 0, 0, byte(min(len(text), 255))})+text[:min(len(text), 255)], partial)
		bounded(t, GRPC, "application/grpc-web-text", text, partial)
		bounded(t, GRPC, "application/grpc", text, partial)
	})
}

func FuzzSniff(f *testing.F) {
	seeds(f, `{"a":1}`, "a=1", "\x00")
	f.Fuzz(func(t *testing.T, text string, partial bool) {
		p := Sniff(text, partial, small())
		if p == JSON && !partial {
			r := new(Result)
			r.Process(JSON, "", text, false, small())
			if r.Error != "" && !r.TooMany {
				t.Error(r.Error)
			}
		}
		if p == Raw && text != "" && bytes.IndexFunc([]byte(text), func(c rune) bool { return c < ' ' || c == 0x7f || c == '&' }) < 0 {
			t.Error("text is Raw")
		}
		ByType(text)
	})
}
