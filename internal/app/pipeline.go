package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/gateway/site"
	"github.com/lunette-waf/lunette/internal/reason"
)

// copySize is how much of a response is on its way at once, in bytes.
const copySize = 32 << 10

// recorder is who writes down an exchange that is over.
type recorder interface {
	Admit() error
	Record(x *exchange.Exchange)
}

// pipeline is the request's way: site → policy → origin → policy → client. It implements exchange.Handler.
type pipeline struct {
	graph  atomic.Pointer[graph]
	rec    recorder
	log    *slog.Logger
	idle   atomic.Int64 // of upgraded connections, as a time.Duration; 0: no limit
	copies sync.Pool    // *[copySize]byte
	after  *aftermath   // remembers what went wrong, and how origins are; nil: nobody does

	failures *failureHub // tells captures of what failed; nil: none
}

func newPipeline(rec recorder, log *slog.Logger) *pipeline {
	p := &pipeline{rec: rec, log: log}
	p.copies.New = func() any { return new([copySize]byte) }
	return p
}

// Serve implements exchange.Handler.
func (p *pipeline) Serve(ctx context.Context, x *exchange.Exchange) {
	t := transit{p: p, g: p.graph.Load(), x: x}
	defer t.finish()
	if err := p.rec.Admit(); err != nil {
		t.fail(reason.Of(err))
		return
	}
	t.serve(ctx)
}

// transit is one exchange on its way.
type transit struct {
	p     *pipeline
	g     *graph
	x     *exchange.Exchange
	m     site.Match
	begun bool // the head of an answer is queued or sent
}

// serve takes the exchange through the stages. Each step either goes on or has ended it.
func (t *transit) serve(ctx context.Context) {
	x := t.x
	m, f := t.g.table.Match(x)
	t.m = m
	if f != nil {
		if f.Rules {
			x.Refused = f.Reason
			t.p.inspectRefused(t.g, x, &t.m)
		}
		r, body := t.g.table.Refusal(x, &t.m, f)
		t.answer(r, body, f.Reason)
		return
	}
	if r := t.g.table.Redirect(x, &t.m); r != nil {
		t.answer(r, nil, nil)
		return
	}
	rt := &t.g.routes[m.Route.Index]
	if rt.policy == nil { // it came on a connection that named no site, or that is older than the setting
		t.fail(reason.New(reason.ConfigSNIHostMismatch, "TLS for this site is passed through", nil))
		return
	}
	if !t.admitBody(rt.body) {
		return
	}
	out := t.g.table.Outgoing(x, &t.m)
	tx := t.g.routes[m.Policy.Index].policy.Begin(x)
	defer tx.End()
	if d := tx.Request(ctx); d.Stop() {
		t.stop(d.Answer, d.Reason)
		return
	}
	out.Body = x.Request.Body
	if out.Length == exchange.Chunked {
		out.Body = trailed{out.Body}
	}
	if t.g.routes[m.Policy.Index].response {
		decodable(&out)
	}
	resp, err := rt.origin.RoundTrip(ctx, x, &out)
	if err != nil {
		t.fail(reason.Of(err))
		return
	}
	defer func() { _ = resp.Body.Close() }()
	t.g.table.Incoming(resp)
	if d := tx.Response(ctx, resp); d.Stop() {
		t.stop(d.Answer, d.Reason)
		return
	}
	x.Answer.Origin = true
	if resp.Upgraded != nil {
		t.tunnel(resp)
		return
	}
	t.relay(ctx, resp)
}

// admitBody holds the request body to the route's limit: a stated length now, the rest while it is read.
func (t *transit) admitBody(limit int64) bool {
	q := &t.x.Request
	if q.Length == 0 {
		return true
	}
	if q.Length > limit {
		t.fail(reason.New(reason.LimitBodyTooBig, strconv.FormatInt(q.Length, 10)+" bytes, limit "+strconv.FormatInt(limit, 10), nil))
		return false
	}
	if b, ok := q.Body.(interface{ SetLimit(n int64) }); ok {
		b.SetLimit(limit)
	}
	return true
}

// decodable keeps the origin from sending what rules cannot read: a coding other than gzip and deflate.
func decodable(out *exchange.Request) {
	if out.Header.Has("Accept-Encoding") {
		out.Header.Set("Accept-Encoding", "gzip, deflate")
	}
}

// trailed is a request body whose trailer says to the origin only what a header may say.
type trailed struct{ exchange.Body }

// Trailer implements exchange.Body.
func (b trailed) Trailer() exchange.Header { return site.Trailer(b.Body.Trailer()) }

// Rewind implements origin.Rewinder where the body does.
func (b trailed) Rewind() bool {
	r, ok := b.Body.(origin.Rewinder)
	return ok && r.Rewind()
}

// relay streams the origin's answer to the client.
func (t *transit) relay(ctx context.Context, resp *exchange.Response) {
	x := t.x
	buf := t.p.copies.Get().(*[copySize]byte)
	defer t.p.copies.Put(buf)
	if ready, ok := resp.Body.(interface{ Ready() bool }); ok && !ready.Ready() {
		// Nothing of the body is there: an event stream, or a slow page. The client shall have the head now.
		if !t.head(resp) || !t.send(ctx, nil, false) {
			return
		}
	}
	for {
		n, err := resp.Body.Read(buf[:])
		if err != nil && err != io.EOF {
			t.broken(reason.Of(err), n)
			return
		}
		if !t.begun && !t.head(resp) {
			return
		}
		if err == nil {
			if !t.send(ctx, buf[:n], false) {
				return
			}
			continue
		}
		if tr := site.Trailer(resp.Body.Trailer()); len(tr) > 0 {
			if t.send(ctx, buf[:n], false) {
				t.sent(ctx, x.W.Trailer(tr))
			}
			return
		}
		t.send(ctx, buf[:n], true)
		return
	}
}

// head queues the head of the answer.
func (t *transit) head(r *exchange.Response) bool {
	x := t.x
	t.begun = true
	x.Answer.Status, x.Answer.Header = r.Status, r.Header // the listener counts bytes and times
	if err := x.W.Head(r); err != nil {
		return t.sent(context.Background(), err)
	}
	return true
}

func (t *transit) send(ctx context.Context, p []byte, last bool) bool {
	return t.sent(ctx, t.x.W.Body(p, last))
}

// sent reports whether writing to the client went well; if not, the exchange ends here.
func (t *transit) sent(ctx context.Context, err error) bool {
	if err == nil {
		return true
	}
	r := reason.FromNet(err, reason.PhaseClientWrite)
	if ctx.Err() != nil {
		if cause := reason.Of(context.Cause(ctx)); cause != nil {
			r = cause
		}
	}
	t.x.Aborted = true
	t.blame(r)
	return false
}

// broken ends an answer that the origin did not finish.
func (t *transit) broken(r *reason.Error, unsent int) {
	if r == nil {
		r = reason.New(reason.UsInternal, "read the answer", nil)
	}
	if !t.begun && unsent == 0 {
		t.x.Answer.Origin = false
		t.fail(r)
		return
	}
	t.x.Aborted = true
	t.blame(r)
}

func (t *transit) blame(r *reason.Error) {
	t.x.Answer.Reason, t.x.Answer.Detail, t.x.Answer.InRequest = r.Code, r.Detail, r.InRequest
}

// stop answers where the rules, or a body that could not be read, end the exchange.
func (t *transit) stop(answer *exchange.Response, r *reason.Error) {
	status := 0
	if answer != nil {
		status = answer.Status
	}
	t.refuse(status, answer, r)
}

// fail answers for a fault.
func (t *transit) fail(r *reason.Error) { t.refuse(0, nil, r) }

// refuse makes up the answer for r. A client that has left gets none: its record says 499.
func (t *transit) refuse(status int, from *exchange.Response, r *reason.Error) {
	x := t.x
	x.Answer.Origin, x.Answer.InRequest = false, r.InRequest
	if r.Code == reason.ClientGone {
		x.Answer.Status, x.Aborted = 499, true
		t.blame(r)
		return
	}
	if t.begun {
		x.Aborted = true
		t.blame(r)
		return
	}
	resp, body := t.g.table.ErrorAnswer(x, &t.m, status, r.Code, r.Detail)
	if from != nil {
		for _, f := range from.Header {
			resp.Header.Set(f.Name, f.Value)
		}
	}
	t.answer(resp, body, r)
}

// answer sends an answer of our own.
func (t *transit) answer(resp *exchange.Response, body []byte, r *reason.Error) {
	if r != nil {
		t.blame(r)
	}
	resp.Length = int64(len(body))
	if t.head(resp) {
		t.send(context.Background(), body, true)
	}
}

// finish completes the record, also after a panic of a stage.
func (t *transit) finish() {
	x := t.x
	if v := recover(); v != nil {
		t.p.log.Error("a request panicked; please report this", "id", x.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		t.fail(reason.New(reason.UsPanic, "", nil))
	}
	t.identityLost()
	x.Answer.Duration = time.Since(x.Start)
	t.p.after.over(x, t.route())
	t.p.failures.exchange(x)
	t.p.rec.Record(x)
}

// route is what was served by, nil where the request never got to one.
func (t *transit) route() *route {
	if t.m.Route == nil {
		return nil
	}
	return &t.g.routes[t.m.Route.Index]
}

// identityLost marks attempts in which the origin asked for a certificate while the client had shown us one that goes
// no further: the origin sees Lunette, or nobody.
func (t *transit) identityLost() {
	c := t.x.Client
	if c == nil || c.TLS == nil || len(c.TLS.Chain) == 0 || t.m.Route == nil || t.g.routes[t.m.Route.Index].forwards {
		return
	}
	for i := range t.x.Attempts {
		if a := &t.x.Attempts[i]; a.CertRequested && a.Reason == "" {
			a.Reason, a.Detail = reason.TLSClientIdentityLost, "the origin got no certificate"
			if a.CertSent {
				a.Detail = "the origin got ours"
			}
		}
	}
}
