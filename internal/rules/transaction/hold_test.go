package transaction_test

import (
	"io"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

func allocated() float64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return float64(s[0].Value.Uint64())
}

const formType = "application/x-www-form-urlencoded"

// Behind the request's body an inspection holds the body and little else, whatever it was made of, and on the way it takes few times as much.
func TestMemory(t *testing.T) {
	e := openCRS(t, 1, 1<<30)
	run(e, get("/?q='%20or%201=1--%20<script>alert(1)</script>"), "")
	for _, c := range []struct {
		unit       string
		size       int
		hold, take float64 // times the body; take is all that was allocated, also what was free again
	}{
		{"<", 10_000_000, 1.5, 8}, {"a ", 10_000_000, 1.5, 8}, {"\xff", 3_000_000, 2, 250}, {"%3c%2541", 3_000_000, 2.5, 40}, {"&lt;/**/", 3_000_000, 1.5, 60},
		{"<", 60_000, 10, 40}, {"'||'", 60_000, 10, 80},
	} {
		body := "a=" + strings.Repeat(c.unit, c.size/len(c.unit))
		before, began := heap(), allocated()
		in := e.Begin(post("/", formType))
		if _, err := in.RequestHead(time.Time{}); err != nil {
			t.Fatal(err)
		}
		if _, err := in.RequestBody(strings.NewReader(body), false, time.Time{}); err != nil {
			t.Fatal(err)
		}
		take := (allocated() - began) / float64(c.size)
		hold := (heap() - before) / float64(c.size)
		in.End(&exchange.WAF{})
		if testing.Verbose() {
			t.Logf("%d bytes of %q: held %.2f times, allocated %.2f times the body", c.size, c.unit, hold, take)
		}
		if hold > c.hold || take > c.take {
			t.Errorf("%d bytes of %q: held %.2f times the body, want %.1f; allocated %.2f times, want %.0f", c.size, c.unit, hold, c.hold, take, c.take)
		}
		runtime.KeepAlive(body)
	}
}

// What rules captured, set and matched in one phase is there in the next.
func TestPhasesShare(t *testing.T) {
	rules := numbered(`SecRule ARGS_POST:a "@rx ^(x+)Y" "id:#,phase:2,t:lowercase,t:hexDecode,nolog,pass"
SecRule ARGS_POST:a "@rx ^(q*)(.*)$" "id:#,phase:2,t:lowercase,capture,nolog,pass,setvar:tx.whole=%{tx.0},setvar:tx.Name_%{tx.2}=%{tx.1}%{tx.2},setenv:e=%{tx.2}"
SecRule TX:whole "@rx ^q{1000}q{1000}q{1000}end$" "id:#,phase:3,pass"
SecRule TX:1 "@rx ^q{1000}q{1000}q{1000}$" "id:#,phase:3,pass"
SecRule TX:name_end "@rx ^q{1000}q{1000}q{1000}end$" "id:#,phase:3,pass"
SecRule ENV:e "@streq end" "id:#,phase:3,pass"
SecRule REQUEST_LINE "@rx ^POST / HTTP" "id:#,phase:3,pass"
SecRule ARGS_POST:A "@contains qqqEnd" "id:#,phase:4,pass,t:urlDecode"
`)
	e := open(t, rules, transaction.Config{})
	for _, big := range []bool{false, true} {
		body := "a=" + strings.Repeat("Q", 2997) + "qqqEnd"
		if big {
			body += "&b=" + strings.Repeat("Z%41 ", 1<<18)
		}
		x := post("/", formType)
		in := e.Begin(x)
		for _, step := range []func() (*exchange.Response, error){
			func() (*exchange.Response, error) { return in.RequestHead(time.Time{}) },
			func() (*exchange.Response, error) { return in.RequestBody(strings.NewReader(body), false, time.Time{}) },
			func() (*exchange.Response, error) {
				return in.ResponseHead(&exchange.Response{Status: 200, Header: exchange.Header{{Name: "X", Value: strings.Repeat("OTHER", 900)}}}, time.Time{})
			},
			func() (*exchange.Response, error) { return in.ResponseBody(strings.NewReader("R"), false, time.Time{}) },
		} {
			if _, err := step(); err != nil {
				t.Fatal(err)
			}
		}
		in.End(&x.WAF)
		want := []int{3, 4, 5, 6, 7, 8}
		for i, id := range want {
			if i >= len(x.WAF.Rules) || x.WAF.Rules[i] != id {
				t.Fatalf("matched %v, want %v", x.WAF.Rules, want)
			}
		}
	}
}

// No rule makes much of little, nor takes long to find what it captures, beyond its bounds.
func TestGrowthIsBounded(t *testing.T) {
	for _, c := range []struct{ name, rules, body, what string }{
		{"growing chain", `SecRule ARGS "@rx z" "id:1,phase:2` + strings.Repeat(",t:hexEncode", 31) + `"`, "a=" + strings.Repeat("x", 1000), "memory"},
		{"mixed chain", `SecRule ARGS "@rx z" "id:1,phase:2` + strings.Repeat(",t:hexEncode,t:base64Encode", 16) + `"`, "a=" + strings.Repeat("=", 1000), "memory"},
		{"capture", `SecRule ARGS "@rx ((a|b){1,100}){1,10}.*d" "id:1,phase:2,pass,capture,setvar:tx.x=%{tx.1}"`, "a=" + strings.Repeat("abbab", 20_000) + "d", "work"},
		{"values of values", `SecRule ARGS "@rx x" "id:1,phase:2,chain` + "\"\n" + strings.Repeat("SecRule MATCHED_VARS \"@rx x\" \"chain\"\n", 40) + `SecRule MATCHED_VARS "@rx x" ""`, "a=x" + strings.Repeat("&a=x", 2000), "work"},
		{"constant macro", `SecRule ARGS:q "@rx x" "id:1,phase:1,pass"` + "\n" + `SecRule ARGS "@contains %{REQUEST_HEADERS.long}b" "id:2,phase:2,pass"`, "a=x" + strings.Repeat("&a=x", 2000), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, c.rules, transaction.Config{Steps: 64 << 20})
			in := e.Begin(post("/", formType, "long", strings.Repeat("l", 60_000)))
			defer in.End(&exchange.WAF{})
			if _, err := in.RequestHead(time.Time{}); err != nil {
				t.Fatal(err)
			}
			began := allocated()
			_, err := in.RequestBody(io.Reader(strings.NewReader(c.body)), false, time.Time{})
			if n := allocated() - began; n > 300e6 {
				t.Errorf("%.0f MB were allocated", n/1e6)
			}
			r := reason.Of(err)
			if c.what == "" && r != nil || c.what != "" && (r == nil || r.Code != reason.WAFTimeout || !strings.Contains(r.Detail, " is spent")) {
				t.Errorf("%v, want %q to be spent", err, c.what)
			}
		})
	}
}
