package rules_test

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules"
)

const partHead = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"

// What parsers read differently, or what would cost memory out of proportion, is refused as unreadable.
func TestBodyShapes(t *testing.T) {
	e := open(t, rules.Settings{})
	const form = "multipart/form-data; boundary=B"
	one := partHead + "x\r\n"
	many := strings.Repeat(one, rules.DefaultArguments-1)
	tests := []struct {
		name, mime, body string
		rule             int // 0: passes
	}{
		{"plain", form, one + "--B--\r\n", 0},
		{"line before the first boundary is empty", form, "\r\n" + one + "--B--\r\n", 0},
		{"empty lines behind the last one", form, one + "--B--\r\n\r\n", 0},
		{"no line end behind the last one", form, one + "--B--", 0},
		{"boundary within a line", form, partHead + "x--B--y\r\n--B--\r\n", 200003},
		{"text before the first boundary", form, "q=1\r\n" + one + "--B--\r\n", 200003},
		{"text behind the last boundary", form, one + "--B--\r\nq=1\r\n", 200003},
		{"part behind the last boundary", form, one + "--B--\r\n" + one + "--B--\r\n", 200003},
		{"long line before the first boundary", form, strings.Repeat("x", 5000) + "\r\n" + one + "--B--\r\n", 200003},
		{"boundary far into a line", form, partHead + strings.Repeat("x", 4096) + "--B\r\n--B--\r\n", 200003},
		{"as many parts as arguments", form, many + "--B--\r\n", 0},
		{"more parts", form, many + one + one + one + "--B--\r\n", 200007},
		{"xml", "text/xml", "<a b='c'>x</a>", 0},
		{"xml with a document type", "text/xml", `<!DOCTYPE a SYSTEM "a.dtd"><a>x</a>`, 0},
		{"xml with an entity", "text/xml", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, 200002},
		{"xml with an entity across reads", "text/xml", "<!DOCTYPE a [" + strings.Repeat(" ", 32<<10-16) + `<!ENTITY x "y">]><a>&x;</a>`, 200002},
		{"xml with too many tags", "text/xml", "<a>" + strings.Repeat("<b/>", 100_000) + "</a>", 0},
		{"xml with too many attributes", "text/xml", "<a" + strings.Repeat(" b=''", 100_000) + "/>", 200007},
		{"json as deep as may be", "application/json", strings.Repeat("[", 60) + "1" + strings.Repeat("]", 60), 0},
		{"json too deep", "application/json", strings.Repeat("[", 300) + "1" + strings.Repeat("]", 300), 200002},
	}
	for _, tt := range tests {
		o := run(e, post("/x", tt.mime), tt.body)
		code := reason.Code("")
		switch tt.rule {
		case 0:
		case 200007:
			code = reason.LimitTooManyArgs
		default:
			code = reason.WAFParseError
		}
		got := reason.Code("")
		if r := reason.Of(o.err); r != nil {
			got = r.Code
		}
		if got != code || tt.rule != 0 && !has(o.waf, tt.rule) {
			t.Errorf("%s: %v, matches %v; want %q by rule %d", tt.name, o.err, o.waf.Matches, code, tt.rule)
		}
	}
}
