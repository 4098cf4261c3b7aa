package rules_test

import (
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules"
)

// factory is shared by all tests of the package: one compile of the Core Rule Set serves most of them.
var factory = rules.NewFactory()

// keep holds the plain rule set open between tests.
var keep *rules.Engine

func TestMain(m *testing.M) {
	var err error
	if keep, err = factory.Open(rules.Settings{}); err != nil {
		panic(err)
	}
	m.Run()
}

// strict holds the rules of all levels open from the first test on that wants them.
var strict = sync.OnceValues(func() (*rules.Engine, error) { return factory.Open(rules.Settings{Paranoia: 4}) })

func open(t testing.TB, s rules.Settings) *rules.Engine {
	t.Helper()
	if s.Paranoia == 4 {
		if _, err := strict(); err != nil {
			t.Fatal(err)
		}
	}
	e, err := factory.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// get returns a plain browser's GET; more are further fields, name and value in turn.
func get(target string, more ...string) *exchange.Exchange {
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), Client: &exchange.Client{
		Addr:  netip.MustParseAddrPort("192.0.2.7:40000"),
		Local: netip.MustParseAddrPort("192.0.2.1:443"),
	}}
	r := &x.Request
	r.Method, r.Target, r.Scheme, r.Authority, r.Proto = "GET", target, "https", "shop.test", exchange.HTTP11
	r.Path, r.Query, r.HasQuery = strings.Cut(target, "?")
	r.Body = exchange.NoBody
	r.Header = exchange.Header{{Name: "Host", Value: "shop.test"}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}, {Name: "Accept", Value: "text/html"}}
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	return x
}

// post returns a POST; its body is given to run.
func post(target, mime string, more ...string) *exchange.Exchange {
	x := get(target, append([]string{"Content-Type", mime}, more...)...)
	x.Request.Method = "POST"
	return x
}

// outcome is what came of one exchange.
type outcome struct {
	answer *exchange.Response
	err    error
	waf    exchange.WAF
}

// run takes x through the request's steps.
func run(e *rules.Engine, x *exchange.Exchange, body string) (o outcome) {
	if body != "" && x.Request.Length == 0 {
		x.Request.Length = int64(len(body))
		x.Request.Header.Add("Content-Length", "1")
	}
	in := e.Begin(x)
	defer func() {
		in.End(&x.WAF)
		o.waf = x.WAF
	}()
	if o.answer, o.err = in.RequestHead(time.Time{}); o.err != nil {
		return o
	}
	if body == "" {
		o.answer, o.err = in.RequestBody(nil, false, time.Time{})
	} else {
		o.answer, o.err = in.RequestBody(strings.NewReader(body), false, time.Time{})
	}
	return o
}

// has reports whether rule id is among the matches.
func has(w exchange.WAF, id int) bool {
	for _, m := range w.Matches {
		if m.ID == id {
			return true
		}
	}
	return false
}
