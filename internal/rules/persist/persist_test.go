package persist

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a time that tests turn.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) turn(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func all(r *Record) map[string]string {
	out := map[string]string{}
	r.Each(func(name, value string) { out[name] = value })
	return out
}

func TestBuiltins(t *testing.T) {
	c := newClock()
	s := New(Config{Now: c.now})
	first := s.Open("ip", "192.0.2.1")
	want := map[string]string{
		"key": "192.0.2.1", "is_new": "1", "create_time": "1700000000", "last_update_time": "1700000000", "timeout": "3600",
		"update_counter": "0", "update_rate": "0",
	}
	if d := cmp.Diff(want, all(first)); d != "" {
		t.Errorf("a record that nothing was stored in (-want +got):\n%s", d)
	}
	if v, _ := s.Open("ip", "192.0.2.1").Get("is_new"); v != "1" {
		t.Error("reading alone stored a record")
	}
	first.Set("a", "x")
	first.Add("B", 2)
	c.turn(30 * time.Second)
	second := s.Open("ip", "192.0.2.1")
	second.Set("timeout", "60")
	want = map[string]string{
		"key": "192.0.2.1", "is_new": "0", "create_time": "1700000000", "last_update_time": "1700000030", "timeout": "60",
		"update_counter": "2", "update_rate": "4", "a": "x", "b": "2",
	}
	if d := cmp.Diff(want, all(second)); d != "" {
		t.Errorf("a record changed by two requests (-want +got):\n%s", d)
	}
	second.Set("update_counter", "99")
	second.Expire("key", 0)
	if v, _ := second.Get("update_counter"); v != "2" {
		t.Errorf("update_counter was set to %s", v)
	}
	if v, ok := s.Open("session", "192.0.2.1").Get("a"); ok {
		t.Errorf("collections share keys: %q", v)
	}
}

func TestExpire(t *testing.T) {
	c := newClock()
	r := New(Config{Now: c.now, Timeout: 100 * time.Second}).Open("ip", "k")
	r.Expire("later", 20*time.Second)
	if _, ok := r.Get("later"); ok {
		t.Error("a term alone made a variable")
	}
	r.Set("later", "1")
	r.Set("stays", "1")
	c.turn(19 * time.Second)
	r.Add("later", 1)
	if v, _ := r.Get("later"); v != "2" {
		t.Errorf("before its term: %q, want 2", v)
	}
	c.turn(time.Second)
	if v, ok := r.Get("later"); ok {
		t.Errorf("behind its term: %q", v)
	}
	if _, ok := all(r)["later"]; ok {
		t.Error("Each shows what ran out")
	}
	if got := r.Add("later", 1); got != 1 {
		t.Errorf("counts from %d, want from 0", got-1)
	}
	c.turn(99 * time.Second)
	if _, ok := r.Get("stays"); !ok {
		t.Error("the record went before its time")
	}
	c.turn(time.Second)
	if _, ok := r.Get("stays"); ok {
		t.Error("the record is there behind its time")
	}
}

func TestDeprecate(t *testing.T) {
	c := newClock()
	r := New(Config{Now: c.now}).Open("session", "k")
	r.Set("score", "100")
	for _, step := range []struct {
		turn time.Duration
		want string
	}{{299 * time.Second, "100"}, {time.Second, "40"}, {299 * time.Second, "40"}, {302 * time.Second, "0"}, {900 * time.Second, "0"}} {
		c.turn(step.turn)
		r.Set("other", "1") // a change of another variable must not reset the count
		r.Deprecate("score", 60, 300*time.Second)
		if v, _ := r.Get("score"); v != step.want {
			t.Errorf("after %v more: %s, want %s", step.turn, v, step.want)
		}
	}
	r.Deprecate("none", 1, time.Second)
	if _, ok := r.Get("none"); ok {
		t.Error("deprecatevar made a variable")
	}
}

func TestAdd(t *testing.T) {
	r := New(Config{}).Open("global", "g")
	for _, c := range []struct {
		start string
		n     int64
		want  int64
	}{
		{"1", 2, 3}, {"", 5, 5}, {"word", 1, 1}, {"3", -5, 0}, {"9223372036854775807", 1, 9223372036854775807},
		{"-9223372036854775808", -1, 0}, {" 7", 1, 1},
	} {
		r.Set("n", c.start)
		if got := r.Add("n", c.n); got != c.want {
			t.Errorf("%q%+d = %d, want %d", c.start, c.n, got, c.want)
		}
	}
	r.Remove("n")
	if _, ok := r.Get("n"); ok {
		t.Error("removed, yet there")
	}
}

func TestConcurrent(t *testing.T) {
	s := New(Config{})
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for range 200 {
				r := s.Open("ip", "one")
				r.Add("n", 1)
				r.Expire("n", time.Hour)
				r.Each(func(_, _ string) {})
			}
		})
	}
	group.Wait()
	if v, _ := s.Open("ip", "one").Get("n"); v != "12800" {
		t.Errorf("n = %s, want 12800", v)
	}
	if v, _ := s.Open("ip", "one").Get("update_counter"); v != "12800" {
		t.Errorf("update_counter = %s, want 12800", v)
	}
}

func TestEviction(t *testing.T) {
	s := New(Config{Entries: 3})
	for i := range 3 {
		s.Open("ip", strconv.Itoa(i)).Set("v", "1")
	}
	s.Open("ip", "0") // used: 1 is the oldest now
	s.Open("ip", "3").Set("v", "1")
	for key, want := range map[string]bool{"0": true, "1": false, "2": true, "3": true} {
		if _, got := s.Open("ip", key).Get("v"); got != want {
			t.Errorf("record %s is there: %v, want %v", key, got, want)
		}
	}
	if got := s.Stats(); got.Entries != 3 || got.Evicted != 1 {
		t.Errorf("stats %+v", got)
	}
}

// TestBounds fills a store with hostile names and values and sees that it stays small, and that nothing is charged for what went.
func TestBounds(t *testing.T) {
	const limit = 1 << 20
	s := New(Config{Bytes: limit, Entries: 1000})
	for i := range 3000 {
		r := s.Open("ip", fmt.Sprint(i))
		for j := range 10 {
			r.Set(strings.Repeat("n", j*100)+strconv.Itoa(j), strings.Repeat("v", i*j))
		}
		if got := s.Stats(); got.Bytes > limit || got.Entries > 1000 {
			t.Fatalf("record %d: %+v", i, got)
		}
	}
	r := s.Open("ip", "wide")
	for i := range 2 * maxVariables {
		r.Set("v"+strconv.Itoa(i), "1")
	}
	if got := len(all(r)) - len(all(s.Open("ip", "none"))); got != maxVariables {
		t.Errorf("%d variables, want %d", got, maxVariables)
	}
	for i := range 2 * maxVariables {
		r.Remove("v" + strconv.Itoa(i))
	}
	for i := range s.shards {
		h := &s.shards[i]
		sum, n := int64(0), 0
		for e := h.oldest; e != nil; e = e.newer {
			sum, n = sum+e.bytes, n+1
		}
		if sum != h.bytes || n != len(h.records) {
			t.Errorf("shard %d: %d bytes in %d records, charged %d for %d", i, sum, n, h.bytes, len(h.records))
		}
	}
	tiny := New(Config{Bytes: 1000})
	tiny.Open("ip", "k").Set("v", strings.Repeat("x", 2000))
	if got := tiny.Stats(); got.Bytes != 0 || got.Evicted != 1 {
		t.Errorf("a record larger than the store: %+v", got)
	}
}

func BenchmarkAdd(b *testing.B) {
	s := New(Config{})
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		i := 0
		for p.Next() {
			i++
			s.Open("ip", keys[i&1023]).Add("n", 1)
		}
	})
}

// keys are made before the clock runs.
var keys = func() (out [1024]string) {
	for i := range out {
		out[i] = "192.0.2." + strconv.Itoa(i)
	}
	return out
}()
