package route

import (
	"fmt"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// again is how soon after a failed try the next one begins.
const again = 2 * time.Second

var retryAmplification = check.Check{
	Code:      "config.retry_amplification",
	Title:     "one request is tried again and again, each time to the end of a timer",
	Severity:  finding.Warning,
	Catalogue: []int{88},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.ReadOverTotalTime, reason.LimitRetryBudget},
	On:        []fact.Kind{fact.RequestHead, fact.RequestSent, fact.GaveUp},
	Needs:     check.Others,
	Text: `The proxy waits for its timer, gives up, and sends the same request on another connection, or to another server, where the same
work begins anew and takes as long. The user waits N times the timer; an origin that is slow already gets N times the load,
because the tries that were given up still run there; and when the request was a POST that the origin did get, an order is placed
twice.

nginx does it by default with proxy_next_upstream error timeout (one line *upstream timed out* for each server, several addresses
in $upstream_addr); idempotent methods only since 1.9.13. Envoy needs retry_on, HAProxy *retry-on*, and then *redispatch*;
browsers and HTTP libraries repeat GETs by themselves when a used connection is closed. A load balancer in front, the proxy, and a
service mesh behind may each try three times: twenty-seven requests.

It is no cause of the failure, which stands beside it. A retry on another server after a refused connection, before anything was
sent, is harmless and wanted. Two users who press reload look the same where the request has nothing that tells them apart.`,
	Asks: []string{"How many requests does the origin count for one of the user's? Compare a request id (X-Request-Id, traceparent) in both logs."},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Try once, and bound all tries together.", Lines: "origin:\n  retries: 0\n  timeouts:\n    total: 90s"},
		{On: finding.Nginx, Do: "Where nginx is in between: retry refused connections and not timeouts.", Lines: "proxy_next_upstream error;\nproxy_next_upstream_tries 2;\nproxy_next_upstream_timeout 10s;"},
		{On: finding.Origin, Do: "Take a key for each order (Idempotency-Key), so that a repeated one is not done twice; end work whose client is gone."},
	},
	Sources: []string{"RFC 9110 section 9.2.2", "nginx: ngx_http_proxy_module, proxy_next_upstream"},
	Run:     runRetryAmplification,
}

// try is one request that was given up.
type try struct {
	f          *check.Flow
	at         int
	begin, end time.Time
	x          *check.Exchange
}

func runRetryAmplification(c *check.Case) *check.Verdict {
	last, ok := givenUp(c.Flow)
	if !ok || last.x == nil || last.x.Request == nil {
		return nil
	}
	tries := []try{last}
	for _, o := range c.Others {
		if t, ok := givenUp(o); ok && o.Purpose == "" && t.x != nil && same(t.x.Request, last.x.Request) {
			tries = append(tries, t)
		}
	}
	slices.SortFunc(tries, func(a, b try) int { return a.begin.Compare(b.begin) })
	row := chain(tries, last.f)
	if len(row) < 2 {
		return nil
	}
	total := row[len(row)-1].end.Sub(row[0].begin)
	v := &check.Verdict{Confidence: finding.Likely, Settle: "compare a request id in the fields of the tries: the same means one user's request",
		Waited: total, Summary: fmt.Sprintf("%s was sent %d times in a row, each time until it was given up; together that took %s.", last.x.Line(), len(row), finding.Span(total))}
	if id := requestID(last.x.Request); id != "" && len(row) == countID(row, id) {
		v.Confidence, v.Settle = finding.Certain, ""
	}
	if m := last.x.Request.Method; m == "POST" || m == "PATCH" {
		v.Summary += " It is a " + m + ": the origin may have done it more than once."
	}
	for i, t := range row {
		text := fmt.Sprintf("try %d is sent, and given up %s later", i+1, finding.Span(t.end.Sub(t.begin)))
		if t.f == c.Flow {
			v.Proof = append(v.Proof, t.f.Proof(t.at, text))
		} else {
			v.Proof = append(v.Proof, c.Flow.ProofOther(&t.f.Facts[t.at], text))
		}
	}
	return v
}

// givenUp is the request of a connection that whoever sent it gave up after a wait.
func givenUp(f *check.Flow) (try, bool) {
	p := f.Pending()
	if p == nil || !p.Sure {
		return try{}, false
	}
	w := f.WaitOf(p)
	if w.Timer == "" && (w.End.At < 0 || w.End.Side != fact.SideClient) || w.Length < time.Second {
		return try{}, false
	}
	begin := f.Facts[p.At].At
	if p.Exchange != nil && p.Exchange.RequestAt >= 0 {
		begin = f.Facts[p.Exchange.RequestAt].At
	}
	return try{f, p.At, begin, begin.Add(w.Length), p.Exchange}, true
}

// chain is the row of tries around f's in which each begins as the one before it ends.
func chain(tries []try, f *check.Flow) []try {
	for len(tries) > 0 {
		row := tries[:1]
		for _, t := range tries[1:] {
			if gap := t.begin.Sub(row[len(row)-1].end); gap < -again/4 || gap > again {
				break
			}
			row = tries[:len(row)+1]
		}
		if slices.ContainsFunc(row, func(t try) bool { return t.f == f }) {
			return row
		}
		tries = tries[len(row):]
	}
	return nil
}

func same(a, b *fact.HTTPHead) bool {
	return a != nil && b != nil && a.Method == b.Method && a.Target == b.Target && a.Authority == b.Authority && check.Field(a, "Content-Length") == check.Field(b, "Content-Length") &&
		check.Field(a, "X-Forwarded-For") == check.Field(b, "X-Forwarded-For") && check.Field(a, "User-Agent") == check.Field(b, "User-Agent") && requestID(a) == requestID(b)
}

// requestID is what tells one request from another, "" without.
func requestID(h *fact.HTTPHead) string {
	for _, name := range [...]string{"X-Request-Id", "Traceparent", "X-Correlation-Id"} {
		if v := check.Field(h, name); v != "" {
			return v
		}
	}
	return ""
}

func countID(row []try, id string) int {
	n := 0
	for _, t := range row {
		if requestID(t.x.Request) == id {
			n++
		}
	}
	return n
}
