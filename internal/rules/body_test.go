package rules_test

import (
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules"
)

const attack = "1' OR '1'='1' UNION SELECT password FROM users-- "

// detector returns an engine with one rule, 942100, which looks for the attack: all of the Core Rule Set takes minutes with -race.
func detector(t *testing.T) *rules.Engine {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "one.conf", `SecRule ARGS|ARGS_NAMES|XML:/* "@rx (?i)union\s+select" "id:942100,phase:2,pass,log,t:none,t:urlDecodeUni"`+"\n")
	return open(t, rules.Settings{NoCore: true, Files: []string{filepath.Join(dir, "one.conf")}})
}

// noise returns n bytes of what compressed files and images look like.
func noise(n int) string {
	var b strings.Builder
	r := rand.NewChaCha8([32]byte{1})
	for b.Len() < n {
		_ = b.WriteByte(byte(r.Uint64()))
	}
	return b.String()
}

// A body of no type that is parsed must not be taken for arguments, and where it is text must not hide an attack.
func TestBodyOfOtherTypes(t *testing.T) {
	e := detector(t)
	const long = 1 << 20
	for _, c := range []struct {
		name, mime, body string
		found            bool  // the attack
		shown            int64 // bytes; 0 for all
	}{
		{"image", "image/png", "\x89PNG\r\n\x1a\n" + noise(long), false, 4096},
		{"archive", "application/zip", "PK\x03\x04" + noise(long), false, 4096},
		{"no type", "", noise(long), false, 4096},
		{"zeros", "application/octet-stream", strings.Repeat("\x00", long), false, 4096},
		{"long text", "text/plain", strings.Repeat("a&b ", long/4), false, 0},
		{"text", "text/plain", "hello & welcome", false, 0},
		{"attack as text", "text/plain", attack, true, 0},
		{"form as text", "text/plain", "a=1&q=" + attack, true, 0},
		{"form as octets", "application/octet-stream", "a=1&q=" + attack, true, 0},
		{"form without type", "", "a=1&q=" + attack, true, 0},
		{"json as text", "text/plain", `{"a":[{"q":"` + attack + `"}]}`, true, 0},
		{"json as text, padded", "text/plain", `{"p":"` + strings.Repeat("x ", 40<<10) + `","q":"` + attack + `"}`, true, 0},
		{"json that is none", "text/plain", "[2026-11-22] started\n[2026-11-22] ended\n", false, 0},
		{"json that gRPC carries", "application/grpc+json", "\x00\x00\x00\x00\x09{\"a\": 12}", false, 0},
		{"json with a mark", "text/plain", "\xef\xbb\xbf{\"q\":\"" + attack + `"}`, true, 0},
	} {
		x := post("/up", c.mime)
		x.WAF.Inspected = int64(len(c.body))
		o := run(e, x, c.body)
		if o.err != nil || has(o.waf, 942100) != c.found {
			t.Errorf("%s: %v, attack found %v, want %v", c.name, o.err, has(o.waf, 942100), c.found)
		}
		want := c.shown
		if want == 0 {
			want = int64(len(c.body))
		}
		if o.waf.Inspected != want || noted(o.waf) != (c.shown != 0) {
			t.Errorf("%s: inspected %d of %d, want %d; noted %v", c.name, o.waf.Inspected, len(c.body), want, noted(o.waf))
		}
	}
}

// noted reports whether the record says that a part was not inspected.
func noted(w exchange.WAF) bool {
	for _, m := range w.Matches {
		if m.ID == 0 && strings.HasPrefix(m.Message, string(reason.WAFSkippedByLimit)) {
			return true
		}
	}
	return false
}

// Wherever in a long value an attack stands, it is found.
func TestLongValues(t *testing.T) {
	e := detector(t)
	words := strings.Repeat("lorem ipsum ", 4<<10)
	letters := strings.Repeat("QUJD", 32<<10)
	for _, c := range []struct {
		name, mime, body string
		found, noted     bool
	}{
		{"at the end", "application/json", `{"q":"` + words + attack + `"}`, true, false},
		{"in the middle", "application/json", `{"q":"` + words + attack + words + `"}`, true, false},
		{"across pieces", "application/json", `{"q":"` + words[:32<<10-20] + attack + words + `"}`, true, false},
		{"in a form", form, "q=" + words + attack, true, false},
		{"in a name", form, words + attack + "=1", true, false},
		{"in xml", "text/xml", "<a>" + words + "<![CDATA[" + attack + "]]></a>", true, false},
		{"nothing", form, "q=" + words, false, false},
		{"base64", "application/json", `{"f":"` + letters + `"}`, false, false},
		{"behind base64", "application/json", `{"f":"` + letters + attack + `"}`, true, false},
		{"within base64", "application/json", `{"f":"` + letters + attack + letters + `"}`, true, false},
	} {
		x := post("/up", c.mime)
		x.WAF.Inspected = int64(len(c.body))
		o := run(e, x, c.body)
		if o.err != nil || has(o.waf, 942100) != c.found || noted(o.waf) != c.noted {
			t.Errorf("%s: %v, attack found %v, want %v; noted %v, want %v", c.name, o.err, has(o.waf, 942100), c.found, noted(o.waf), c.noted)
		}
	}
}

// The time limit is kept, whatever the body.
func TestTimeLimitOfBodies(t *testing.T) {
	e := open(t, rules.Settings{Paranoia: 4, Arguments: 100_000, Leaves: 100_000})
	const size, limit = 10 << 20, 2 * time.Millisecond
	for name, c := range map[string]struct{ mime, body string }{
		"value":  {form, "a=" + strings.Repeat("\x01", size)},
		"name":   {form, strings.Repeat("<a ", size/3)},
		"json":   {"application/json", `["` + strings.Repeat("(;", size/2) + `"]`},
		"values": {"application/json", "[" + strings.Repeat("1,", 50000) + "1]"},
		"xml":    {"text/xml", "<a>" + strings.Repeat("(;", size/2) + "</a>"},
	} {
		in := e.Begin(post("/x", c.mime, "Content-Length", "1"))
		_, _ = in.RequestHead(time.Time{})
		start := time.Now()
		_, err := in.RequestBody(strings.NewReader(c.body), false, start.Add(limit))
		if took := time.Since(start); took > limit+2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if r := reason.Of(err); r == nil || r.Code != reason.WAFTimeout {
			t.Errorf("%s: %v, want %s", name, err, reason.WAFTimeout)
		}
		in.End(&exchange.WAF{})
	}
}

// The setting decides how many values are too many, wherever they stand, and what the client is told.
func TestArguments(t *testing.T) {
	e := open(t, rules.Settings{Arguments: 150, Leaves: 150})
	list := func(n int) string { return "[1" + strings.Repeat(",1", n-1) + "]" }
	for _, c := range []struct {
		name, mime, body string
		refused          bool
	}{
		{"as many", "application/json", list(150), false},
		{"one more", "application/json", list(151), true},
		{"fields", form, strings.Repeat("a=1&", 151), true},
		{"parts", "multipart/form-data; boundary=B", strings.Repeat(partHead+"x\r\n", 151) + "--B--\r\n", true},
		{"text", "text/plain", strings.Repeat("a&", 200), false},
	} {
		o := run(e, post("/x", c.mime), c.body)
		r := reason.Of(o.err)
		refused := r != nil && r.Code == reason.LimitTooManyArgs
		if refused != c.refused || refused && (o.answer.Status != 413 || !strings.Contains(r.Error(), strconv.Itoa(150))) {
			t.Errorf("%s: %v %+v", c.name, o.err, o.answer)
		}
	}
	if o := run(open(t, rules.Settings{Leaves: 150, Detect: true}), post("/x", "application/json"), list(151)); o.err != nil {
		t.Errorf("detect: %v", o.err)
	}
}
