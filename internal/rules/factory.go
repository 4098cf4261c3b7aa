package rules

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/persist"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// Factory makes engines and shares programs among those whose settings compile to the same. Safe for concurrent use.
type Factory struct {
	mu       sync.Mutex
	sets     map[[sha256.Size]byte]*ruleSet
	stores   persist.Pool // by site
	patterns *match.Cache
	corpus   func() (*corpus, error)
}

// NewFactory returns a factory that holds nothing yet.
func NewFactory() *Factory {
	return &Factory{
		sets: map[[sha256.Size]byte]*ruleSet{}, patterns: match.NewCache(),
		corpus: sync.OnceValues(readCorpus),
	}
}

// readCorpus parses what every program begins with.
func readCorpus() (*corpus, error) {
	files := newTree()
	c, err := coreRules(files)
	if err != nil {
		return nil, err
	}
	base, faults := seclang.ParseText(files, "", defaultActions+baseRules)
	if len(faults) > 0 {
		return nil, placed(faults)
	}
	c.base = base
	if c.levels, faults = seclang.ParseText(files, "", levelRules); len(faults) > 0 {
		return nil, placed(faults)
	}
	if c.path, faults = seclang.ParseText(files, "", ordinaryPath+fmt.Sprintf(`id:%d,phase:1,pass,nolog"`, idExclusion)); len(faults) > 0 {
		return nil, placed(faults)
	}
	return &c, nil
}

// ruleSet is one program and who uses it.
type ruleSet struct {
	key   [sha256.Size]byte
	refs  int           // guarded by Factory.mu
	ready chan struct{} // closed when compiled

	// Constant once ready is closed.
	err     error
	program *compile.Program
	run     *transaction.Engine // for no site: those of sites share what it knows
	bare    *seclang.Position   // nil: rules of the Core Rule Set look for attacks, or are not wanted; or else what took them out
	files   *tree
	took    time.Duration
}

// Open returns an engine for s. It compiles rules (below a second) unless an engine with the same ones is open. Faults of
// rules and exclusions come back all together as a *LoadError. The caller must Close the engine.
func (f *Factory) Open(s Settings) (*Engine, error) {
	s, src, err := f.gather(s)
	if err != nil {
		return nil, err
	}
	set, mine := f.acquire(src.key())
	if mine {
		set.compile(src, f.patterns)
		close(set.ready)
	}
	<-set.ready
	if set.err != nil {
		f.release(set)
		return nil, set.err
	}
	return &Engine{set: set, inputs: inputsOf(set, src), run: set.run.With(s.config(f.stores.Acquire(s.Site))), site: s.Site, factory: f}, nil
}

// gather completes s and reads what it names.
func (f *Factory) gather(s Settings) (Settings, *source, error) {
	s, err := s.complete()
	if err != nil {
		return s, nil, err
	}
	c, err := f.corpus()
	if err != nil {
		return s, nil, err
	}
	src, err := gather(s, c)
	return s, src, err
}

// compile fills s from src.
func (s *ruleSet) compile(src *source, patterns *match.Cache) {
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			s.err = fmt.Errorf("compile rules: panic: %v", p)
		}
		s.took = time.Since(start)
	}()
	s.files = src.files
	program, faults := compile.Compile(src.list, src.options(patterns))
	if len(faults) > 0 {
		s.err = &LoadError{Faults: sorted(quoted(faults, src.files)), Inputs: src.files.inputs}
		return
	}
	s.program = program
	if src.core && !looks(program) {
		s.bare = src.emptied()
	}
	s.run, s.err = transaction.New(program, transaction.Config{})
}

// inputsOf returns what an engine of src was read from: data files are read when a set is compiled, maybe for another engine.
func inputsOf(set *ruleSet, src *source) (in Inputs) {
	in.Add(set.files.inputs)
	in.Add(src.files.inputs)
	return in
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
		return s.err == nil && s.files.unchanged()
	default:
		return true
	}
}

// release gives one reference back and forgets the set with the last one.
func (f *Factory) release(s *ruleSet) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.refs--
	if s.refs == 0 && f.sets[s.key] == s {
		delete(f.sets, s.key)
	}
}

// Sets returns how many programs are held.
func (f *Factory) Sets() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sets)
}

// Stores returns how many sites' persistent collections are held: those of open engines, and for a while what others left.
func (f *Factory) Stores() int { return f.stores.Len() }

// PatternSets returns how many sets of compiled patterns are held. What no engine uses any longer counts until the garbage collector has been there.
func (f *Factory) PatternSets() int { return f.patterns.Sets() }

// given names the TX variables that config sets.
func given() []string {
	return []string{"inbound_anomaly_score_threshold", "outbound_anomaly_score_threshold", "allowed_methods"}
}

// complete fills in defaults and checks ranges.
func (s Settings) complete() (Settings, error) {
	bad := func(what string, v int, want string) error {
		return &LoadError{Faults: []Fault{{Fault: seclang.Fault{Text: fmt.Sprintf("%s %d: want %s", what, v, want)}}}}
	}
	for _, d := range []struct {
		v   *int
		def int
	}{{&s.Paranoia, 1}, {&s.Inbound, DefaultInbound}, {&s.Outbound, DefaultOutbound}, {&s.Arguments, DefaultArguments}, {&s.Leaves, DefaultLeaves}, {&s.Depth, DefaultDepth}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if len(s.Methods) == 0 {
		s.Methods = defaultMethods()
	}
	switch {
	case s.Paranoia < 1 || s.Paranoia > MaxParanoia:
		return s, bad("paranoia", s.Paranoia, "1 to 4")
	case s.Inbound < 1:
		return s, bad("inbound threshold", s.Inbound, "1 or more")
	case s.Outbound < 1:
		return s, bad("outbound threshold", s.Outbound, "1 or more")
	case s.Arguments < 1:
		return s, bad("arguments", s.Arguments, "1 or more")
	case s.Leaves < 1:
		return s, bad("leaves", s.Leaves, "1 or more")
	case s.Depth < 1:
		return s, bad("depth", s.Depth, "1 or more")
	}
	return s, nil
}

// config is how the program of s is run. s is complete.
func (s Settings) config(store *persist.Store) transaction.Config {
	return transaction.Config{
		Detect: s.Detect, Inbound: s.Inbound, Outbound: s.Outbound, Arguments: s.Arguments, Steps: s.Work, Store: store,
		Body: body.Limits{Values: s.Leaves, Depth: s.Depth},
		Given: map[string]string{
			"inbound_anomaly_score_threshold": strconv.Itoa(s.Inbound), "outbound_anomaly_score_threshold": strconv.Itoa(s.Outbound),
			"allowed_methods": strings.Join(s.Methods, " "),
		},
	}
}
