package profile

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Config is for all origins of a process. The zero value works.
type Config struct {
	Changed func(Drift)      // hears of changes, on the goroutine that learned of them: must not wait; nil: nobody does
	Now     func() time.Time // default time.Now
	Most    int              // profiles; default 10000. What would be one more is not learned
}

// Book is what was learned of all origins. It is safe for concurrent use.
type Book struct {
	cfg     Config
	mu      sync.Mutex // for changing entries
	entries atomic.Pointer[map[key]*entry]
}

type key struct{ site, url string }

// New is an empty book.
func New(cfg Config) (*Book, error) {
	if cfg.Most == 0 {
		cfg.Most = 10000
	}
	if cfg.Most < 0 {
		return nil, errors.New("make book of profiles: most: want 1 or more")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Changed == nil {
		cfg.Changed = func(Drift) {}
	}
	b := &Book{cfg: cfg}
	b.entries.Store(&map[key]*entry{})
	return b, nil
}

// Learn learns from an attempt that is over, and reports whether its first byte was slow: more than slowFactor times what is usual for
// this origin, and more than a second. slowFactor 0 calls nothing slow.
func (b *Book) Learn(site string, slowFactor int, a *exchange.Attempt) (slow bool) {
	e := b.entry(site, a.URL, a.Start)
	if e == nil {
		return false
	}
	odd := !a.Reused || a.Reason != "" || len(a.Facts) > 0 || a.Renegotiations > 0 || a.Closing || a.CertRequested && !e.certAsked.Load()
	if a.Reused && a.Proto != exchange.HTTP2 && a.Reason == "" && e.idle.reused(a.Idle, a.Start) {
		odd = true
	}
	judge := e.count(a)
	if a.FirstByte > 0 && a.Status != 0 && a.Status != 101 {
		slow = e.base.slow(a.FirstByte, slowFactor)
		e.base.first.add(a.FirstByte)
		if slow {
			e.slow.Add(1)
		}
	}
	if odd || judge {
		b.tell(e.learn(a, judge))
	}
	return slow
}

// Closed learns that the origin had closed an idle HTTP/1.1 connection when it had lain for idle.
func (b *Book) Closed(site, url string, idle time.Duration) {
	now := b.cfg.Now()
	if e := b.entry(site, url, now); e != nil {
		b.tell(e.ended(idle, now))
	}
}

// Survived learns that an idle HTTP/1.1 connection was still open when it had lain for idle.
func (b *Book) Survived(site, url string, idle time.Duration) {
	now := b.cfg.Now()
	if e := b.entry(site, url, now); e != nil && e.idle.reused(idle, now) {
		b.tell(e.outlived(idle, now))
	}
}

// Check looks for certificates that are about to expire. To be called about once a minute.
func (b *Book) Check() {
	now := b.cfg.Now()
	for _, e := range *b.entries.Load() {
		b.tell(e.expiries(now))
	}
}

func (b *Book) tell(news []Drift) {
	for _, d := range news {
		b.cfg.Changed(d)
	}
}

// entry is that of an origin, new where there is none; nil where none can be had.
func (b *Book) entry(site, url string, now time.Time) *entry {
	k := key{site, url}
	if e := (*b.entries.Load())[k]; e != nil {
		return e
	}
	if url == "" {
		return nil
	}
	e := newEntry(Profile{Format: Format, Site: site, URL: url, First: now})
	return b.add(k, e)
}

// add makes e known, unless another one is or there are too many.
func (b *Book) add(k key, e *entry) *entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := *b.entries.Load()
	if have := old[k]; have != nil {
		return have
	}
	if len(old) >= b.cfg.Most {
		return nil
	}
	next := make(map[key]*entry, len(old)+1)
	for k, e := range old {
		next[k] = e
	}
	next[k] = e
	b.entries.Store(&next)
	return e
}
