package body

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const formType = "multipart/form-data; boundary=b"

// flags lists what is set in m.
func (m Multipart) flags() string {
	var list []string
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		if v.Field(i).Bool() {
			list = append(list, v.Type().Field(i).Name)
		}
	}
	return strings.Join(list, " ")
}

// crlf gives lines the ends that they have on the wire.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestMultipart(t *testing.T) {
	t.Parallel()
	const field = "Content-Disposition: form-data; name=\"a\""
	const shown = "head a|" + field + "\n"
	wrap := func(s string) string { return crlf("--b\n" + s + "\n--b--\n") }
	for what, c := range map[string]struct {
		contentType, text string
		partial           bool
		flags, want       string
	}{
		"field":               {text: wrap(field + "\n\nx\ny"), want: "a=x\r\ny\n" + shown},
		"empty field":         {text: wrap(field + "\n\n"), want: "a=\n" + shown},
		"no end of line last": {text: strings.TrimSuffix(wrap(field+"\n\nx"), "\r\n"), want: "a=x\n" + shown},
		"file": {text: wrap("content-disposition: form-data; name=\"a\"; filename=\"f.txt\"\ncontent-type:text/plain\n\nx"),
			want: "file a|f.txt|x||\nhead a|Content-Disposition: form-data; name=\"a\"; filename=\"f.txt\"\nhead a|Content-Type: text/plain\n"},
		"no file chosen": {text: wrap(field + "; filename=\"\"\n\n"), want: "a=\nhead a|" + field + "; filename=\"\"\n"},
		"filename*": {text: wrap(field + "; filename=\"p.txt\"; filename*=utf-8'en'%41.php\n\nx"),
			want: "file a|A.php|x|utf-8|en\nfile a|p.txt|x|utf-8|en\nhead a|" + field + "; filename=\"p.txt\"; filename*=utf-8'en'%41.php\n"},
		"quoted filename*": {text: wrap(field + "; filename*=\"utf-8''x\"\n\nx"), flags: "StrictError InvalidQuoting",
			want: "file a|x|x|utf-8|\nhead a|" + field + "; filename*=\"utf-8''x\"\n"},
		"continuation": {text: wrap(field + "; filename*0=\"x\"\n\ny"), flags: "StrictError", want: "file a|x|y||\nhead a|" + field + "; filename*0=\"x\"\n"},
		"two file names": {text: wrap(field + "; filename=\"x\"; filename=\"z\"\n\ny"), flags: "StrictError DuplicatePartHeader",
			want: "file a|x|y||\nfile a|z|y||\nhead a|" + field + "; filename=\"x\"; filename=\"z\"\n"},
		"quoted boundary":     {contentType: `multipart/form-data; boundary="b"`, text: wrap(field + "\n\nx"), flags: "BoundaryQuoted", want: "a=x\n" + shown},
		"boundary with space": {contentType: `multipart/form-data; boundary = b`, text: wrap(field + "\n\nx"), flags: "StrictError BoundaryWhitespace", want: "a=x\n" + shown},
		"boundary half quoted": {contentType: `multipart/form-data; boundary=b"`, text: crlf("--b\"\n" + field + "\n\nx\n--b\"--"), flags: "StrictError InvalidQuoting",
			want: "a=x\n" + shown},
		"two boundaries":            {contentType: `multipart/form-data; boundary=b; boundary=c`, text: wrap(field + "\n\nx"), flags: "StrictError", want: "a=x\n" + shown},
		"boundary in another word":  {contentType: `multipart/form-data; x=boundary=c; boundary=b`, text: wrap(field + "\n\nx"), flags: "StrictError", want: "a=x\n" + shown},
		"no semicolon in the type":  {contentType: `multipart/form-data boundary=b`, text: wrap(field + "\n\nx"), flags: "StrictError MissingSemicolon", want: "a=x\n" + shown},
		"no boundary":               {contentType: `multipart/form-data`, text: wrap(field), flags: "StrictError", want: "error read multipart: no boundary that can be used at byte 0\n"},
		"another type":              {contentType: `text/plain; boundary=b`, text: "x", flags: "StrictError", want: "error read multipart: the content type is another at byte 0\n"},
		"LF":                        {text: strings.ReplaceAll(wrap(field+"\n\nx"), "\r", ""), flags: "StrictError LFLine", want: "a=x\n" + shown},
		"LF and CRLF":               {text: strings.Replace(wrap(field+"\n\nx"), "\r", "", 1), flags: "StrictError CRLFLFLines LFLine", want: "a=x\n" + shown},
		"before":                    {text: "x\r\n" + wrap(field+"\n\nx"), flags: "StrictError DataBefore", want: "a=x\n" + shown},
		"behind":                    {text: wrap(field+"\n\nx") + "y", flags: "StrictError DataAfter", want: "a=x\n" + shown},
		"parts behind":              {text: wrap(field+"\n\nx") + wrap(field+"\n\ny"), flags: "StrictError DataAfter", want: "a=x\na=y\n" + shown + shown},
		"no end":                    {text: crlf("--b\n" + field + "\n\nx"), flags: "StrictError UnmatchedBoundary", want: "a=x\n" + shown},
		"cut":                       {text: crlf("--b\n" + field + "\n\nx"), partial: true, want: "a=x\n" + shown},
		"cut in the delimiter":      {text: crlf("--b\n" + field + "\n\nx\n-"), partial: true, want: "a=x\n" + shown},
		"cut in the head":           {text: crlf("--b\n" + field), partial: true, want: shown},
		"cut behind the delimiter":  {text: crlf("--b\n" + field + "\n\nx\n--b\r"), partial: true, want: "a=x\n" + shown},
		"longer than the delimiter": {text: wrap(field + "\n\nx\n--bc\ny"), flags: "StrictError UnmatchedBoundary", want: "a=x\r\n--bc\r\ny\n" + shown},
		"delimiter in a line":       {text: wrap(field + "\n\nx--b\ny"), flags: "StrictError UnmatchedBoundary", want: "a=x--b\r\ny\n" + shown},
		"padding":                   {text: crlf("--b \n" + field + "\n\nx\n--b--"), flags: "StrictError BoundaryWhitespace", want: "a=x\n" + shown},
		"folding":                   {text: wrap("Content-Disposition: form-data;\n name=\"a\"\n\nx"), flags: "StrictError HeaderFolding", want: "a=x\n" + shown},
		"folding at first": {text: wrap(" x\n" + field + "\n\nx"), flags: "StrictError HeaderFolding InvalidHeaderFolding InvalidPart",
			want: "a=x\nhead a| x\n" + shown},
		"no head":           {text: wrap("\nx"), flags: "StrictError InvalidPart", want: "=x\n"},
		"no empty line":     {text: wrap(field), flags: "StrictError InvalidPart", want: "a=\n" + shown},
		"head without name": {text: wrap(field + "\nx\n\ny"), flags: "StrictError InvalidPart", want: "a=y\n" + shown + "head a|x\n"},
		"control character": {text: wrap("Content-Disposition: form-data; name=\"a\v\"\n\ny"), flags: "StrictError InvalidPart", want: "a\v=y\nhead a\v|Content-Disposition: form-data; name=\"a\v\"\n"},
		"space in a name":   {text: wrap("Content-Disposition : form-data; name=\"a\"\n\ny"), flags: "StrictError InvalidPart", want: "a=y\nhead a|Content-Disposition : form-data; name=\"a\"\n"},
		"twice":             {text: wrap(field + "\n" + field + "\n\nx"), flags: "StrictError DuplicatePartHeader", want: "a=x\n" + shown + shown},
		"single quotes":     {text: wrap("Content-Disposition: form-data; name='a'\n\nx"), flags: "StrictError InvalidQuoting", want: "'a'=x\nhead 'a'|Content-Disposition: form-data; name='a'\n"},
		"escaped quote": {text: wrap("Content-Disposition: form-data; name=\"a\\\"\"\n\nx"), flags: "StrictError InvalidQuoting",
			want: "a\"=x\nhead a\"|Content-Disposition: form-data; name=\"a\\\"\"\n"},
		"no semicolon in a head": {text: wrap("Content-Disposition: form-data; name=\"a\" filename=\"f\"\n\nx"), flags: "StrictError InvalidQuoting MissingSemicolon",
			want: "file a|f|x||\nhead a|Content-Disposition: form-data; name=\"a\" filename=\"f\"\n"},
		"no form-data": {text: wrap("Content-Disposition: attachment; name=\"a\"\n\nx"), flags: "StrictError", want: "a=x\nhead a|Content-Disposition: attachment; name=\"a\"\n"},
		"nested":       {text: wrap(field + "\nContent-Type: multipart/mixed; boundary=c\n\nx"), flags: "StrictError", want: "a=x\n" + shown + "head a|Content-Type: multipart/mixed; boundary=c\n"},
		"base64":       {text: wrap(field + "\nContent-Transfer-Encoding: base64\n\nPHg+"), want: "a=PHg+\na=<x>\n" + shown + "head a|Content-Transfer-Encoding: base64\n"},
		"quoted-printable": {text: wrap(field + "\nContent-Transfer-Encoding: Quoted-Printable\n\n=3Cx=\n>"),
			want: "a==3Cx=\r\n>\na=<x>\n" + shown + "head a|Content-Transfer-Encoding: Quoted-Printable\n"},
		"unknown encoding": {text: wrap(field + "\nContent-Transfer-Encoding: x\n\ny"), flags: "StrictError", want: "a=y\n" + shown + "head a|Content-Transfer-Encoding: x\n"},
	} {
		if c.contentType == "" {
			c.contentType = formType
		}
		got, r := read(MultipartForm, c.contentType, c.text, c.partial, Limits{})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", what, d)
		}
		if flags := r.Multipart.flags(); flags != c.flags {
			t.Errorf("%s: flags %q, want %q", what, flags, c.flags)
		}
	}
}

func TestMultipartBounds(t *testing.T) {
	t.Parallel()
	one := crlf("--b\nContent-Disposition: form-data; name=a\n\nx\n")
	file := crlf("--b\nContent-Disposition: form-data; name=a; filename=f\n\nx\n")
	_, r := read(MultipartForm, formType, strings.Repeat(one, 3)+"--b--", false, Limits{Values: 2})
	if len(r.Args) != 2 || !r.TooMany {
		t.Errorf("%d arguments, %v", len(r.Args), r.TooMany)
	}
	_, r = read(MultipartForm, formType, strings.Repeat(file, 3)+"--b--", false, Limits{Files: 2})
	if len(r.Files) != 2 || !r.TooMany || !r.Multipart.FileLimitExceeded || !r.Multipart.StrictError {
		t.Errorf("%d files, %v", len(r.Files), r.Multipart)
	}
	_, r = read(MultipartForm, formType, "--b\r\n"+strings.Repeat("a: b\r\n", 9)+"\r\n\r\n--b--", false, Limits{Values: 5})
	if len(r.PartHeaders) != 5 || !r.TooMany {
		t.Errorf("%d lines of heads", len(r.PartHeaders))
	}
}
