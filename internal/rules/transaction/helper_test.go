package transaction_test

import (
	"io/fs"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	engine "github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
	"github.com/corazawaf/coraza/v3/types"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// files is the embedded Core Rule Set.
type files struct{}

func (files) Read(name string) ([]byte, error)      { return fs.ReadFile(coreruleset.FS, name) }
func (files) Glob(pattern string) ([]string, error) { return fs.Glob(coreruleset.FS, pattern) }

const defaults = `SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecDefaultAction "phase:5,log,auditlog,pass"
`

// build compiles rules.
func build(t testing.TB, text string, fixed map[string]string, given ...string) *compile.Program {
	t.Helper()
	list, faults := seclang.ParseText(files{}, "test.conf", text)
	var p *compile.Program
	if len(faults) == 0 {
		p, faults = compile.Compile(list, compile.Options{Files: files{}, Fixed: fixed, Given: given})
	}
	for _, f := range faults {
		t.Fatalf("%s:%d: %s", f.File, f.Line, f.Text)
	}
	return p
}

// open returns an engine for rules.
func open(t testing.TB, text string, cfg transaction.Config) *transaction.Engine {
	t.Helper()
	e, err := transaction.New(build(t, defaults+text, nil), cfg)
	if err != nil {
		t.Fatal(err)
	}
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
	tx     map[string]string
}

// run takes x through the request's steps.
func run(e *transaction.Engine, x *exchange.Exchange, body string) (o outcome) {
	in := e.Begin(x)
	x.WAF.Inspected = int64(len(body))
	defer func() {
		o.tx = in.TX()
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

// oracle is what Coraza makes of the same rules and request.
type oracle struct {
	rules  []int
	tx     map[string]string
	status int // of the interruption; 0 without
	rule   int
}

func newOracle(t testing.TB, text string) engine.WAF {
	t.Helper()
	waf, err := engine.NewWAF(engine.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives("SecRuleEngine On\nSecRequestBodyAccess On\nSecRequestBodyLimit 1073741824\nSecRequestBodyInMemoryLimit 1073741824\n" + defaults + text))
	if err != nil {
		t.Fatal(err)
	}
	return waf
}

func ask(waf engine.WAF, x *exchange.Exchange, body string) (o oracle) {
	tx := waf.NewTransactionWithID(x.ID)
	r := &x.Request
	tx.ProcessConnection("192.0.2.7", 40000, "192.0.2.1", 443)
	tx.ProcessURI(r.Target, r.Method, r.Proto.String())
	for _, f := range r.Header {
		tx.AddRequestHeader(strings.Clone(f.Name), f.Value)
	}
	tx.SetServerName(r.Authority)
	if tx.ProcessRequestHeaders() == nil {
		if body != "" {
			_, _, _ = tx.WriteRequestBody([]byte(body))
		}
		_, _ = tx.ProcessRequestBody()
	}
	o.tx = map[string]string{}
	for _, d := range tx.(plugintypes.TransactionState).Variables().TX().FindAll() {
		if k := d.Key(); len(k) != 1 || k[0] < '0' || k[0] > '9' {
			o.tx[k] = d.Value()
		}
	}
	tx.ProcessLogging()
	for _, m := range tx.MatchedRules() {
		if l, ok := m.(interface{ Log() bool }); ok && l.Log() {
			o.rules = append(o.rules, m.Rule().ID())
		}
	}
	it := tx.Interruption()
	if d, ok := tx.(interface{ DetectionOnlyInterruption() *types.Interruption }); ok && it == nil {
		it = d.DetectionOnlyInterruption()
	}
	if it != nil {
		o.status, o.rule = it.Status, it.RuleID
	}
	_ = tx.Close()
	return o
}

// numbered gives each rule without an id one, by its line.
func numbered(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "id:#", "id:"+strconv.Itoa(i+1))
	}
	return strings.Join(lines, "\n")
}

func addrPort(addr string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), 40000)
}
