package audit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/audit"
)

// shownBody is what part C shows of a body.
func shownBody(t *testing.T, body, mime string, limit int) (shown string, args map[string][]string) {
	t.Helper()
	x := clean()
	x.Request.Query, x.Request.HasQuery = "", false
	x.Request.Header = exchange.Header{{Name: "Content-Type", Value: mime}}
	x.WAF.Audit.RequestBody = body[:min(len(body), limit)]
	var r struct {
		Transaction struct {
			Request struct {
				Body string
				Args map[string][]string
			}
		}
	}
	l := open(t, audit.Config{When: "all", Parts: "ACZ", Body: limit})
	if err := json.Unmarshal(l.Append(nil, x), &r); err != nil {
		t.Fatal(err)
	}
	return r.Transaction.Request.Body, r.Transaction.Request.Args
}

func TestBodies(t *testing.T) {
	const form, doc, multi = "application/x-www-form-urlencoded", "application/json; charset=utf-8", "multipart/form-data; boundary=B"
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
	hidden := "[a body that is no form, multipart or JSON is not shown]"
	for _, c := range []struct{ body, mime, want string }{
		{"", form, ""},
		{"a=1&b=%41&c", form, "a=1&b=%41&c"},
		{"user=me&pass%77ord=hunter2&x=", form, "user=me&pass%77ord=[masked 7 bytes]&x="},
		{"note=" + jwt, form, "note=[masked 41 bytes]"},
		{`{"password":"hunter2"}`, form, `{"password":"[masked 9 bytes]"}`}, // not what it says it is
		{`{"a":1,"password": "hun\"ter2" ,"b":[true,{"token":{"x":[1,"}"]}}]}`, doc, `{"a":1,"password": "[masked 11 bytes]" ,"b":[true,{"token":"[masked 13 bytes]"}]}`},
		{`{"p\u0061ssword":"hunter2","pin":1234}`, doc, `{"p\u0061ssword":"[masked 9 bytes]","pin":"[masked 4 bytes]"}`},
		{`{password:'hunter2',"sess` + `ion":[1]}`, doc, `{password:"[masked 9 bytes]","session":"[masked 3 bytes]"}`},
		{`{"a":"` + jwt + `"}`, doc, `{"a":"[masked 41 bytes]"}`},
		{`{"password":"hunter2`, doc, `{"password":"[masked 8 bytes]"`}, // broken off
		{`[1, 2`, "text/plain", `[1, 2`},
		{"<password>hunter2</password>", "text/xml", hidden}, {"password: hunter2", "text/plain", hidden}, {"hunter2", doc, hidden}, {"\x00", "", hidden},
		{"--B\r\nContent-Disposition: form-data; name=a\r\n\r\n1 2\r\n--B\r\nContent-Disposition: form-data; name=pin\r\n\r\n1234\r\n--B--\r\n", multi, "a=1+2&pin=[masked 4 bytes]"},
		{"{\r\n--B\r\nContent-Disposition: form-data; name=pin\r\n\r\n1234\r\n--B--\r\n", multi, "pin=[masked 4 bytes]"},
	} {
		if got, _ := shownBody(t, c.body, c.mime, 1<<20); got != c.want {
			t.Errorf("%s %q:\n got %q\nwant %q", c.mime, c.body, got, c.want)
		}
	}
	_, args := shownBody(t, "a=%31&a=2&password=hunter2", form, 1<<20)
	if len(args) != 2 || len(args["a"]) != 2 || args["a"][0] != "1" || args["password"][0] != "[masked 7 bytes]" {
		t.Errorf("%v", args)
	}
}

// Wherever a body is cut, no part of a secret that is known by its name or its form remains.
func TestCutBodies(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
	for mime, body := range map[string]string{
		"application/x-www-form-urlencoded":   "first=1&note=" + jwt + "&password=hunter2&last=1",
		"application/json":                    `{"first":[1,2],"note":"` + jwt + `","password":"hunter2","last":{"x":1}}`,
		"multipart/form-data; boundary=B":     "--B\r\nContent-Disposition: form-data; name=first\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=note\r\n\r\n" + jwt + "\r\n--B--\r\n",
		"multipart/form-data; boundary=\"B\"": "--B\r\nContent-Disposition: form-data; name=first\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=password\r\n\r\nhunter2\r\n--B--\r\n",
	} {
		most := ""
		for n := 1; n <= len(body); n++ {
			got, _ := shownBody(t, body, mime, n)
			if strings.Contains(got, "eyJ") || strings.Contains(got, "hu") {
				t.Errorf("%s cut at %d: %q", mime, n, got)
			}
			if len(got) > len(most) {
				most = got
			}
		}
		if !strings.Contains(most, "first") || !strings.HasSuffix(most, "…") {
			t.Errorf("%s: at most %q is shown", mime, most)
		}
	}
}
