package differential_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/rules/body"
)

// reading is how ours reads the body of r, by a processor that Coraza knows too.
func reading(r *request, p body.Processor) *body.Result {
	var out body.Result
	limits := body.Limits{}
	if p == body.URLEncoded {
		limits.Values = 3000
	}
	out.Process(p, r.header.Get("Content-Type"), r.body, false, limits)
	return &out
}

// reread gives v what ours reads in the body.
func reread(v plugintypes.TransactionVariables, r *request) {
	name := v.RequestBodyProcessor().Get()
	p, _ := body.Lookup(name)
	b := reading(r, p)
	flag := func(c any, on bool) {
		value := "0"
		if on {
			value = "1"
		}
		set(c, value)
	}
	flag(v.RequestBodyError(), b.Error != "")
	flag(v.RequestBodyProcessorError(), b.Error != "")
	flag(v.MultipartStrictError(), b.Multipart.StrictError)
	flag(v.UrlencodedError(), b.InvalidEscape)
	for _, c := range []any{v.ArgsPost(), v.RequestXML(), v.Files(), v.FilesNames(), v.FilesSizes(), v.MultipartName(), v.MultipartFilename(), v.MultipartPartHeaders()} {
		if m, ok := c.(interface{ Reset() }); ok {
			m.Reset()
		}
	}
	for _, f := range b.Args {
		v.ArgsPost().Add(f.Name, f.Value)
	}
	for _, s := range b.Texts {
		v.RequestXML().Add("/*", s)
	}
	for _, s := range b.Attributes {
		v.RequestXML().Add("//@*", s)
	}
	if p == body.JSON {
		v.TX().Set("json_request_body", []string{r.body})
	}
	if p == body.MultipartForm {
		rereadParts(v, b)
	}
}

func rereadParts(v plugintypes.TransactionVariables, b *body.Result) {
	total := 0
	for _, f := range b.Args {
		total += len(f.Value)
	}
	for _, f := range b.PartHeaders {
		v.MultipartPartHeaders().Add(f.Name, f.Value)
	}
	for _, f := range b.PartNames {
		v.MultipartName().Add(f.Name, f.Value)
	}
	for _, f := range b.Files {
		v.Files().Add("", f.Name)
		v.FilesSizes().Add(f.Name, strconv.Itoa(len(f.Content)))
		v.MultipartFilename().Add(f.Field, f.Name)
		if !f.Alternative {
			v.FilesNames().Add("", f.Field)
			total += len(f.Content)
		}
	}
	set(v.FilesCombinedSize(), strconv.Itoa(total))
}

// reads returns a predicate of requests whose body is read by p, of which f has to hold besides.
func reads(p body.Processor, f func(r *request) bool) func(*request, body.Processor) bool {
	return func(r *request, by body.Processor) bool { return r.body != "" && by == p && f(r) }
}

// stricter returns a predicate of multipart bodies with some flag.
func stricter(f func(m *body.Multipart) bool) func(*request, body.Processor) bool {
	return reads(body.MultipartForm, func(r *request) bool {
		m := reading(r, body.MultipartForm).Multipart
		return f(&m)
	})
}

const formData = "multipart/form-data; boundary=b"

func partOf(head string) string {
	return "--b\r\nContent-Disposition: form-data; " + head + "\r\n\r\nx\r\n--b--\r\n"
}

// bodyRows are about how bodies are read; docs/rules-bodies.md has the reasons.
func bodyRows() []row {
	list := []row{
		{
			name: "names of a form that differ in case", coraza: "keeps the values of one of the names and drops the others", right: "ours: nothing that an origin sees may be dropped",
			on: reads(body.URLEncoded, foldedNames), example: example("POST", "application/x-www-form-urlencoded", "a=1&A=2"),
		},
		{
			name: "URLENCODED_ERROR", coraza: "is never 1", right: "ours: the manual says that it is set when a % is not followed by two hexadecimal digits",
			on:      reads(body.URLEncoded, func(r *request) bool { return reading(r, body.URLEncoded).InvalidEscape }),
			example: example("POST", "application/x-www-form-urlencoded", "a=%zz"),
		},
		{
			name: "JSON that is none", coraza: "shows what its parser guesses, and leaves TX:json_request_body unset", right: "both: it is refused; ours shows what stands before the fault",
			on:      reads(body.JSON, func(r *request) bool { return !json.Valid([]byte(r.body)) }),
			example: example("POST", "application/json", `{"a":"1`),
		},
		{
			name: "empty objects and arrays of JSON", coraza: "drops them, their names too", right: "ours: a name can be an attack",
			on:      reads(body.JSON, hasEmpty),
			example: example("POST", "application/json", `{"a":{}}`),
		},
		{
			name: "GraphQL in JSON", coraza: "shows the document as a text alone", right: "ours: Coraza knows no GraphQL",
			on:      reads(body.JSON, func(r *request) bool { return reading(r, body.JSON).GraphQL != body.GraphQLShape{} }),
			example: example("POST", "application/json", `{"query":"{ user(id: 1) { name } }"}`),
		},
		{
			name: "XML that is not well-formed", coraza: "often takes it in silence, and shows nothing once it sees an error", right: "ours: parsers differ in what they read there",
			on:      reads(body.XML, func(r *request) bool { return reading(r, body.XML).Error != "" && !wellFormed(r.body) }),
			example: example("POST", "text/xml", "<a>"),
		},
		{
			name: "XML of another version", coraza: "refuses all but version 1.0", right: "ours: XML 1.0 section 2.8 asks parsers to read 1.x, most read any, and all of it is shown to rules",
			on:      reads(body.XML, otherVersion),
			example: example("POST", "text/xml", `<?xml version="1.1"?><a>b</a>`),
		},
	}
	list = append(list, row{
		name: "sizes of files with one name", coraza: "FILES_SIZES holds the last one's alone", right: "ours: each file has a size",
		on:      reads(body.MultipartForm, sameNames),
		example: example("POST", formData, strings.TrimSuffix(partOf(`name="a"; filename="f"`), "--b--\r\n")+partOf(`name="b"; filename="f"`)),
	})
	for _, m := range []struct {
		name, coraza string
		has          func(m *body.Multipart) bool
		kind, text   string
	}{
		{"LF lines", "takes them", func(m *body.Multipart) bool { return m.LFLine }, formData, strings.ReplaceAll(partOf(`name="a"`), "\r", "")},
		{"text before", "leaves it out", func(m *body.Multipart) bool { return m.DataBefore }, formData, "x\r\n" + partOf(`name="a"`)},
		{"text behind", "leaves it out", func(m *body.Multipart) bool { return m.DataAfter }, formData, partOf(`name="a"`) + "y"},
		{"unmatched boundary", "takes it for content", func(m *body.Multipart) bool { return m.UnmatchedBoundary && !m.DataAfter }, formData, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx--b y\r\n--b--\r\n"},
		{"folded head", "joins the lines", func(m *body.Multipart) bool { return m.HeaderFolding }, formData, partOf("\r\n name=\"a\"")},
		{"invalid part", "takes it, or stops reading", func(m *body.Multipart) bool { return m.InvalidPart && !m.HeaderFolding }, formData, "--b\r\nX-A: b\r\n\r\nx\r\n--b--\r\n"},
		{"invalid quoting", "takes some", func(m *body.Multipart) bool { return m.InvalidQuoting && !m.InvalidPart }, formData, partOf(`name="a\""`)},
		{"missing semicolon", "refuses it, and reads nothing", func(m *body.Multipart) bool { return m.MissingSemicolon }, "multipart/form-data boundary=b", partOf(`name="a"`)},
		{"other heads", "takes them, or refuses them", func(m *body.Multipart) bool {
			return m.StrictError && !(m.LFLine || m.DataBefore || m.DataAfter || m.UnmatchedBoundary || m.HeaderFolding || m.InvalidPart || m.InvalidQuoting || m.MissingSemicolon)
		}, formData, "--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--b--\r\n"},
	} {
		list = append(list, row{
			name: "multipart: " + m.name, coraza: m.coraza, right: "ours: parsers differ, so that it is refused; see docs/rules-bodies.md",
			on: stricter(m.has), example: example("POST", m.kind, m.text),
		})
	}
	for i := range list {
		list[i].body = reread
	}
	return list
}

// foldedNames reports whether a form has two names that are one regardless of case.
func foldedNames(r *request) bool {
	seen := map[string]string{}
	for _, f := range reading(r, body.URLEncoded).Args {
		l := strings.ToLower(f.Name)
		if other, ok := seen[l]; ok && other != f.Name {
			return true
		}
		seen[l] = f.Name
	}
	return false
}

// sameNames reports whether two files of a form have the same name.
func sameNames(r *request) bool {
	seen := map[string]bool{}
	for _, f := range reading(r, body.MultipartForm).Files {
		l := strings.ToLower(f.Name)
		if seen[l] {
			return true
		}
		seen[l] = true
	}
	return false
}

// hasEmpty reports whether a JSON text holds an empty object or array within another, also in one of two members with the same name.
func hasEmpty(r *request) bool {
	d := json.NewDecoder(strings.NewReader(r.body))
	depth, opened := 0, false
	for {
		t, err := d.Token()
		if err != nil {
			return false
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
			opened = true
			continue
		case json.Delim('}'), json.Delim(']'):
			if depth--; opened && depth > 0 {
				return true
			}
		}
		opened = false
	}
}

// otherVersion reports whether an XML text says that it is of another version than 1.0.
func otherVersion(r *request) bool {
	m := regexp.MustCompile(`^\s*<\?xml\s[^?]*?version\s*=\s*["']([^"']*)["']`).FindStringSubmatch(r.body)
	return len(m) == 2 && m[1] != "1.0"
}

// wellFormed reports whether the standard library finds nothing wrong with an XML text, and one root in it. Of characters that XML does not have it
// overlooks those in processing instructions.
func wellFormed(s string) bool {
	if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' && c != '\n' && c != '\r' }) {
		return false
	}
	d := xml.NewDecoder(strings.NewReader(s))
	depth, roots := 0, 0
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return depth == 0 && roots == 1
		}
		if err != nil {
			return false
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(string(t)) != "" {
				return false
			}
		}
	}
}
