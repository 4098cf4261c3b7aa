package coraza

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	engine "github.com/corazawaf/coraza/v3"
)

// Factory makes engines and shares compiled rules among those whose settings compile to the same. Safe for concurrent use.
type Factory struct {
	mu         sync.Mutex
	sets       map[[sha256.Size]byte]*ruleSet
	generation uint64
}

// NewFactory returns a factory that holds nothing yet.
func NewFactory() *Factory { return &Factory{sets: map[[sha256.Size]byte]*ruleSet{}} }

// ruleSet is one compiled set of rules.
type ruleSet struct {
	key   [sha256.Size]byte
	refs  int           // guarded by Factory.mu
	ready chan struct{} // closed when compiled

	// Constant once ready is closed.
	err   error
	waf   engine.WAF
	rules map[int]ruleInfo
	tree  *tree
	took  time.Duration
}

// Open returns an engine for s. It compiles rules (about a second) unless an engine with the same ones is open. Faults of
// rules and exclusions come back all together as a *LoadError. The caller must Close the engine.
func (f *Factory) Open(s Settings) (*Engine, error) {
	e, err := s.engine()
	if err != nil {
		return nil, err
	}
	src, err := gather(s)
	if err != nil {
		return nil, err
	}
	set, mine := f.acquire(src.key())
	if mine {
		set.compile(src, f.nextGeneration())
		close(set.ready)
	}
	<-set.ready
	if set.err != nil {
		f.release(set)
		return nil, set.err
	}
	e.factory, e.set = f, set
	return e, nil
}

// acquire returns the set for key, and whether the caller has to compile it.
func (f *Factory) acquire(key [sha256.Size]byte) (set *ruleSet, mine bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set, ok := f.sets[key]
	if ok && set.usable() {
		set.refs++
		return set, false
	}
	set = &ruleSet{key: key, refs: 1, ready: make(chan struct{})}
	f.sets[key] = set
	return set, true
}

// usable reports whether another engine may share the set: not when it failed or when its data files have changed since.
func (s *ruleSet) usable() bool {
	select {
	case <-s.ready:
		return s.err == nil && s.tree.unchanged()
	default:
		return true
	}
}

func (f *Factory) nextGeneration() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.generation++
	return f.generation
}

// release gives one reference back and frees the set with the last one.
func (f *Factory) release(s *ruleSet) {
	f.mu.Lock()
	s.refs--
	last := s.refs == 0
	if last && f.sets[s.key] == s {
		delete(f.sets, s.key)
	}
	f.mu.Unlock()
	if c, ok := s.waf.(interface{ Close() error }); last && ok {
		_ = c.Close() // it only drops cached patterns and returns no error
	}
}

// Sets returns how many compiled sets are held.
func (f *Factory) Sets() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sets)
}

// engine checks the settings that are set per transaction.
func (s Settings) engine() (*Engine, error) {
	bad := func(what string, v int, want string) error {
		return &LoadError{[]Fault{{Text: fmt.Sprintf("%s %d: want %s", what, v, want)}}}
	}
	if s.Paranoia == 0 {
		s.Paranoia = 1
	}
	if s.Inbound == 0 {
		s.Inbound = DefaultInbound
	}
	if s.Outbound == 0 {
		s.Outbound = DefaultOutbound
	}
	if s.Arguments == 0 {
		s.Arguments = DefaultArguments
	}
	if len(s.Methods) == 0 {
		s.Methods = defaultMethods()
	}
	switch {
	case s.Paranoia < 1 || s.Paranoia > MaxParanoia:
		return nil, bad("paranoia", s.Paranoia, "1 to 4")
	case s.Inbound < 1:
		return nil, bad("inbound threshold", s.Inbound, "1 or more")
	case s.Outbound < 1:
		return nil, bad("outbound threshold", s.Outbound, "1 or more")
	case s.Arguments < 1:
		return nil, bad("arguments", s.Arguments, "1 or more")
	}
	e := &Engine{detect: s.Detect, inbound: s.Inbound, outbound: s.Outbound, arguments: s.Arguments}
	set := func(name, value string) { e.vars = append(e.vars, variable{name, []string{value}}) }
	set("blocking_paranoia_level", strconv.Itoa(s.Paranoia))
	set("detection_paranoia_level", strconv.Itoa(s.Paranoia))
	set("inbound_anomaly_score_threshold", strconv.Itoa(s.Inbound))
	set("outbound_anomaly_score_threshold", strconv.Itoa(s.Outbound))
	set("allowed_methods", strings.Join(s.Methods, " "))
	if s.Detect {
		set("lunette_detect", "1")
	}
	return e, nil
}
