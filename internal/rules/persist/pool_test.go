package persist

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// visit uses the store of name for a moment and returns how often that was done before.
func visit(p *Pool, name string) int64 {
	defer p.Release(name)
	return p.Acquire(name).Open("ip", "192.0.2.1").Add("visits", 1) - 1
}

func TestPoolKeepsForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool
		first := p.Acquire("a")
		first.Open("ip", "x").Set("n", "1")
		if again := p.Acquire("a"); again != first || p.Acquire("b") == first {
			t.Error("two users of a name have two stores, or two names have one")
		}
		p.Release("a")
		p.Release("b")
		time.Sleep(idleTime * 2)
		if p.Len() != 1 {
			t.Errorf("%d stores are held, want that of a, which is in use", p.Len())
		}
		p.Release("a")
		p.Release("a") // once too often
		time.Sleep(idleTime - 1)
		if p.Acquire("a") != first {
			t.Error("what came shortly after has another store")
		}
		time.Sleep(idleTime)
		if p.Len() != 1 {
			t.Error("gone while in use again")
		}
		p.Release("a")
		time.Sleep(idleTime / 2)
		visit(&p, "b")
		time.Sleep(idleTime / 2)
		if synctest.Wait(); p.Len() != 1 || visit(&p, "b") != 1 {
			t.Errorf("%d stores are held, want that of b", p.Len())
		}
		time.Sleep(idleTime)
		if synctest.Wait(); p.Len() != 0 || len(p.idle) != 0 || p.bytes != 0 || p.timed {
			t.Errorf("%d stores are held, %d bytes", p.Len(), p.bytes)
		}
	})
}

// What nobody uses is bounded in number and bytes; what is empty is not kept.
func TestPoolBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p Pool
		for i := range 1000 {
			p.Acquire(fmt.Sprint("empty ", i))
			p.Release(fmt.Sprint("empty ", i))
			visit(&p, fmt.Sprint("site ", i))
		}
		if p.Len() != idleCount || visit(&p, "site 999") != 1 || visit(&p, "site 0") != 0 {
			t.Errorf("%d stores are held", p.Len())
		}
		text := strings.Repeat("x", maxValue)
		for _, name := range []string{"c", "d"} {
			r := p.Acquire(name)
			for i := range 4000 { // of these three quarters of the bound
				o := r.Open("ip", fmt.Sprint(i))
				for k := range 3 {
					o.Set(fmt.Sprint("v", k), text)
				}
			}
			p.Release(name)
		}
		if p.Len() != 1 || p.bytes > idleBytes || p.bytes < idleBytes/2 {
			t.Errorf("%d stores, %d bytes are held", p.Len(), p.bytes)
		}
	})
}
