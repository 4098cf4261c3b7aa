package body

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read reads a body and writes down what it holds, a line each.
func read(p Processor, contentType, text string, partial bool, l Limits) (string, *Result) {
	r := new(Result)
	r.Process(p, contentType, text, partial, l)
	return r.lines(), r
}

func (r *Result) lines() string {
	var b strings.Builder
	for _, f := range r.Args {
		b.WriteString(f.Name + "=" + f.Value + "\n")
	}
	for _, f := range r.Files {
		b.WriteString("file " + f.Field + "|" + f.Name + "|" + f.Content + "|" + f.Charset + "|" + f.Language + "\n")
	}
	for _, f := range r.PartHeaders {
		b.WriteString("head " + f.Name + "|" + f.Value + "\n")
	}
	for what, list := range map[string][]string{"text ": r.Texts} {
		for _, v := range list {
			b.WriteString(what + v + "\n")
		}
	}
	for _, v := range r.Attributes {
		b.WriteString("attribute " + v + "\n")
	}
	for _, v := range r.Markup {
		b.WriteString("markup " + v + "\n")
	}
	if r.Error != "" {
		b.WriteString("error " + r.Error + "\n")
	}
	if r.TooMany {
		b.WriteString("too many\n")
	}
	if r.InvalidEscape {
		b.WriteString("invalid escape\n")
	}
	return b.String()
}

type example struct {
	text    string
	partial bool
	want    string // lines
	limits  Limits
}

func try(t *testing.T, p Processor, examples []example) {
	t.Helper()
	for _, e := range examples {
		got, _ := read(p, "", e.text, e.partial, e.limits)
		want := e.want
		if want != "" {
			want += "\n"
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q, partial %v: %s", e.text, e.partial, d)
		}
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	try(t, URLEncoded, []example{
		{text: "a=1&b=%41+c&&=x&y=&z&=", want: "a=1\nb=A c\n=x\ny=\nz=\n="},
		{text: "a=%zz%4", want: "a=%zz%4\ninvalid escape"},
		{text: "a=%", partial: true, want: "a=%"},
		{text: "a=%4", partial: true, want: "a=%4"},
		{text: "a=%zz%4", partial: true, want: "a=%zz%4\ninvalid escape"},
		{text: "a=1&b=2&&", limits: Limits{Values: 2}, want: "a=1\nb=2"},
		{text: "a=1&b=2&c", limits: Limits{Values: 2}, want: "a=1\nb=2\ntoo many"},
	})
}

func TestCookies(t *testing.T) {
	t.Parallel()
	var r Result
	got, tooMany := r.Cookies(nil, " a=1; b = 2 ;; =x;\x01=y; a=3=4;=;c;d=\"e;f\"", 0)
	want := []Field{{"a", "1"}, {"b", "2"}, {"", "x"}, {"", "y"}, {"a", "3=4"}, {"c", ""}, {"d", `"e`}, {`f"`, ""}}
	if d := cmp.Diff(want, got); d != "" || tooMany {
		t.Error(tooMany, d)
	}
	if got, tooMany = r.Cookies(got[:0], "a=1;b=2", 1); len(got) != 1 || !tooMany {
		t.Error(got, tooMany)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	try(t, JSON, []example{
		{text: `{"a":{"b":["x",1.50,true,null]},"c":-0}`, want: "json.a.b.0=x\njson.a.b.1=1.50\njson.a.b.2=true\njson.a.b.3=\njson.a.b=4\njson.c=-0"},
		{text: byteOrderMark + ` [ 1 , {"a":2} ] `, want: "json.0=1\njson.1.a=2\njson=2"},
		{text: `"x"`, want: "json.0=x\njson=1"},
		{text: `null`, want: "json.0=\njson=1"},
		{text: `{"a":1,"a":2}`, want: "json.a=1\njson.a=2"},
		{text: `{"a\u0041\n":"\ud83d\ude00\ud800\/\\"}`, want: "json.aA\n=😀\ufffd/\\"},
		{text: `{"<x>":{},"y":[]}`, want: "json.<x>=\njson.y=0"},
		{text: `{}`, want: ""},
		{text: `{"a":1} {"b":2}`, want: "json.a=1\nerror read JSON: more text behind the value at byte 8"},
		{text: `{"a":1,}`, want: "json.a=1\nerror read JSON: the name of a member is missing at byte 7"},
		{text: `[1,]`, want: "json.0=1\njson.1=\nerror read JSON: a value that is none at byte 3"},
		{text: `[01]`, want: "json.0=01\nerror read JSON: a value that is none at byte 1"},
		{text: `{"a":"b`, want: "json.a=b\nerror read JSON: it ends too early at byte 7"},
		{text: `{"a":"b`, partial: true, want: "json.a=b"},
		{text: `{"a":"b","cd`, partial: true, want: "json.a=b\njson.cd="},
		{text: `{"a":"b\u00`, partial: true, want: `json.a=b\u00`},
		{text: `{"a":12`, partial: true, want: `json.a=12`},
		{text: `{"a":tru`, partial: true, want: `json.a=tru`},
		{text: `{"a":"b\q"}`, want: "json.a=b\\q\nerror read JSON: an escape that there is not at byte 7"},
		{text: "{\"a\":\"b\nc\"}", want: "json.a=b\nc\nerror read JSON: a control character in a string at byte 7"},
		{text: `[[[1]]]`, limits: Limits{Depth: 2}, want: "error read JSON: nested deeper than 2 at byte 2\ntoo many"},
		{text: `[1,2,3]`, limits: Limits{Values: 2}, want: "json.0=1\njson.1=2\ntoo many"},
		{text: `{"query":"{ a(b:\"c\\n\") }","variables":{"x":1}}`, want: "json.query={ a(b:\"c\\n\") }\njson.variables.x=1\ngraphql.query.a=\ngraphql.query.a.b=c\n"},
		{text: `{"query":"{ a(b: }"}`, want: "json.query={ a(b: }"},
		{text: `{"query":"select"}`, want: "json.query=select"},
	})
}

func TestXML(t *testing.T) {
	t.Parallel()
	try(t, XML, []example{
		{text: `<?xml version="1.0"?><a b="1 &lt; 2"> x <c d='e'/>y<!-- z --><![CDATA[<q>]]></a>`,
			want: "text x\ntext y\ntext <q>\nattribute 1 < 2\nattribute e\nmarkup xml version=\"1.0\"\nmarkup  z "},
		{text: "<a>&#65;&#x42;\r\n&amp;</a>", want: "text AB\n&"},
		{text: `<!DOCTYPE a SYSTEM "b"><a>x</a>`, want: "text x\nmarkup DOCTYPE a SYSTEM \"b\""},
		{text: `<!DOCTYPE a [<!entity b "c">]><a>&b;</a>`, want: "text &b;\nmarkup DOCTYPE a [<!entity b \"c\">]\nerror read XML: it declares entities at byte 0"},
		{text: `<a><b>x</a>`, want: "text x\nerror read XML: </a> closes nothing at byte 7"},
		{text: `<a>x`, want: "text x\nerror read XML: 1 elements are not closed at byte 4"},
		{text: `<a>x</a`, partial: true, want: "text x"},
		{text: `<a b="x`, partial: true, want: "attribute x"},
		{text: `<a b=x c>y</a>`, want: "text y\nattribute x\nattribute c\nerror read XML: an attribute's value without quotes at byte 5"},
		{text: `<a/>x`, want: "text x\nerror read XML: text outside of the root element at byte 4"},
		{text: `x`, want: "text x\nerror read XML: text outside of the root element at byte 0"},
		{text: `<a>< b</a>`, want: "text b\nerror read XML: \"<\" begins no mark at byte 3"},
		{text: `<?xml version="1.0" encoding="utf-7"?><a/>`, want: "markup xml version=\"1.0\" encoding=\"utf-7\"\nerror read XML: encoding \"utf-7\" at byte 0"},
		{text: "<a>\xff</a>", want: "text \xff\nerror read XML: not UTF-8 at byte 3"},
		{text: "<?xml encoding='iso-8859-1'?><a>\xff</a>", want: "text \xff\nmarkup xml encoding='iso-8859-1'"},
		{text: `<a><b><c/></b></a>`, limits: Limits{Depth: 1}, want: "error read XML: nested deeper than 1 at byte 3\ntoo many"},
		{text: `<a b="1" c="2" d="3"/>`, limits: Limits{Values: 2}, want: "attribute 1\nattribute 2\ntoo many"},
	})
}

func TestGraphQL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{ a }`: "graphql.query.a=",
		`query Q($v: [Int!]! = 3 @x, $w: S) @d(if: $v) { me: user(id: "1\u0027\u{41}", in: {a: [1, E], o: {}}) { ...F ... on T @s { n } } }`: "graphql.Q.$v=3\ngraphql.Q.$v.@x=\ngraphql.Q.@d.if=$v\n" +
			"graphql.Q.user=me\ngraphql.Q.user.id=1'A\ngraphql.Q.user.in.a.0=1\ngraphql.Q.user.in.a.1=E\ngraphql.Q.user.in.o=\n" +
			"graphql.Q.user....F=\ngraphql.Q.user....T.@s=\ngraphql.Q.user....T.n=",
		"mutation { a(b: \"\"\"x \\\"\"\" 'y\"\"\") } # c\nfragment F on T { b }": "graphql.mutation.a=\ngraphql.mutation.a.b=x \"\"\" 'y\ngraphql.F.b=",
		`{ a `:          "graphql.query.a=\nerror read GraphQL: it ends too early at byte 4",
		`{ a(b "c") }`:  "graphql.query.a=\nerror read GraphQL: a colon is missing at byte 6",
		`{ a } junk { `: "graphql.query.a=\nerror read GraphQL: a definition that is none at byte 10",
	} {
		got, _ := read(GraphQL, "", text, false, Limits{})
		if d := cmp.Diff("graphql="+text+"\n"+want+"\n", got); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	_, r := read(GraphQL, "", "query A { x: a { b @c } y: a { b } }", false, Limits{})
	if d := cmp.Diff(GraphQLShape{Operations: 1, Fields: 4, Aliases: 2, Directives: 1, Depth: 2}, r.GraphQL); d != "" {
		t.Error(d)
	}
	if _, r = read(GraphQL, "", strings.Repeat("{a", 30), false, Limits{Depth: 20}); !r.Depth || r.Error == "" {
		t.Error("the bound of depth was not said")
	}
	if got, _ := read(GraphQL, "", `{ a(b: "c`, true, Limits{}); got != "graphql={ a(b: \"c\ngraphql.query.a=\ngraphql.query.a.b=c\n" {
		t.Error(got)
	}
}

func TestProtobuf(t *testing.T) {
	t.Parallel()
	try(t, Protobuf, []example{
		{text: "\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01", want: "protobuf.1=150\nprotobuf.2=testing\nprotobuf.3.1=150"},
		{text: "\x0a\x09\x0a\x07' or 1=", want: "protobuf.1.1=' or 1=\nprotobuf.1=\n\x07' or 1="[:len("protobuf.1.1=' or 1=")]},
		{text: "\x0a\x0b\x0a\x09' or 1=1-", want: "protobuf.1.1=' or 1=1-\nprotobuf.1=\n\t' or 1=1-"},
		{text: "\x0b\x10\x05\x0c", want: "protobuf.1.2=5"},
		{text: "\x0d\x01\x00\x00\x00\x11\xff\xff\xff\xff\xff\xff\xff\xff", want: "protobuf.1=1\nprotobuf.2=-1"},
		{text: "\x0a\x02\xff\xfe", want: "protobuf.1=\xff\xfe"},
		{text: "\x0a\x00", want: "protobuf.1="},
		{text: "\x0a\x09abc", want: "protobuf.1=abc\nerror read protobuf: no field at byte 0"},
		{text: "\x0a\x09abc", partial: true, want: "protobuf.1=abc"},
		{text: "\x08\x01\x07", want: "protobuf.1=1\nerror read protobuf: no field at byte 2"},
		{text: "\x0a\x64" + strings.Repeat("K", 100), limits: Limits{Depth: 20}, want: "protobuf.1=" + strings.Repeat("K", 100)},
		{text: "\x08\x01\x08\x01\x08\x01", limits: Limits{Values: 2}, want: "protobuf.1=1\nprotobuf.1=1\ntoo many"},
	})
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	message := "\x0a\x04evil"
	frame := func(flag byte, s string) string { return string([]byte{flag, 0, 0, 0, byte(len(s))}) + s }
	zipped := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x06\x00\xf9\xff\x0a\x04evil\x4a\x3d\x0b\x3d\x06\x00\x00\x00"
	for _, c := range []struct{ contentType, text, want string }{
		{"application/grpc", frame(0, message) + frame(0, "\x10\x01"), "grpc.1=evil\ngrpc.2=1\n"},
		{"application/grpc-web", frame(0, message) + frame(0x80, "a: b\r\n"), "grpc.1=evil\ngrpc.trailer=a: b\r\n\n"},
		{"application/grpc-web-text", "AAAAAAYKBGV2aWw=AAAAAAIQAQ==", "grpc.1=evil\ngrpc.2=1\n"},
		{"application/grpc", frame(1, "(snappy)"), "error read gRPC: a message compressed in a way that is not known at byte 5\n"},
		{"application/grpc", frame(0, message)[:9], "grpc.1=evi"[:9] + "il\nerror"},
	} {
		got, _ := read(GRPC, c.contentType, c.text, false, Limits{})
		if strings.HasSuffix(c.want, "error") {
			if !strings.Contains(got, "grpc.1=ev\n") || !strings.Contains(got, "error ") {
				t.Errorf("%q: %q", c.text, got)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	got, r := read(GRPC, "application/grpc", frame(1, zipped), false, Limits{})
	if !strings.HasPrefix(got, "grpc.1=evil\n") {
		t.Errorf("%q", got)
	}
	if r.Reset(); len(r.Args) != 0 {
		t.Error("Reset left arguments")
	}
	if _, r = read(GRPC, "application/grpc", frame(1, zipped), false, Limits{Decoded: 3}); !r.TooMany {
		t.Error("the bound of decoded bytes was not said")
	}
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]Processor{
		"application/json; charset=utf-8": JSON, "APPLICATION/soap+XML": XML, "multipart/form-data; boundary=x": MultipartForm, "text/plain": None, "": None,
		"application/grpc+proto": GRPC, "application/grpc+json": Raw, "application/graphql": GraphQL, "application/x-protobuf": Protobuf,
		"application/x-www-form-urlencoded": URLEncoded, "application/graphql-response+json": JSON, "json": None,
	} {
		if got := ByType(contentType); got != want {
			t.Errorf("%q: %d, want %d", contentType, got, want)
		}
	}
	for text, want := range map[string]Processor{`{"a":1}`: JSON, byteOrderMark + "[]": JSON, `{"a":1`: URLEncoded, "a=1": URLEncoded, "\x00": Raw, "": Raw, "a&b&c": Raw} {
		if got := Sniff(text, false, Limits{Values: 2}); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if Sniff(`{"a":1`, true, Limits{}) != JSON {
		t.Error("a cut JSON was not taken for one")
	}
	for _, name := range []string{"json", "Multipart", "URLENCODED", "xml", "RAW", "graphql", "grpc", "protobuf"} {
		if _, ok := Lookup(name); !ok {
			t.Errorf("%s is not known", name)
		}
	}
	if _, ok := Lookup("yaml"); ok {
		t.Error("yaml is known")
	}
}

// A processing instruction has a name; parsers stop at one that has none.
func TestInstructionWithoutName(t *testing.T) {
	t.Parallel()
	for text, bad := range map[string]bool{"<??><a/>": true, "<? x?><a/>": true, "<?x?><a/>": false, "<?xml version=\"1.0\"?><a/>": false, "<?é y?><a/>": false} {
		if _, r := read(XML, "text/xml", text, false, Limits{}); (r.Error != "") != bad {
			t.Errorf("%s: error %q", text, r.Error)
		}
	}
}
