package site

import (
	"bytes"
	"net/url"
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestReadPath(t *testing.T) {
	const refused = "!"
	for _, c := range []struct{ path, strict, lenient string }{
		// One reading.
		{"/", "", ""}, {"", "", ""}, {"*", "", ""}, {"/a/b.c/d_e-f~g", "", ""}, {"/.well-known/acme-challenge/x", "", ""},
		{"/a.b.c", "", ""}, {"/a/", "", ""}, {"/%61", "", ""}, {"/caf%C3%A9", "", ""}, {"/100%25", "", ""}, {"/100%25/x", "", ""},
		{"/wiki/What%3F", "", ""}, {"/a%20b/c", "", ""}, {"/%20a", "", ""}, {"/a=b&c,d+e!$'()*@", "", ""}, {"/[x]|{y}", "", ""},
		{"/v1/jobs/7:cancel", "", ""}, {"/wiki/Talk:Rome", "", ""}, {"/wiki/St._Louis:_A_History", "", ""}, {"/File:a.jpg", "", ""},
		{"/~alice/", "", ""}, {"/pool/linux_6.1.0~1-1_amd64.deb", "", ""}, {"/a~b", "", ""}, {"/2.0~rc1", "", ""}, {"/%7e1", "", ""},
		{"/...a", "", ""}, {"/..a/b", "", ""}, {"/%F0%9F%98%80", "", ""},
		// Two: slashes merged or not.
		{"/a//b", "+", "+"}, {"/a///", "+", "+"}, {"/a/b//", "+", "+"}, {"/caf%C3%A9//x", "+", "+"},
		// Dot segments, plain and encoded.
		{"/.", "dot segment", "*"}, {"/..", "dot segment", "*"}, {"/a/./b", "dot segment", "*"}, {"/a/../b", "dot segment", "*"},
		{"/a/%2e%2e/b", "dot segment", "*"}, {"/a/.%2E", "dot segment", "*"}, {"/a/%2e/", "dot segment", "*"},
		// Trailing dots and spaces of a segment.
		{"/a./b", "dot or space", "*"}, {"/a.", "dot or space", "*"}, {"/a%2e", "dot or space", "*"}, {"/a%20", "dot or space", "*"},
		{"/a%20/b", "dot or space", "*"}, {"/.../b", "dot or space", "*"}, {"/a b", "space", "*"},
		// Separators by other names.
		{`/a\b`, "backslash", "*"}, {"/a%5cb", "encoded backslash", "*"}, {"/a%5Cb", "encoded backslash", "*"},
		{"/a%2fb", "encoded slash", "*"}, {"/a%2Fb", "encoded slash", "*"}, {"/a;b", "path parameter", "*"}, {"/a%3bb", "path parameter", "*"},
		{"/..;/a", "path parameter", "*"}, {"//a", "empty first segment", "*"}, {"//", "empty first segment", "*"},
		{"/a#b", "fragment", "*"}, {"a/b", "does not begin", "*"}, {"%2fa", "encoded slash", "*"},
		{"/a%EF%BC%8Fb", "code pages", "*"}, {"/a%EF%BC%BCb", "code pages", "*"}, {"/%EF%BC%8E%EF%BC%8E/b", "code pages", "*"},
		{"/a%C2%A5b", "code pages", "*"}, {"/a%E2%88%95b", "code pages", "*"},
		// Escapes.
		{"/a%u002fb", "%u escape", "*"}, {"/a%U2215b", "%u escape", "*"}, {"/a%", "invalid percent", "*"}, {"/a%2", "invalid percent", "*"},
		{"/a%zz", "invalid percent", "*"}, {"/%252e%252e/a", "double encoding", "*"}, {"/a%252f", "double encoding", "*"},
		{"/%25%32%65", "double encoding", "*"}, {"/a%25u002f", "double encoding", "*"}, {"/a%2%35", "invalid percent", "*"},
		// UTF-8.
		{"/%C0%AE%C0%AE/a", "invalid UTF-8", "*"}, {"/%C0%AF", "invalid UTF-8", "*"}, {"/%E0%80%AF", "invalid UTF-8", "*"},
		{"/%FF", "invalid UTF-8", "*"}, {"/%ED%A0%80", "invalid UTF-8", "*"}, {"/caf\xe9", "must be percent-encoded", "*"}, {"/café", "must be percent-encoded", "*"},
		{"/%C2%85", "control character", "*"},
		// Windows.
		{"/a.asp::$DATA", "alternate data stream", "*"}, {"/a%3a%3a$data", "alternate data stream", "*"}, {"/a:$i30:$INDEX_ALLOCATION/b", "alternate data stream", "*"},
		{"/web.config:x", "alternate data stream", "*"}, {"/a:", "alternate data stream", "*"}, {"/c:/x", "alternate data stream", "*"}, {"/con:", "alternate data stream", "*"},
		{"/PROGRA~1/x", "8.3 name", "*"}, {"/longna~1.asp", "8.3 name", "*"}, {"/AB12CD~1", "8.3 name", "*"}, {"/web~1%2econ", "8.3 name", "*"},
		{"/*~1*/.aspx", "8.3 name", "*"}, {"/a%7e1", "8.3 name", "*"},
		// Never.
		{"/a%00b", "NUL", refused}, {"/a\x00b", "NUL", refused}, {"/a%0d%0ab", "control character", refused}, {"/a\tb", "control character", refused},
		{"/a%7f", "control character", refused}, {"/..;/%00", "NUL", refused}, {"/" + strings.Repeat("a", 600) + "%00", "NUL", refused},
	} {
		check := func(policy, want string, lenient bool) {
			how, fault := readPath(c.path, lenient)
			ok := false
			switch want {
			case "":
				ok = fault == "" && how == oneReading
			case "+":
				ok = fault == "" && how == mergedSlashes
			case "*":
				ok = fault == "" && how == manyReadings
			case refused:
				ok = fault != ""
			default:
				ok = strings.Contains(fault, want)
			}
			if !ok {
				t.Errorf("%s %q: readings %d fault %q, want %q", policy, c.path, how, fault, want)
			}
		}
		check("strict", c.strict, false)
		check("lenient", c.lenient, true)
	}
}

// oneReadingOnly holds what the package promises of a path that strict sites accept against a decoder that is not ours.
func oneReadingOnly(t *testing.T, path string, how readings) {
	t.Helper()
	if path == "" || path == "*" {
		return
	}
	decoded, err := url.PathUnescape(path)
	if err != nil {
		t.Fatalf("%q was accepted: %v", path, err)
	}
	if strings.Count(decoded, "/") != strings.Count(path, "/") || strings.ContainsAny(decoded, `\;`) {
		t.Fatalf("%q was accepted: decoding it uncovers a separator", path)
	}
	if !utf8.ValidString(decoded) || strings.ContainsFunc(decoded, unicode.IsControl) {
		t.Fatalf("%q was accepted: it decodes to invalid UTF-8 or a control character", path)
	}
	if again, err := url.PathUnescape(decoded); err == nil && again != decoded {
		t.Fatalf("%q was accepted: decoding it twice yields %q", path, again)
	}
	if decoded[0] != '/' {
		t.Fatalf("%q was accepted: not absolute", path)
	}
	segments := strings.Split(decoded[1:], "/")
	for i, s := range segments {
		if strings.TrimRight(s, ". ") != s {
			t.Fatalf("%q was accepted: segment %q", path, s)
		}
		if s == "" && i < len(segments)-1 && (how != mergedSlashes || i == 0) {
			t.Fatalf("%q was accepted with %d readings: empty segment", path, how)
		}
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{
		"/", "*", "", "/a/b", "/a//b", "/a/%2e%2e/b", "/%252e", "/a;b", `/a\b`, "/a%u002e", "/PROGRA~1", "/a.asp::$DATA", "/caf%C3%A9", "/%C0%AE",
		"/upload/x", "/uplo%61d", "/%EF%BC%8F", "/a%00", "/a./b", "//a", "/a%2%35", "/%25%32%65",
	} {
		f.Add(s)
	}
	route := &Route{}
	if err := route.setPath("/upload/"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		how, fault := readPath(path, false)
		if fault == "" {
			oneReadingOnly(t, path, how)
			// The route sees what an origin sees.
			if decoded, err := url.PathUnescape(path); err == nil && route.covers(path, false, false) != strings.HasPrefix(decoded, "/upload/") {
				t.Fatalf("%q: covered %v", path, route.covers(path, false, false))
			}
		}
		if plainPath(path) {
			decoded, strict, control := decode(nil, path)
			if how, why := readDecoded(decoded); path != "" && (strict != "" || control != "" || why != "" || how != oneReading) {
				t.Fatalf("%q: the fast way accepts what the slow one refuses: %s%s%s", path, strict, control, why)
			}
		}
		howLenient, lenientFault := readPath(path, true)
		decoded, _, _ := decode(nil, path)
		switch {
		case (lenientFault != "") != bytes.ContainsFunc(decoded, func(r rune) bool { return r < 0x20 || r == 0x7f }):
			t.Fatalf("%q: lenient says %q", path, lenientFault)
		case lenientFault == "" && fault == "" && how != howLenient:
			t.Fatalf("%q: strict sees %d readings, lenient %d", path, how, howLenient)
		case lenientFault == "" && fault != "" && howLenient != manyReadings:
			t.Fatalf("%q: strict says %q, lenient sees %d readings", path, fault, howLenient)
		}
	})
}

// FuzzMatch looks for a path that gets a weak route although one of its readings lies outside of it.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"/weak/../x", "/weak/..%2fx", "/weak//..//x", "/weak%2f..%2fx", "/weak;/../x", "/weak/%252e%252e/x", "/weak/x", `/weak\..\x`, "//weak/x", "/a/..//weak"} {
		f.Add(s, "hello.test")
		f.Add(s, "A.Shop.test.:80")
	}
	tab := table(f, Config{Sites: []SiteConfig{
		{Names: []string{"hello.test"}, Root: RouteConfig{Protection: 2}, Routes: []RouteConfig{{Path: "/weak/", Protection: 0}}},
		{Names: []string{"*.shop.test"}, Path: Lenient, Root: RouteConfig{Protection: 2}, Routes: []RouteConfig{{Path: "/weak/", Protection: 0}}},
	}})
	f.Fuzz(func(t *testing.T, target, host string) {
		m, fault := tab.Match(get(host, target))
		if fault != nil || m.Policy.Protection != 0 {
			return
		}
		for _, r := range readingsOf(target) {
			clean := path.Clean(r) + "/"
			if !strings.HasPrefix(clean, "/weak/") {
				t.Fatalf("%q on %q gets the weak policy, but may be read as %q", target, host, clean)
			}
		}
	})
}

// readingsOf returns what origins make of the path of target: decoded never, once or twice, with and without path
// parameters, with backslashes for slashes. Empty segments and dot segments are for path.Clean.
func readingsOf(target string) []string {
	p, _, _ := strings.Cut(target, "?")
	once, _, _ := decode(nil, p)
	twice, _, _ := decode(nil, string(once))
	var all []string
	for _, r := range []string{p, string(once), string(twice)} {
		r = strings.ReplaceAll(r, `\`, "/")
		segments := strings.Split(r, "/")
		for i := range segments {
			segments[i], _, _ = strings.Cut(segments[i], ";")
		}
		all = append(all, r, strings.Join(segments, "/"))
	}
	return all
}
