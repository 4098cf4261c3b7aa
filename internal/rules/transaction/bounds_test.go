package transaction_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
	"github.com/lunette-waf/lunette/test/race"
)

// Spent time and spent work end the inspection with a reason; what comes after does nothing.
func TestBounds(t *testing.T) {
	rules := `SecRule ARGS "@rx a+b" "id:1,phase:2,t:lowercase"` + "\n"
	long := "q=" + strings.Repeat("xa", 1<<20)
	const form = "application/x-www-form-urlencoded"
	past := func() time.Time { return time.Now().Add(-time.Second) }
	for _, c := range []struct {
		name       string
		cfg        transaction.Config
		head, body func() time.Time
		inHead     bool
	}{
		{"time in the head", transaction.Config{}, past, past, true},
		{"time in the body", transaction.Config{}, func() time.Time { return time.Time{} }, past, false},
		{"work in the body", transaction.Config{Steps: 1 << 20}, func() time.Time { return time.Time{} }, func() time.Time { return time.Time{} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := open(t, rules, c.cfg).Begin(post("/", form))
			a, err := in.RequestHead(c.head())
			if (err != nil) != c.inHead {
				t.Fatalf("head: %v", err)
			}
			if !c.inHead {
				a, err = in.RequestBody(strings.NewReader(long), false, c.body())
			}
			r := reason.Of(err)
			if a != nil || r == nil || r.Code != reason.WAFTimeout || !strings.Contains(r.Detail, "bytes") {
				t.Fatalf("%v %v", a, err)
			}
			if a, err := in.ResponseHead(&exchange.Response{Status: 200}, time.Time{}); a != nil || err != nil {
				t.Errorf("a step after the fault: %v %v", a, err)
			}
			in.End(&exchange.WAF{})
			in.End(&exchange.WAF{}) // twice is once
		})
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) {
	if b.err == nil {
		panic("boom")
	}
	return 0, b.err
}

// Neither a panic nor a failing reader leaves the package as anything but a reason.
func TestFaults(t *testing.T) {
	e := open(t, `SecAction "id:1,phase:2"`+"\n", transaction.Config{})
	for _, r := range []io.Reader{broken{}, broken{os.ErrPermission}, broken{io.ErrNoProgress}} {
		in := e.Begin(post("/", "text/plain"))
		if _, err := in.RequestHead(time.Time{}); err != nil {
			t.Fatal(err)
		}
		a, err := in.RequestBody(r, false, time.Time{})
		var why *reason.Error
		if a != nil || !errors.As(err, &why) || why.Code != reason.WAFEngineError {
			t.Errorf("%v: %v %v", r, a, err)
		}
		in.End(&exchange.WAF{})
	}
}

// What is looked at grows with the leaves and with the bytes of a body, and no faster, whatever it holds.
func TestWorkIsLinear(t *testing.T) {
	e := openCRS(t, 4, 1<<40)
	attack := "' or 1=1 union select sleep(1) -- <script>alert(1)</script> ;cat /etc/passwd ${jndi:ldap://x} ../../ %252e \\u0041"
	for _, c := range []struct{ name, leaf string }{{"benign", "red shoes"}, {"number", "42"}, {"base64", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, {"attack", attack}} {
		var before float64
		for _, n := range []int{100, 1000, 9000} {
			var b strings.Builder
			for i := range n {
				fmt.Fprintf(&b, `,{"k%d":%q}`, i, c.leaf)
			}
			in := e.Begin(post("/", "application/json"))
			if _, err := in.RequestHead(time.Time{}); err != nil {
				t.Fatal(err)
			}
			if _, err := in.RequestBody(strings.NewReader("["+b.String()[1:]+"]"), false, time.Time{}); err != nil {
				t.Fatal(err)
			}
			each := float64(in.Spent()) / float64(n)
			in.End(&exchange.WAF{})
			if before != 0 && each > 1.3*before {
				t.Errorf("%s: %d leaves cost %.0f bytes each, fewer cost %.0f", c.name, n, each, before)
			}
			if testing.Verbose() {
				t.Logf("%s: %d leaves cost %.0f bytes each", c.name, n, each)
			}
			before = each
		}
	}
}

// A benign request allocates next to nothing.
func TestAllocations(t *testing.T) {
	limit := 20.0
	if race.On {
		limit = 500 // what a pool would have kept is made anew: some 120
	}
	e := openCRS(t, 1, 5)
	s := samples()[0]
	n := testing.AllocsPerRun(100, func() {
		s.x.WAF = exchange.WAF{}
		if _, err := inspect(e, s.x, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > limit {
		t.Errorf("%v allocations, want %v or fewer", n, limit)
	}
}

// An engine serves many at once, and nothing of one exchange shows up in another.
func TestConcurrent(t *testing.T) {
	e := openCRS(t, 1, 5)
	bad := "/?q=1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20password%20FROM%20users--%20"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if o := run(e, get(bad), ""); o.answer == nil || o.waf.Score < 5 {
					t.Errorf("attack passed: %+v", o.waf)
				}
				for _, s := range samples()[:3] {
					if o := run(e, s.x, s.body); o.answer != nil || o.waf.Score != 0 || len(o.waf.Rules) != 0 {
						t.Errorf("%s: %+v", s.name, o.waf)
					}
				}
			}
		})
	}
	wg.Wait()
}
