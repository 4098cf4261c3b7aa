package smuggling_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/telemetry"
	"github.com/lunette-waf/lunette/test/peer"
	"github.com/lunette-waf/lunette/test/wiretable"
)

const requestTable = "../../internal/httpwire/testdata/requests.txt"

func table(t testing.TB, file string, least int) []wiretable.Case {
	t.Helper()
	cases, err := wiretable.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < least {
		t.Fatalf("%s has %d rows, want at least %d", file, len(cases), least)
	}
	return cases
}

// TestForwarding holds every origin to the contract. Each is started once.
func TestForwarding(t *testing.T) {
	for _, kind := range peer.EchoOrigins() {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			o := kind.Start(t, nil)
			for _, p := range policies() {
				t.Run(p.name, func(t *testing.T) { replayRequests(t, o, p) })
			}
			t.Run("forged", func(t *testing.T) { forgedFields(t, o) })
			t.Run("http2", func(t *testing.T) { overHTTP2(t, o) })
		})
	}
}

// sitePolicy is how the site is configured that rows go through.
type sitePolicy struct {
	name    string
	path    string // of the configuration
	waf     string
	buffers bool // with rules that record what they see: bodies are read whole before anything is sent
	network int  // second byte of its clients' addresses
	piece   int  // rows are sent in pieces of so many bytes; 0: in one
}

func policies() []sitePolicy {
	all := []sitePolicy{
		{name: "lenient", path: "lenient", waf: "{mode: off}", network: 1},
		{name: "strict", path: "strict", waf: "{mode: off}", network: 2},
		{name: "inspected", path: "lenient", waf: "{mode: block, core_rules: false}", buffers: true, network: 3},
	}
	if soak() { // the same, cut elsewhere
		for _, piece := range []int{1, 7, 64} {
			for _, p := range all[:3] {
				p.name, p.piece, p.network = fmt.Sprintf("%s-%d", p.name, piece), piece, len(all)+10
				all = append(all, p)
			}
		}
	}
	return all
}

// address is the loopback address that the client of row i connects from: logs then tell rows apart.
func (p sitePolicy) address(i int) string {
	return fmt.Sprintf("127.%d.%d.%d", p.network, i/250, i%250+1)
}

func (p sitePolicy) yaml(origin string) string {
	return listenPlain + fmt.Sprintf(`
sites:
  - names: [a.test]
    default: true
    path: %s
    waf: %s
    origin: {urls: ["http://%s"], http: "1.1"}
`, p.path, p.waf, origin)
}

// row is one row on its way through.
type row struct {
	wiretable.Case
	client string // its address
	marker string // target of the request behind it; "" where the client ends its direction instead
	want   reading
	got    answers
	logged []*telemetry.Record
	origin []peer.Received
}

func replayRequests(t *testing.T, o *peer.Server, p sitePolicy) {
	if p.buffers {
		p.waf = "{mode: block, core_rules: false, rules: [" + recordingRules(t) + "]}"
	}
	g := start(t, p.yaml(o.Addr))
	before := len(o.Received(t))
	cases := table(t, requestTable, 250)
	rows := make([]*row, len(cases))
	for i, c := range cases {
		r := &row{Case: c, client: p.address(i)}
		raw := c.Raw
		if c.Refuse != string(reason.ClientGone) {
			r.marker = fmt.Sprintf("/marker-%s-%d", p.name, i)
			raw = append(raw[:len(raw):len(raw)], get(r.marker)...)
		}
		r.want = readAll(raw)
		size := len(raw)
		if p.piece > 0 && size < 4096 {
			size = p.piece
		}
		r.got = talkIn(t, size, r.client, g.addr, raw, r.marker == "", r.want.method)
		rows[i] = r
	}
	end := "/end-" + p.name
	talk(t, p.address(len(rows)), g.addr, []byte(get(end)), false, reading{}.method)
	o.Await(t, end)
	records := g.records()
	received := byClient(o.Received(t)[before:])
	reused, unread := 0, 0
	for _, r := range rows {
		r.logged, r.origin = records[r.client], received[r.client]
		t.Run(strings.ReplaceAll(r.Name, "/", "_"), func(t *testing.T) { r.check(t, o.Name, p) })
		for _, x := range r.logged {
			if len(x.Attempts) > 0 && x.Attempts[0].Reused {
				reused++
			}
			if x.From == "origin" && x.Status >= 400 && len(r.origin) < len(r.logged) {
				unread++
			}
		}
	}
	// What nginx refuses by itself it writes down without fields.
	if stray := received[""]; len(stray) > unread {
		t.Errorf("the origin received requests that nobody sent: %q", stray)
	}
	if reused < 100 {
		t.Errorf("%d requests went over a kept origin connection: too few to show that none is poisoned", reused)
	}
}

// get is a last request on a connection.
func get(target string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"
}

// method is what the i-th response answers.
func (r reading) method(i int) string {
	if i < len(r.seen) {
		return r.seen[i].Method
	}
	return http.MethodGet
}

// byClient sorts what an origin received by the address that the gateway says it came from.
func byClient(all []peer.Received) map[string][]peer.Received {
	out := map[string][]peer.Received{}
	for _, r := range all {
		from := r.Get("X-Forwarded-For")
		out[from] = append(out[from], r)
	}
	return out
}

// check holds one row to the contract.
func (r *row) check(t *testing.T, origin string, p sitePolicy) {
	if r.got.endless || r.got.rest != "" {
		t.Errorf("the client got bytes that are no response, or the connection stayed open: %q", r.got.rest)
	}
	v := expected(&r.Case, p.name)
	if r.Refuse == "" && v.reason == "" {
		r.checkForwarded(t)
	} else {
		r.checkRefused(t, v)
	}
	r.checkLog(t)
	r.checkOrigin(t, origin, p)
	if p.buffers {
		r.checkRules(t, origin)
	}
}

// checkRefused: the stated reason and status; a refusal by the parser ends the connection.
func (r *row) checkRefused(t *testing.T, v verdict) {
	switch {
	case v.status == 0 && len(r.got.final) > 0:
		t.Errorf("the client got %d, want nothing", r.got.final[0].StatusCode)
	case v.status != 0 && (len(r.got.final) == 0 || r.got.final[0].StatusCode != v.status):
		t.Errorf("the client got %d, want %d", r.got.statuses(), v.status)
	}
	if len(r.logged) == 0 {
		if r.Refuse != string(reason.ClientGone) {
			t.Errorf("nothing was logged, want %s", v.reason)
		}
		return
	}
	x := r.logged[0]
	if x.Reason != v.reason || x.Side != "client" || x.From != "lunette" {
		t.Errorf("logged %s (%s) by the %s from %s, want %s by the client", x.Reason, x.Detail, x.Side, x.From, v.reason)
	}
	if r.Refuse == "" {
		return // what the site refuses is a message whose end is known: the connection may go on
	}
	if len(r.logged) != 1 || len(r.got.final) > 1 || len(r.got.final) == 1 && !r.got.final[0].Close {
		t.Errorf("the connection went on after a refusal: %d requests logged, answers %d", len(r.logged), r.got.statuses())
	}
	if r.got.reset {
		t.Error("the connection was reset, which may destroy the answer")
	}
}

// checkForwarded: the origin's answer came through, and the one for the marker.
func (r *row) checkForwarded(t *testing.T) {
	if len(r.logged) == 0 || r.logged[0].From != "origin" || r.logged[0].Reason != "" || len(r.got.final) == 0 {
		t.Fatalf("want the origin's answer; the client got %d, logged %+v", r.got.statuses(), r.logged)
	}
	if v := r.Want("proto", ""); v != "" && r.logged[0].Request.Proto != v {
		t.Errorf("logged %s, want %s", r.logged[0].Request.Proto, v)
	}
	last := r.want.seen[len(r.want.seen)-1]
	if last.Target == r.marker && last.Method == http.MethodGet && !r.got.final[len(r.logged)-1].Close {
		t.Error("the last answer does not say that the connection closes")
	}
	if len(r.want.seen) > 1 && r.want.seen[0].Proto == exchange.HTTP11 && len(r.logged) < 2 {
		t.Errorf("the request behind it was not served: answers %d", r.got.statuses())
	}
}

// checkLog: one line for each request that a canonical reading finds, in order, with what that finds; one answer for each.
func (r *row) checkLog(t *testing.T) {
	answered := 0
	for i, x := range r.logged {
		if x.Status != 0 && x.Status != 499 {
			answered++
		}
		if i >= len(r.want.seen) {
			if f := reason.Of(r.want.fault); i > len(r.want.seen) || f == nil || x.Reason != string(f.Code) && x.Reason != string(reason.ClientTLSOnPlain) {
				t.Errorf("logged request %d, %s %s (%s), where a canonical reading ends with %v", i, x.Request.Method, x.Request.Path, x.Reason, r.want.fault)
			}
			continue
		}
		r.want.seen[i].compareLog(t, x)
	}
	if answered != len(r.got.final) {
		t.Errorf("%d answers for %d requests", len(r.got.final), answered)
	}
	if n := len(r.logged); n > 0 && n < len(r.want.seen) && len(r.got.final) > 0 && !r.got.final[len(r.got.final)-1].Close {
		t.Errorf("%d of %d requests were served and the connection was not closed", n, len(r.want.seen))
	}
}

func (a answers) statuses() (out []int) {
	for _, r := range a.final {
		out = append(out, r.StatusCode)
	}
	return out
}
