package body

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/google/go-cmp/cmp"
)

// seen is what a body or a field comes to, in an order that depends on nothing but the values.
type seen struct {
	Args, Files, FileNames, Sizes, Heads, Names, Texts, Attributes []string
	Error, TooMany                                                 bool
}

// oracle has Coraza read requests.
type oracle struct{ waf coraza.WAF }

func newOracle(tb testing.TB) oracle {
	tb.Helper()
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRequestBodyAccess().WithDirectives("SecArgumentsLimit 100000\nSecRequestBodyJsonDepthLimit 256"))
	if err != nil {
		tb.Fatal(err)
	}
	return oracle{waf}
}

func list(c collection.Collection, named bool) (all []string) {
	for _, d := range c.FindAll() {
		v := d.Value()
		if named {
			v = strings.ToLower(d.Key()) + "=" + v
		}
		all = append(all, strings.Clone(v))
	}
	slices.Sort(all)
	return all
}

// xmlList gives what one of the two collections of XML holds.
func xmlList(c collection.Map, key string) []string {
	all := slices.Clone(c.Get(key))
	slices.Sort(all)
	return all
}

func (o oracle) read(tb testing.TB, processor, contentType, text string) seen {
	tb.Helper()
	tx := o.waf.NewTransaction()
	defer tx.Close()
	v := tx.(plugintypes.TransactionState).Variables()
	tx.ProcessURI("/", "POST", "HTTP/1.1")
	tx.AddRequestHeader("Content-Type", contentType)
	tx.ProcessRequestHeaders()
	v.RequestBodyProcessor().(interface{ Set(string) }).Set(processor)
	if _, _, err := tx.WriteRequestBody([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if _, err := tx.ProcessRequestBody(); err != nil {
		tb.Fatal(err)
	}
	return seen{
		Args: list(v.ArgsPost(), true), Files: list(v.Files(), false), FileNames: list(v.FilesNames(), false), Sizes: list(v.FilesSizes(), true),
		Heads: list(v.MultipartPartHeaders(), true), Names: list(v.MultipartName(), false),
		Texts: xmlList(v.RequestXML(), "/*"), Attributes: xmlList(v.RequestXML(), "//@*"),
		Error:   v.RequestBodyError().Get() == "1" || v.MultipartStrictError().Get() == "1",
		TooMany: v.ArgumentsLimitReached().Get() == "1",
	}
}

func fields(all []Field) (out []string) {
	for _, f := range all {
		out = append(out, strings.ToLower(f.Name)+"="+f.Value)
	}
	slices.Sort(out)
	return out
}

// ours is what r holds, in the form of seen.
func ours(r *Result) seen {
	s := seen{Args: fields(r.Args), Heads: fields(r.PartHeaders), Texts: slices.Clone(r.Texts), Attributes: slices.Clone(r.Attributes),
		Error: r.Error != "" || r.Multipart.StrictError, TooMany: r.TooMany}
	sizes := map[string]int{} // of files of one name, Coraza keeps the last one's
	for _, f := range r.Files {
		s.Files = append(s.Files, f.Name)
		sizes[strings.ToLower(f.Name)] = len(f.Content)
		if !f.Alternative {
			s.FileNames = append(s.FileNames, f.Field)
		}
	}
	for _, f := range r.PartNames {
		s.Names = append(s.Names, f.Value)
	}
	for name, size := range sizes {
		s.Sizes = append(s.Sizes, fmt.Sprintf("%s=%d", name, size))
	}
	for _, l := range []*[]string{&s.Files, &s.FileNames, &s.Sizes, &s.Names, &s.Texts, &s.Attributes} {
		slices.Sort(*l)
	}
	return s
}

// same compares what well-formed bodies come to.
func (o oracle) same(t *testing.T, p Processor, name, contentType, text string) {
	t.Helper()
	want := o.read(t, name, contentType, text)
	_, r := read(p, contentType, text, false, Limits{Values: 100_000})
	if d := cmp.Diff(want, ours(r)); d != "" {
		t.Errorf("%s %q: -Coraza +ours %s", name, text, d)
	}
}

const rounds = 400

// word gives a piece of text that some format may trip over.
func word(r *rand.Rand) string {
	all := []string{"a", "B", "", " ", "%41", "%4", "%zz", "+", "=", "1", "é", "😀", "select", "x.y", "0", "'", ";", "<b>", "&amp;", "\t", "%", "\x01", "🎈z"}
	return all[r.IntN(len(all))]
}

func words(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(word(r))
	}
	return b.String()
}

func TestSameForms(t *testing.T) {
	t.Parallel()
	o, rnd := newOracle(t), rand.New(rand.NewPCG(1, 2))
	for range rounds {
		var pairs []string
		for range rnd.IntN(5) {
			pairs = append(pairs, words(rnd)+[]string{"=", ""}[rnd.IntN(2)]+words(rnd))
		}
		if text := strings.Join(pairs, "&"); text != "" {
			o.same(t, URLEncoded, "URLENCODED", "application/x-www-form-urlencoded", text)
		}
	}
}

func TestSameCookies(t *testing.T) {
	t.Parallel()
	o, rnd := newOracle(t), rand.New(rand.NewPCG(1, 3))
	for range rounds {
		var pairs []string
		for range rnd.IntN(5) {
			pairs = append(pairs, words(rnd)+[]string{"=", ""}[rnd.IntN(2)]+words(rnd))
		}
		text := strings.Join(pairs, ";")
		tx := o.waf.NewTransaction()
		tx.AddRequestHeader("Cookie", text)
		var r Result
		got, _ := r.Cookies(nil, text, 0)
		if d := cmp.Diff(list(tx.(plugintypes.TransactionState).Variables().RequestCookies(), true), fields(got)); d != "" {
			t.Errorf("%q: -Coraza +ours %s", text, d)
		}
		tx.Close()
	}
}

// jsonText writes a value of JSON that is well-formed, without empty objects and arrays, which Coraza drops.
func jsonText(b *strings.Builder, r *rand.Rand, depth int) {
	quoted := func() {
		all := []string{`"a"`, `""`, `"x.y"`, `"\u0041\n\"\\"`, `"\ud83d\ude00"`, `"\ud800x"`, `"é<script>"`, `"query"`, `"A"`}
		b.WriteString(all[r.IntN(len(all))])
	}
	space := func() { b.WriteString([]string{"", "", " ", "\n\t"}[r.IntN(4)]) }
	space()
	defer space()
	kind := r.IntN(4)
	if depth == 0 {
		kind += 2
	}
	switch kind {
	case 0, 1:
		b.WriteString([]string{"{", "["}[kind])
		for i := range 1 + r.IntN(3) {
			if i > 0 {
				b.WriteString(",")
			}
			if space(); kind == 0 {
				quoted()
				space()
				b.WriteString(":")
			}
			jsonText(b, r, depth-1)
		}
		b.WriteString([]string{"}", "]"}[kind])
	case 2:
		quoted()
	default:
		b.WriteString([]string{"0", "-1.5e+3", "true", "false", "null", "12E2"}[r.IntN(6)])
	}
}

func TestSameJSON(t *testing.T) {
	t.Parallel()
	o, rnd := newOracle(t), rand.New(rand.NewPCG(1, 4))
	for range rounds {
		var b strings.Builder
		jsonText(&b, rnd, 4)
		o.same(t, JSON, "JSON", "application/json", b.String())
	}
	for _, text := range []string{`{"a":1}{`, `[1,]`, `{"a"`, `tru`, `"`, `{"a":1]`, `01`} { // what is read until then may differ
		if want := o.read(t, "JSON", "application/json", text); !want.Error {
			t.Errorf("%q: Coraza has no error", text)
		}
		if _, r := read(JSON, "", text, false, Limits{}); r.Error == "" {
			t.Errorf("%q: no error", text)
		}
	}
}

func xmlText(b *strings.Builder, r *rand.Rand, depth int) {
	name := []string{"a", "b:c", "é"}[r.IntN(3)]
	value := func() string {
		return []string{"", " x ", "1 &lt; 2", "&#65;&#x42;", "é\r\nz\rq", "&amp;amp;", "'", " x"}[r.IntN(8)]
	}
	b.WriteString("<" + name)
	for i := range r.IntN(3) {
		fmt.Fprintf(b, " n%d = \"%s\"", i, value())
	}
	if r.IntN(5) == 0 {
		b.WriteString(" />")
		return
	}
	b.WriteString(">")
	for range r.IntN(4) {
		b.WriteString(value())
		switch r.IntN(5) {
		case 0:
			b.WriteString("<!-- c -->")
		case 1:
			b.WriteString("<![CDATA[ <x>&lt;\r\n ]]>")
		case 2:
			b.WriteString("<?pi x?>")
		default:
			if depth > 0 {
				xmlText(b, r, depth-1)
			}
		}
	}
	b.WriteString("</" + name + " >")
}

func TestSameXML(t *testing.T) {
	t.Parallel()
	o, rnd := newOracle(t), rand.New(rand.NewPCG(1, 5))
	for range rounds {
		var b strings.Builder
		b.WriteString([]string{"", "<?xml version=\"1.0\" encoding='UTF-8'?>\n", "<!DOCTYPE a>"}[rnd.IntN(3)])
		xmlText(&b, rnd, 4)
		o.same(t, XML, "XML", "text/xml", b.String())
	}
}

func TestSameMultipart(t *testing.T) {
	t.Parallel()
	o, rnd := newOracle(t), rand.New(rand.NewPCG(1, 6))
	pick := func(all ...string) string { return all[rnd.IntN(len(all))] }
	for range rounds {
		var b strings.Builder
		boundary := pick("b", "----WebKitFormBoundaryX", "a.b_c-d")
		for range 1 + rnd.IntN(4) {
			b.WriteString("--" + boundary + "\r\n")
			b.WriteString(pick("Content-Disposition", "content-disposition", "CONTENT-DISPOSITION") + pick(": ", ":") + "form-data; ")
			b.WriteString(pick(`name="a"`, `name=B`, `name="é 1"`, `name=""`, `NAME="x;y"`))
			b.WriteString(pick("", "", `; filename="f.txt"`, `; filename="C:\dir\f"`, `; filename=""`, `; filename*=utf-8'en'%41`, `; filename="p"; filename*=iso-8859-1''q%e9`))
			b.WriteString(pick("\r\n", "\r\nContent-Type: text/plain\r\n", "\r\ncontent-type:image/png; x=1\r\nX-a:  b \r\n"))
			b.WriteString("\r\n" + pick("", "x", "line\r\nline", "\r\n", "-", "--", "\x00\xff", words(rnd)) + "\r\n")
		}
		b.WriteString("--" + boundary + "--" + pick("", "\r\n"))
		o.same(t, MultipartForm, "MULTIPART", pick("multipart/form-data; boundary=", "Multipart/Form-Data;boundary=")+pick(boundary, `"`+boundary+`"`), b.String())
	}
}

// TestStricter holds the differences that docs/rules-bodies.md lists: what Coraza takes in silence and is refused here.
func TestStricter(t *testing.T) {
	t.Parallel()
	o := newOracle(t)
	const head = "Content-Disposition: form-data; name=\"a\""
	for what, c := range map[string]struct {
		p          Processor
		name, text string
	}{
		"LF":              {MultipartForm, "MULTIPART", "--b\n" + head + "\n\nx\n--b--\n"},
		"before":          {MultipartForm, "MULTIPART", "x\r\n--b\r\n" + head + "\r\n\r\nx\r\n--b--\r\n"},
		"behind":          {MultipartForm, "MULTIPART", "--b\r\n" + head + "\r\n\r\nx\r\n--b--\r\ny"},
		"folding":         {MultipartForm, "MULTIPART", "--b\r\nContent-Disposition: form-data;\r\n name=\"a\"\r\n\r\nx\r\n--b--\r\n"},
		"escaped quote":   {MultipartForm, "MULTIPART", "--b\r\nContent-Disposition: form-data; name=\"a\\\"\"\r\n\r\nx\r\n--b--\r\n"},
		"unclosed":        {XML, "XML", "<a>"},
		"bare ampersand":  {XML, "XML", "<a>a & b</a>"},
		"no quotes":       {XML, "XML", "<a b=c/>"},
		"two roots":       {XML, "XML", "<a/><b/>"},
		"entity declared": {XML, "XML", "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"},
	} {
		contentType := formType
		if o.read(t, c.name, contentType, c.text).Error {
			t.Errorf("%s: Coraza refuses it too", what)
		}
		_, r := read(c.p, contentType, c.text, false, Limits{})
		if !ours(r).Error {
			t.Errorf("%s: it was taken", what)
		}
	}
}
