package audit_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/audit"
)

// every is all parts and large bodies.
func every(format string) audit.Config {
	return audit.Config{Format: format, When: "all", Parts: "ABCEFHIJKZ", Body: 4 << 10}
}

func TestFormats(t *testing.T) {
	for _, format := range []string{"json", "native", "ocsf"} {
		l := open(t, every(format))
		var out []byte
		for _, x := range []*exchange.Exchange{clean(), blocked(), detected()} {
			before := len(out)
			out = l.Append(out, x)
			if lines := strings.Count(string(out[before:]), "\n"); format != "native" && lines != 1 {
				t.Errorf("%s: %d lines", format, lines)
			}
			if n := audit.Whole(format)(out); n != len(out) {
				t.Errorf("%s: %d of %d bytes are whole", format, n, len(out))
			}
		}
		noSecrets(t, string(out))
		golden(t, format+".golden", string(out))
	}
}

func TestWants(t *testing.T) {
	quiet := func() *exchange.Exchange { x := blocked(); x.WAF.Audit.Asked = false; return x }
	limit := func() *exchange.Exchange {
		x := quiet()
		x.WAF.Matches = []exchange.Match{{Message: "limit.body_too_big: …"}}
		x.Answer.Reason, x.Answer.Detail = reason.LimitBodyTooBig, "rules look at 10 bytes"
		return x
	}
	failed := func() *exchange.Exchange {
		x := clean()
		x.WAF.Verdict, x.Answer.Reason, x.Answer.Status = "error", reason.WAFTimeout, 503
		return x
	}
	low := func() *exchange.Exchange { x := clean(); x.WAF.Audit.Asked = true; return x }
	off := func() *exchange.Exchange { x := clean(); x.WAF = exchange.WAF{Mode: "off"}; return x }
	set := func(x *exchange.Exchange, e exchange.AuditEngine) *exchange.Exchange {
		x.WAF.Audit.Engine = e
		return x
	}
	for _, c := range []struct {
		name string
		x    *exchange.Exchange
		want string // of relevant, blocked, all
	}{
		{"clean", clean(), "all"}, {"blocked", blocked(), "relevant blocked all"}, {"detected", detected(), "relevant blocked all"},
		{"below the threshold", low(), "relevant all"}, {"blocked by noauditlog", quiet(), "all"}, {"blocked by a limit", limit(), "relevant blocked all"},
		{"rules failed", failed(), "relevant blocked all"}, {"no rules", off(), ""}, {"no site", &exchange.Exchange{}, ""},
		{"ctl off", set(blocked(), exchange.AuditOff), ""}, {"ctl on", set(clean(), exchange.AuditOn), "relevant blocked all"},
		{"ctl relevant", set(clean(), exchange.AuditRelevant), ""}, {"ctl relevant, a match", set(low(), exchange.AuditRelevant), "relevant blocked all"},
	} {
		var got []string
		for _, when := range []string{"relevant", "blocked", "all"} {
			l := open(t, audit.Config{When: when})
			if l.Wants(c.x) {
				got = append(got, when)
			}
			if wrote := len(l.Append(nil, c.x)) > 0; wrote != l.Wants(c.x) {
				t.Errorf("%s, %s: Append and Wants differ", c.name, when)
			}
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: logged with %q, want %q", c.name, g, c.want)
		}
	}
}

func TestParts(t *testing.T) {
	letters := func(x *exchange.Exchange, cfg audit.Config) string {
		cfg.Format, cfg.When = "native", "all"
		out := ""
		for _, p := range parse(t, string(open(t, cfg).Append(nil, x))) {
			out += p.letter
		}
		return out
	}
	change := func(changes ...string) *exchange.Exchange {
		x := detected()
		for _, c := range changes {
			x.WAF.Audit.Parts.Change(c)
		}
		return x
	}
	for _, c := range []struct {
		x    *exchange.Exchange
		cfg  audit.Config
		want string
	}{
		{change(), audit.Config{}, "ABFHJKZ"}, {clean(), audit.Config{}, "ABFHKZ"}, {change(), audit.Config{Parts: "B"}, "ABZ"},
		{change("+E"), audit.Config{}, "ABFHJKZ"}, {change("+E"), audit.Config{Body: 1 << 10}, "ABEFHJKZ"}, {change("+CE"), audit.Config{Body: 1 << 10}, "ABCEFHJKZ"},
		{change("-HJ", "+H"), audit.Config{}, "ABFHKZ"}, {change("+E", "-E"), audit.Config{Body: 1 << 10}, "ABFHJKZ"}, {change("ABZ"), audit.Config{}, "ABZ"},
		{change("+E", "AKZ", "+F"), audit.Config{}, "AFKZ"}, {change(), audit.Config{Parts: "ABCIZ", Body: 1 << 10}, "ABCZ"},
		{change(), audit.Config{Parts: "ABIZ", Body: 1 << 10}, "ABIZ"},
	} {
		if got := letters(c.x, c.cfg); got != c.want {
			t.Errorf("%+v %+v: parts %s, want %s", c.x.WAF.Audit.Parts, c.cfg, got, c.want)
		}
	}
	var r struct {
		Transaction struct {
			Request  struct{ Headers map[string][]string }
			Response *struct{}
			Producer *struct{}
		}
		Messages []struct{ Data *struct{} }
	}
	l := open(t, audit.Config{When: "all", Parts: "AZ"})
	if err := json.Unmarshal(l.Append(nil, blocked()), &r); err != nil || len(r.Transaction.Request.Headers) > 0 || r.Transaction.Response != nil ||
		r.Transaction.Producer != nil || r.Messages != nil {
		t.Errorf("%v %+v", err, r)
	}
	l = open(t, audit.Config{When: "all", Parts: "AHZ"})
	if err := json.Unmarshal(l.Append(nil, blocked()), &r); err != nil || len(r.Messages) != 2 || r.Messages[0].Data != nil {
		t.Errorf("%v %+v", err, r)
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []audit.Config{{Format: "xml"}, {When: "never"}, {Parts: "ABQ"}} {
		if _, err := audit.New(cfg); err == nil || !strings.HasPrefix(err.Error(), "make audit log: ") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestBoundaries(t *testing.T) {
	l, err := audit.New(audit.Config{Format: "native", When: "all"})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 1000 {
		b := string(l.Append(nil, clean())[:18])
		if seen[b] {
			t.Fatalf("%s twice", b)
		}
		seen[b] = true
	}
}

// What a crash or a failed write leaves of a record does not count.
func TestWhole(t *testing.T) {
	for _, format := range []string{"json", "native", "ocsf"} {
		one := open(t, every(format)).Append(nil, blocked())
		two := append(append([]byte{}, one...), one...)
		for cutAt := range two {
			want := 0
			if cutAt >= len(one) {
				want = len(one)
			}
			if got := audit.Whole(format)(two[:cutAt]); got != want {
				t.Fatalf("%s: %d of %d bytes are whole, want %d", format, got, cutAt, want)
			}
		}
	}
	forged := blocked()
	forged.Request.Header.Add("X", "\n--0123456789abcdef-Z--\n\n")
	forged.Request.Header.Add("--x-Z--", "-Z--")
	record := open(t, every("native")).Append(nil, forged)
	if got := audit.Whole("native")(record[:len(record)-1]); got != 0 {
		t.Errorf("%d bytes are whole", got)
	}
}
