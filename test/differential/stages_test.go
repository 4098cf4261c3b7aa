package differential_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/template"

	crstests "github.com/corazawaf/coraza-coreruleset/v4/tests"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/test/race"
)

// dump is rules that match every value of every variable: what they matched says how each engine read the request.
const dump = `SecRule REQUEST_LINE|REQUEST_METHOD|REQUEST_PROTOCOL|REQUEST_URI|REQUEST_URI_RAW|REQUEST_FILENAME|REQUEST_BASENAME|QUERY_STRING|URI_PARSE_ERROR|ARGS_GET|ARGS_GET_NAMES|REQUEST_COOKIES|REQUEST_COOKIES_NAMES|REQUEST_HEADERS|REQUEST_HEADERS_NAMES|SERVER_NAME "@unconditionalMatch" "id:190001,phase:1,nolog,pass"
SecRule &ARGS|&ARGS_GET|&ARGS_POST|&ARGS_NAMES|ARGS_POST|ARGS_POST_NAMES|ARGS_COMBINED_SIZE|&FILES|&MULTIPART_PART_HEADERS|ARGUMENTS_LIMIT_REACHED|INBOUND_DATA_ERROR "@unconditionalMatch" "id:190002,phase:2,nolog,pass"
SecRule REQBODY_PROCESSOR|REQBODY_ERROR|REQBODY_PROCESSOR_ERROR|REQUEST_BODY|REQUEST_BODY_LENGTH|URLENCODED_ERROR|XML:/*|XML://@* "@unconditionalMatch" "id:190003,phase:2,nolog,pass"
SecRule FILES|FILES_NAMES|FILES_SIZES|FILES_COMBINED_SIZE|MULTIPART_NAME|MULTIPART_FILENAME|MULTIPART_PART_HEADERS|MULTIPART_STRICT_ERROR "@unconditionalMatch" "id:190004,phase:2,nolog,pass"
SecRule RESPONSE_STATUS|RESPONSE_PROTOCOL|RESPONSE_HEADERS|RESPONSE_HEADERS_NAMES|RESPONSE_CONTENT_TYPE "@unconditionalMatch" "id:190005,phase:3,nolog,pass"
SecRule RESPONSE_BODY|RESPONSE_CONTENT_LENGTH "@unconditionalMatch" "id:190006,phase:4,nolog,pass"
`

// core is what corePairs returns, made once: compiling takes seconds.
var core struct { //nolint:gochecknoglobals // a cache of what no test changes
	once  sync.Once
	pairs []*pair
}

// corePairs returns the Core Rule Set at the four levels of paranoia, with what sites differ in besides.
func corePairs(t testing.TB) []*pair {
	t.Helper()
	core.once.Do(func() { core.pairs = makeCorePairs(t) })
	if core.pairs == nil {
		t.Fatal("the rule set could not be compiled, see the first test")
	}
	return core.pairs
}

func makeCorePairs(t testing.TB) []*pair {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dump.conf")
	if err := os.WriteFile(file, []byte(dump), 0o600); err != nil {
		t.Fatal(err)
	}
	f := rules.NewFactory()
	files := []string{file}
	return []*pair{
		newPair(t, f, "paranoia 1", rules.Settings{Files: files, Paranoia: 1}),
		newPair(t, f, "paranoia 2, excluded", rules.Settings{Files: files, Paranoia: 2, Inbound: 10, Outbound: 8, Methods: []string{"GET", "POST"}, Exclusions: []rules.Exclusion{
			{Tag: "attack-sqli", Target: "ARGS:q"}, {Rules: []int{920300, 920350}}, {Rules: []int{941100}, Path: "/app/"}, {Target: "REQUEST_COOKIES:/^s_/", Path: "/shop/*"},
		}}),
		newPair(t, f, "paranoia 3, detecting", rules.Settings{Files: files, Paranoia: 3, Detect: true}),
		newPair(t, f, "paranoia 4, lenient", rules.Settings{Files: files, Paranoia: 4, Inbound: 100_000, Outbound: 100_000}),
	}
}

// input is a request of the rule set's tests.
type input struct {
	Method  *string `yaml:"method"`
	URI     *string `yaml:"uri"`
	Headers fields  `yaml:"headers"`
	Data    *string `yaml:"data"`
	Encoded string  `yaml:"encoded_request"`
}

// fields are header fields in the order of the file.
type fields struct{ exchange.Header }

// UnmarshalYAML implements yaml.NodeUnmarshaler.
func (f *fields) UnmarshalYAML(n ast.Node) error {
	if a, ok := n.(*ast.AnchorNode); ok {
		n = a.Value
	}
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, v := range m.Values {
		var name, value string
		if err := yaml.NodeToValue(v.Key, &name); err != nil {
			return err
		}
		if _, null := v.Value.(*ast.NullNode); !null {
			if err := yaml.NodeToValue(v.Value, &value); err != nil {
				return err
			}
		}
		f.Add(name, value)
	}
	return nil
}

// stages returns every request of the rule set's tests.
func stages(t testing.TB) (list []*request) {
	t.Helper()
	err := fs.WalkDir(crstests.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yaml") {
			return err
		}
		b, err := fs.ReadFile(crstests.FS, path)
		if err != nil {
			return err
		}
		var file struct {
			Rule  int `yaml:"rule_id"`
			Tests []struct {
				ID     int `yaml:"test_id"`
				Stages []struct {
					Input input `yaml:"input"`
				} `yaml:"stages"`
			} `yaml:"tests"`
		}
		if err := yaml.Unmarshal(b, &file); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		for _, c := range file.Tests {
			for _, s := range c.Stages {
				if r := s.Input.request(); r != nil {
					r.name = fmt.Sprintf("%d-%d", file.Rule, c.ID)
					list = append(list, r)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 4600 {
		t.Fatalf("%d requests, want 4600 or more", len(list))
	}
	return list
}

// request returns what in asks for, nil where it is no request line with fields.
func (in *input) request() *request {
	r := &request{method: or(in.Method, "GET"), target: or(in.URI, "/"), header: in.Headers.Header, body: filled(or(in.Data, ""))}
	if in.Encoded != "" {
		raw, err := base64.StdEncoding.DecodeString(in.Encoded)
		if err != nil || !r.read(string(raw)) {
			return nil
		}
	}
	if r.body != "" && !r.header.Has("Content-Type") {
		r.header.Add("Content-Type", "application/x-www-form-urlencoded")
		r.body = formEscaped(r.body)
	}
	if strings.HasPrefix(r.header.Get("Content-Type"), "multipart/form-data;") {
		r.body = strings.ReplaceAll(r.body, "\n", "\r\n")
	}
	if (r.body != "" || r.method == "POST") && !r.header.Has("Content-Length") {
		r.header.Add("Content-Length", strconv.Itoa(len(r.body)))
	}
	if r.method == "POST" && strings.HasPrefix(r.target, "/reflect") {
		r.reply = reflection(r.body)
	}
	return r
}

// read reads a request as it goes over the wire, as far as it is one.
func (r *request) read(raw string) bool {
	head, rest, _ := strings.Cut(raw, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	first := strings.SplitN(lines[0], " ", 3)
	if len(first) < 2 || first[1] == "" {
		return false
	}
	r.method, r.target, r.body, r.header = first[0], first[1], rest, nil
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if ok {
			r.header.Add(name, strings.TrimSpace(value))
		}
	}
	return true
}

// reflection is the answer that a request to /reflect asks for.
func reflection(body string) *reply {
	var want struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
		Encoded string            `json:"encodedBody"`
	}
	if json.Unmarshal([]byte(body), &want) != nil {
		return nil
	}
	a := &reply{status: max(want.Status, 200), body: want.Body}
	if b, err := base64.StdEncoding.DecodeString(want.Encoded); err == nil && len(b) > 0 {
		a.body = string(b)
	}
	for name, value := range want.Headers {
		a.header.Add(name, value)
	}
	if !a.header.Has("Content-Type") {
		a.header.Add("Content-Type", "text/html")
	}
	return a
}

func filled(data string) string {
	if !strings.Contains(data, "{{") {
		return data
	}
	t, err := template.New("data").Funcs(template.FuncMap{"repeat": func(n int, s string) string { return strings.Repeat(s, n) }}).Parse(data)
	var b strings.Builder
	if err != nil || t.Execute(&b, nil) != nil {
		return data
	}
	return b.String()
}

func formEscaped(data string) string {
	if plain, err := url.QueryUnescape(data); err != nil || plain != data {
		return data
	}
	pairs := strings.Split(data, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if pairs[i] = url.QueryEscape(name); ok {
			pairs[i] += "=" + url.QueryEscape(value)
		}
	}
	return strings.Join(pairs, "&")
}

func or[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}

// TestStages runs the requests of the Core Rule Set's own tests: all of them at all levels in a soak, else each at one level or none, and still fewer under the race detector.
func TestStages(t *testing.T) {
	all, y := stages(t), newTally()
	step := 16
	switch {
	case soaking() && !race.On:
		step = 1
	case race.On && !soaking():
		step = 160
	}
	for i, p := range corePairs(t) {
		at := i * step / 4
		compareAll(y, p, t, func() *request {
			if at >= len(all) {
				return nil
			}
			r := all[at]
			at += step
			return r
		})
	}
	y.report(t)
}
