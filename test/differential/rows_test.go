package differential_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/body"
)

// image is everything that mends may change.
func image(v plugintypes.TransactionVariables) string {
	var b strings.Builder
	for _, c := range []collection.Single{v.InboundDataError(), v.MultipartStrictError(), v.RequestBodyLength(), v.RequestBodyError(), v.UrlencodedError(), v.FilesCombinedSize()} {
		fmt.Fprintf(&b, "%q ", c.Get())
	}
	for _, c := range []collection.Map{v.ArgsPost(), v.Files(), v.FilesNames(), v.FilesSizes(), v.RequestXML(), v.MultipartName(), v.MultipartFilename(), v.MultipartPartHeaders()} {
		var all []string
		for _, d := range c.FindAll() {
			all = append(all, fmt.Sprintf("%q=%q", d.Key(), d.Value()))
		}
		slices.Sort(all)
		fmt.Fprintf(&b, "%v ", all)
	}
	fmt.Fprintf(&b, "%q", v.TX().Get("json_request_body"))
	return b.String()
}

func example(method, kind, body string) *request {
	r := &request{name: "example", method: method, target: "/", body: body, header: exchange.Header{{Name: "Host", Value: "shop.test"}}}
	if kind != "" {
		r.header.Add("Content-Type", kind)
	}
	return r
}

// variableRows are about variables that are no values of a body.
func variableRows() []row {
	return []row{
		{
			name: "flags begin with 0", coraza: "INBOUND_DATA_ERROR and MULTIPART_STRICT_ERROR are empty until something sets them",
			right: "ours: the manual knows 0 and 1 (MULTIPART_STRICT_ERROR \"equals 1 when …\"), and @eq 0 is how rules ask",
			start: func(v plugintypes.TransactionVariables, _ *request) {
				set(v.InboundDataError(), "0")
				set(v.MultipartStrictError(), "0")
			},
			example: example("GET", "", ""),
		},
		{
			name: "REQUEST_BODY_LENGTH", coraza: "it is 0 unless the body is a form or raw",
			right: "ours: the manual says the number of raw bytes of the body",
			on:    func(r *request, _ body.Processor) bool { return r.body != "" },
			body: func(v plugintypes.TransactionVariables, r *request) {
				set(v.RequestBodyLength(), strconv.Itoa(len(r.body)))
			},
			example: example("POST", "application/json", `{"a":1}`),
		},
	}
}

// markerRow is mended where markers are passed, see markers.
const markerRow = "MATCHED_VAR behind a SecMarker"

// actionRows are about rules that Coraza reads in another way.
func actionRows() []row {
	asking := example("GET", "", "")
	asking.target = "/?q=1"
	return []row{
		{
			name: "setvar that removes", coraza: "panics at setvar:!tx.n, because there is no value to expand", right: "ours: the manual has this form",
			text: func(s string) string {
				return regexp.MustCompile(`(setvar:'?!tx\.\w+)([',"])`).ReplaceAllString(s, "$1=0$2")
			},
			rules:   `SecAction "id:100,phase:1,nolog,pass,setvar:tx.n=1,setvar:tx.m=1,setvar:!tx.n"` + "\n",
			example: example("GET", "", ""),
		},
		{
			name: "multiMatch where nothing changed", coraza: "looks at the value again after some transformations that say they changed it, such as length of 1 and hexEncode of nothing",
			right: "ours: the manual says that multiMatch looks again after what changes the value",
			text: func(s string) string {
				lines := strings.Split(s, "\n")
				for i, l := range lines {
					if strings.Contains(l, "multiMatch") {
						lines[i] = mendedFiles{claimRows()}.replace(l)
					}
				}
				return strings.Join(lines, "\n")
			},
			rules:   `SecRule ARGS "@rx 1" "id:100,phase:1,nolog,pass,multiMatch,t:length"` + "\n",
			example: asking,
		},
		{
			name: markerRow, coraza: "sets MATCHED_VAR to nothing and its name to UNKNOWN",
			right:   "ours: a marker is no rule that matches",
			rules:   `SecRule ARGS "@rx ." "id:100,phase:1,nolog,pass"` + "\nSecMarker HERE\n" + `SecRule MATCHED_VAR "@rx ." "id:101,phase:1,nolog,pass"` + "\n",
			example: asking,
		},
		{
			name: "macros of redirect", coraza: "sends the client to a place with %{…} in its name", right: "ours: the manual expands macros in every action that has a value, and ModSecurity does so here",
			location: func(v plugintypes.TransactionVariables, s string) string {
				return regexp.MustCompile(`%\{TX\.(\w+)\}`).ReplaceAllStringFunc(s, func(m string) string {
					if list := v.TX().Get(strings.ToLower(m[len("%{TX.") : len(m)-1])); len(list) > 0 {
						return list[0]
					}
					return m[len("%{") : len(m)-1]
				})
			},
			rules:   `SecAction "id:100,phase:1,nolog,setvar:tx.n=1,redirect:'http://x.test/%{TX.n}'"` + "\n",
			example: example("GET", "", ""),
		},
	}
}

// transformationRows are about transformations, which mended are those that the row says.
func transformationRows() []row {
	query := func(target string) *request {
		r := example("GET", "", "")
		r.target = target
		return r
	}
	return []row{
		{
			name: "lowercase of bytes that are no UTF-8", coraza: "each becomes U+FFFD",
			right: "ours: the manual says that letters change and nothing else", transformation: "lowercase",
			rules:   `SecRule ARGS "@rx a" "id:100,phase:1,nolog,pass,t:lowercase"` + "\n",
			example: query("/?q=%FFA"),
		},
		{
			name: "uppercase of bytes that are no UTF-8", coraza: "each becomes U+FFFD",
			right: "ours: as for lowercase", transformation: "uppercase",
			rules:   `SecRule ARGS "@rx A" "id:100,phase:1,nolog,pass,t:uppercase"` + "\n",
			example: query("/?q=%FFa"),
		},
		{
			name: "removeWhitespace of bytes that are no UTF-8", coraza: "each becomes U+FFFD",
			right: "ours: the manual says that white space goes, and ModSecurity drops the byte A0, the space of Latin-1, too", transformation: "removeWhitespace",
			rules:   `SecRule ARGS "@rx ab" "id:100,phase:1,nolog,pass,t:removeWhitespace"` + "\n",
			example: query("/?q=%FFa%A0b"),
		},
		{
			name: "normalizePath of the root", coraza: "gives // for /",
			right: "ours: the manual says that multiple slashes are removed", transformation: "normalizePath",
			rules:   `SecRule REQUEST_FILENAME "@rx ^/" "id:100,phase:1,nolog,pass,t:normalizePath"` + "\n",
			example: query("/"),
		},
		{
			name: "normalizePathWin of the root", coraza: "gives // for /",
			right: "ours: as for normalizePath", transformation: "normalizePathWin",
			rules:   `SecRule REQUEST_FILENAME "@rx ^/" "id:100,phase:1,nolog,pass,t:normalizePathWin"` + "\n",
			example: query("/"),
		},
	}
}

// claimRows are transformations that say that they changed a value which they did not. They are no rows of the table, but mended by one.
func claimRows() (list []row) {
	for _, name := range []string{"base64Decode", "base64DecodeExt", "base64Encode", "hexEncode", "hexDecode", "length", "urlDecode", "cssDecode"} {
		list = append(list, row{transformation: name})
	}
	return list
}

// rightly is what a transformation gives by the reference, for those of which Coraza has another opinion.
func rightly(name string, theirs func(string) string, s string) string {
	byRune := func(f func(c rune) rune) string {
		var b strings.Builder
		for i := 0; i < len(s); {
			c, n := utf8.DecodeRuneInString(s[i:])
			if c == utf8.RuneError && n == 1 {
				b.WriteByte(s[i])
			} else {
				b.WriteRune(f(c))
			}
			i += n
		}
		return b.String()
	}
	switch name {
	case "lowercase":
		return byRune(unicode.ToLower)
	case "uppercase":
		return byRune(unicode.ToUpper)
	case "removeWhitespace":
		var b strings.Builder
		for i := 0; i < len(s); {
			c, n := utf8.DecodeRuneInString(s[i:])
			bad := c == utf8.RuneError && n == 1
			if !(bad && s[i] == 0xa0 || !bad && unicode.IsSpace(c)) {
				b.WriteString(s[i : i+n])
			}
			i += n
		}
		return b.String()
	}
	if out := theirs(s); out != "//" { // of normalizePath and normalizePathWin
		return out
	}
	return "/"
}
