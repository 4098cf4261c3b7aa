package policy_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/reason"
)

func TestModes(t *testing.T) {
	for _, c := range []struct {
		mode    policy.Mode
		stop    bool
		verdict string
		steps   []string
	}{
		{policy.Block, true, "block", []string{"begin", "head", "end"}},
		{"", true, "block", []string{"begin", "head", "end"}},
		{policy.Detect, false, "pass", []string{"begin", "head", "body", "end"}}, // the engine says detect by itself
		{policy.Off, false, "", nil},
	} {
		f := &fake{requestHead: block}
		x := request(body("hello"), 5)
		tx := stage(t, policy.Config{Mode: c.mode}, f).Begin(x)
		d := tx.Request(t.Context())
		got := ""
		if !c.stop {
			var err error
			if got, err = drain(t, x.Request.Body); err != nil || got != "hello" {
				t.Errorf("%q: origin gets %q, %v", c.mode, got, err)
			}
		}
		tx.End()
		if d.Stop() != c.stop || x.WAF.Verdict != c.verdict || !cmp.Equal(f.steps, c.steps) {
			t.Errorf("%q: %+v %+v %v", c.mode, d, x.WAF, f.steps)
		}
		if d.Stop() && (d.Answer.Status != 403 || d.Reason.Code != reason.WAFBlockedRequest || x.WAF.Phase != "request_headers") {
			t.Errorf("%q: %+v %+v", c.mode, d, x.WAF)
		}
	}
}

func TestOffCostsNothing(t *testing.T) {
	s, err := policy.New(policy.Config{Mode: policy.Off}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := body("hello")
	x, r := request(b, 5), &exchange.Response{Status: 200, Body: body("x"), Length: 1}
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		tx := s.Begin(x)
		if tx.Request(ctx).Stop() || tx.Response(ctx, r).Stop() {
			t.Error("stopped")
		}
		tx.End()
	}); n != 0 || b.read != 0 || x.Request.Body != b || x.WAF.Mode != "off" {
		t.Errorf("%v allocations, %d bytes read, %+v", n, b.read, x.WAF)
	}
}

func TestBodyLimits(t *testing.T) {
	long := strings.Repeat("0123456789", 10)
	for _, c := range []struct {
		name            string
		cfg             policy.Config
		length          int64
		text            string
		code            reason.Code
		seen            string
		partial         bool
		inspected, of   int64
		readBeforeBlock bool
	}{
		{name: "below", cfg: policy.Config{RequestLimit: 101}, length: 100, text: long, seen: long, inspected: 100, of: 100},
		{name: "at the limit", cfg: policy.Config{RequestLimit: 100}, length: 100, text: long, seen: long, inspected: 100, of: 100},
		{name: "at the limit, chunked", cfg: policy.Config{RequestLimit: 100}, length: exchange.Chunked, text: long, seen: long, inspected: 100, of: 100},
		{name: "over", cfg: policy.Config{RequestLimit: 99}, length: 100, text: long, code: reason.LimitBodyTooBig, of: 100},
		{name: "over, chunked", cfg: policy.Config{RequestLimit: 99}, length: exchange.Chunked, text: long, code: reason.LimitBodyTooBig, of: -1, readBeforeBlock: true},
		{name: "partial", cfg: policy.Config{RequestLimit: 50, Partial: true}, length: 100, text: long, seen: long[:50], partial: true, inspected: 50, of: 100},
		{name: "partial, chunked", cfg: policy.Config{RequestLimit: 50, Partial: true}, length: exchange.Chunked, text: long, seen: long[:50], partial: true, inspected: 50, of: 100},
		{name: "detect never refuses", cfg: policy.Config{RequestLimit: 50, Mode: policy.Detect}, length: 100, text: long, seen: long[:50], partial: true, inspected: 50, of: 100},
		{name: "in a file", cfg: policy.Config{RequestLimit: 200, Memory: 10}, length: 100, text: long, seen: long, inspected: 100, of: 100},
		{name: "partial in a file", cfg: policy.Config{RequestLimit: 50, Memory: 10, Partial: true}, length: -1, text: long, seen: long[:50], partial: true, inspected: 50, of: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.cfg.TempDir = dir
			f := &fake{}
			b := body(c.text)
			b.trailer = exchange.Header{{Name: "X-Sum", Value: "1"}}
			x := request(b, c.length)
			tx := stage(t, c.cfg, f).Begin(x)
			d := tx.Request(t.Context())
			if left, err := filepath.Glob(dir + "/*"); err != nil || len(left) != 0 {
				t.Errorf("file with a name: %v", left)
			}
			if c.code != "" {
				tx.End()
				if !d.Stop() || d.Reason.Code != c.code || (b.read > 0) != c.readBeforeBlock || x.WAF.Verdict != "block" || x.WAF.Inspected != 0 || x.WAF.Of != c.of {
					t.Fatalf("%+v, %d bytes read, %+v", d, b.read, x.WAF)
				}
				return
			}
			got, err := drain(t, x.Request.Body)
			trailer := x.Request.Body.Trailer()
			tx.End()
			if d.Stop() || err != nil || got != c.text || f.body != c.seen || f.partial != c.partial {
				t.Fatalf("%+v %v: origin gets %q, rules %q (partial %v)", d, err, got, f.body, f.partial)
			}
			if dropped := c.partial && c.cfg.Mode != policy.Detect; trailer.Has("X-Sum") == dropped {
				t.Errorf("trailer %v", trailer)
			}
			if x.WAF.Inspected != c.inspected || x.WAF.Of != c.of {
				t.Errorf("inspected %d of %d, want %d of %d", x.WAF.Inspected, x.WAF.Of, c.inspected, c.of)
			}
			if noted := len(x.WAF.Matches) == 1 && strings.HasPrefix(x.WAF.Matches[0].Message, "waf.skipped_by_limit"); noted != c.partial {
				t.Errorf("notes %+v", x.WAF.Matches)
			}
		})
	}
}

// For another attempt the body begins anew, unless bytes went by that nobody kept.
func TestRewind(t *testing.T) {
	for _, c := range []struct {
		limit int64
		want  bool
	}{{10, true}, {3, false}} {
		x := request(body("hello world"[:10]), exchange.Chunked)
		tx := stage(t, policy.Config{RequestLimit: c.limit, Partial: true}, &fake{}).Begin(x)
		tx.Request(t.Context())
		first, _ := drain(t, x.Request.Body)
		again, ok := x.Request.Body.(interface{ Rewind() bool })
		if !ok || again.Rewind() != c.want {
			t.Fatalf("limit %d: rewind is not %v", c.limit, c.want)
		}
		if second, err := drain(t, x.Request.Body); c.want && (second != first || err != nil) {
			t.Errorf("second attempt gets %q, %v", second, err)
		}
		tx.End()
	}
}

func TestFaultSettings(t *testing.T) {
	boom := func() (*exchange.Response, error) { panic("boom") }
	late := func() (*exchange.Response, error) { return nil, reason.New(reason.WAFTimeout, "", nil) }
	engine := func() (*exchange.Response, error) { return nil, errors.New("engine broke") }
	for _, c := range []struct {
		name string
		f    fake
		cfg  policy.Config
		code reason.Code
	}{
		{"panic in the head", fake{requestHead: boom}, policy.Config{}, reason.WAFEngineError},
		{"panic in the body", fake{requestBody: boom}, policy.Config{}, reason.WAFEngineError},
		{"error", fake{requestBody: engine}, policy.Config{}, reason.WAFEngineError},
		{"budget spent", fake{requestHead: late}, policy.Config{}, reason.WAFTimeout},
		{"disk full", fake{}, policy.Config{Memory: 1, TempDir: filepath.Join(t.TempDir(), "missing")}, reason.WAFFailClosed},
	} {
		for _, mode := range []policy.Mode{policy.Block, policy.Detect} {
			for _, open := range []bool{false, true} {
				f, cfg := c.f, c.cfg
				cfg.Mode, cfg.FailOpen = mode, open
				pass := open || mode == policy.Detect
				x := request(body("hello world"), 11)
				tx := stage(t, cfg, &f).Begin(x)
				d := tx.Request(t.Context())
				if d.Stop() == pass || d.Stop() && (d.Reason.Code != c.code || d.Answer != nil) {
					t.Errorf("%s, %s, open %v: %+v", c.name, mode, open, d)
				}
				if got, err := drain(t, x.Request.Body); pass && (got != "hello world" || err != nil) {
					t.Errorf("%s: origin gets %q, %v", c.name, got, err)
				}
				if r := (&exchange.Response{Status: 200, Body: exchange.NoBody}); pass && tx.Response(t.Context(), r).Stop() {
					t.Errorf("%s: stopped at the response", c.name)
				}
				tx.End()
				want := "waf.fail_closed"
				if pass {
					want = "waf.fail_open"
				}
				if n := len(x.WAF.Matches); x.WAF.Verdict != "error" || n == 0 || !strings.HasPrefix(x.WAF.Matches[n-1].Message, want) {
					t.Errorf("%s, %s, open %v: %+v", c.name, mode, open, x.WAF)
				}
			}
		}
	}
}

func TestClientFaults(t *testing.T) {
	bad := reason.New(reason.HTTP1BadChunk, "chunk size", nil)
	b := body("hello")
	b.err = bad
	x := request(b, exchange.Chunked)
	tx := stage(t, policy.Config{}, &fake{}).Begin(x)
	if d := tx.Request(t.Context()); d.Reason != bad {
		t.Errorf("%+v", d)
	}
	tx.End()

	ctx, cancel := context.WithCancelCause(t.Context())
	gone := reason.New(reason.ClientGone, "", nil)
	cancel(gone)
	x = request(body("hello"), 5)
	tx = stage(t, policy.Config{Mode: policy.Detect}, &fake{}).Begin(x)
	if d := tx.Request(ctx); d.Reason != gone {
		t.Errorf("%+v", d)
	}
	tx.End()
}

// What one step takes is missing in the next: each deadline lies nearer than the budget, counted from its own step.
func TestBudgetIsOfTheWholeExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func() (*exchange.Response, error) { time.Sleep(3 * time.Second); return nil, nil }
		f := &fake{requestHead: slow, requestBody: slow, responseHead: slow}
		x := request(exchange.NoBody, 0)
		tx := stage(t, policy.Config{Budget: 10 * time.Second}, f).Begin(x)
		tx.Request(t.Context())
		time.Sleep(time.Hour) // waiting for the origin costs nothing
		tx.Response(t.Context(), &exchange.Response{Status: 200, Body: exchange.NoBody})
		tx.End()
		want := []time.Duration{10 * time.Second, 7 * time.Second, 4 * time.Second, time.Second}
		if !cmp.Equal(f.left, want) || x.WAF.Spent != 9*time.Second {
			t.Errorf("time left %v, want %v; spent %v", f.left, want, x.WAF.Spent)
		}
		f = &fake{}
		tx = stage(t, policy.Config{Budget: -1}, f).Begin(request(exchange.NoBody, 0))
		tx.Request(t.Context())
		tx.End()
		if !cmp.Equal(f.left, []time.Duration{0, 0}) {
			t.Errorf("no bound: %v", f.left)
		}
	})
}

// Of large bodies only so many are with the rules at once; the others wait, which is no time of the rules.
func TestGate(t *testing.T) {
	large := strings.Repeat("x", 64<<10)
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		inside, most := 0, 0
		enter := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			inside += by
			most = max(most, inside)
		}
		slow := func() (*exchange.Response, error) {
			enter(1)
			time.Sleep(4 * time.Second)
			enter(-1)
			return nil, nil
		}
		gate := policy.NewGate(2, 1<<30)
		start := func(ctx context.Context, content string, done chan<- policy.Decision) {
			f := &fake{requestBody: slow}
			tx := stage(t, policy.Config{Gate: gate, Budget: 5 * time.Second}, f).Begin(request(body(content), int64(len(content))))
			go func() {
				defer tx.End()
				d := tx.Request(ctx)
				if len(f.left) == 2 && f.left[1] != 5*time.Second {
					t.Errorf("%v left for the body: waiting was counted", f.left[1])
				}
				done <- d
			}()
		}
		done := make(chan policy.Decision, 9)
		for range 4 {
			start(t.Context(), large, done)
		}
		for range 4 {
			if d := <-done; d.Stop() {
				t.Errorf("ended: %v", d.Reason)
			}
		}
		if most != 2 {
			t.Errorf("%d at once, want 2", most)
		}

		for range 20 { // two every 4 s: the last ones have no turn within 30 s
			start(t.Context(), large, done)
		}
		synctest.Wait()
		ctx, leave := context.WithCancelCause(t.Context())
		gone := make(chan policy.Decision, 1)
		start(ctx, large, gone)
		synctest.Wait()
		leave(reason.New(reason.ClientGone, "", nil))
		if d := <-gone; !d.Stop() || d.Reason.Code != reason.ClientGone {
			t.Errorf("client left: %v", d.Reason)
		}
		small := make(chan policy.Decision, 1)
		begun := time.Now()
		start(t.Context(), "small", small)
		if d := <-small; d.Stop() || time.Since(begun) != 4*time.Second {
			t.Errorf("a small body waited %v: %v", time.Since(begun), d.Reason)
		}
		late := 0
		for range 20 {
			if d := <-done; d.Stop() {
				late++
				if d.Reason.Code != reason.WAFTimeout {
					t.Errorf("ended: %v", d.Reason)
				}
			}
		}
		if late != 4 {
			t.Errorf("%d had no turn, want 4", late)
		}
	})
}

// What rules have read counts until the exchange is over, however long its origin takes.
func TestGateHoldsUntilTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := policy.NewGate(8, 1<<20)
		begin := func(content string) (*policy.Transaction, policy.Decision) {
			tx := stage(t, policy.Config{Gate: gate}, &fake{}).Begin(request(body(content), int64(len(content))))
			return tx, tx.Request(t.Context())
		}
		large := strings.Repeat("x", 600<<10)
		first, d := begin(large)
		if d.Stop() {
			t.Fatal(d.Reason)
		}
		start := time.Now()
		go func() {
			time.Sleep(10 * time.Second) // the origin answers
			first.End()
		}()
		second, d := begin(large)
		if d.Stop() || time.Since(start) != 10*time.Second {
			t.Errorf("the second had room after %v: %v", time.Since(start), d.Reason)
		}
		if third, d := begin(large); !d.Stop() || d.Reason.Code != reason.WAFTimeout {
			t.Errorf("the third: %v", d.Reason)
		} else {
			third.End()
		}
		second.End()
		if huge, d := begin(strings.Repeat("x", 3<<20)); d.Stop() {
			t.Errorf("a body beyond the whole: %v", d.Reason)
		} else {
			huge.End()
		}
	})
}

func TestMasking(t *testing.T) {
	match := exchange.Match{ID: 1, Target: "ARGS:password", Part: "secret"}
	for _, c := range []struct {
		mask func(target, part string) string
		want string
	}{{nil, "[6 bytes]"}, {func(target, _ string) string { return "<" + target + ">" }, "<ARGS:password>"}} {
		x := request(exchange.NoBody, 0)
		tx := stage(t, policy.Config{Mask: c.mask}, &fake{matches: []exchange.Match{match}}).Begin(x)
		tx.Request(t.Context())
		tx.End()
		if got := x.WAF.Matches[0].Part; got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestFileMode(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("needs /proc: the file has no name to look at otherwise")
	}
	dir := t.TempDir()
	x := request(body("hello world"), 11)
	tx := stage(t, policy.Config{Memory: 1, TempDir: dir}, &fake{}).Begin(x)
	tx.Request(t.Context())
	if n := openIn(t, dir); n != 1 {
		t.Errorf("%d files open", n)
	}
	tx.End()
	if n := openIn(t, dir); n != 0 {
		t.Errorf("%d files open after the end", n)
	}
}

// openIn counts this process's open files under dir and holds that only the owner may read them.
func openIn(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, dir) {
			n++
			if st, err := os.Stat(fd); err != nil || st.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v %v", name, st, err)
			}
		}
	}
	return n
}

func TestConfigFaults(t *testing.T) {
	for _, c := range []policy.Config{{Mode: "on"}, {RequestLimit: -1}, {RequestLimit: policy.MaxLimit + 1}, {ResponseLimit: policy.MaxLimit + 1}, {Memory: -1}} {
		if _, err := policy.New(c, policy.Use(&fake{})); err == nil {
			t.Errorf("accepted: %+v", c)
		}
	}
	if _, err := policy.New(policy.Config{}, nil); err == nil {
		t.Error("accepted: no engine")
	}
}
