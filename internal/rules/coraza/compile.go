package coraza

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	engine "github.com/corazawaf/coraza/v3"
)

// source is everything that one compiled set is made of, in the order in which it is loaded.
type source struct {
	list []directive
	core bool   // whether the Core Rule Set is among them
	temp string // where uploaded files lie
}

// gather reads and orders the rules: base, initialisation of the Core Rule Set, exclusions by path, the user's rules, the
// Core Rule Set, and last whatever changes rules that are already loaded. So a user's rule can add to the anomaly score
// and switch rules off by ctl, and its SecRuleUpdateTargetById finds the rule it names.
func gather(s Settings) (*source, error) {
	r := &reader{}
	for _, f := range s.Files {
		r.read(f, directive{})
	}
	own := r.out
	ownedBy := owned()
	for _, d := range own {
		if hint, ok := ownedBy[d.name()]; ok {
			n, _, _ := strings.Cut(d.text, " ")
			r.faults = append(r.faults, d.fault(n+" must not be given here: "+hint))
		}
	}
	var first, rest []directive
	if !s.NoCore {
		var err error
		if first, rest, err = coreRules(); err != nil {
			return nil, err
		}
	}
	known := describe(append(append(append([]directive(nil), first...), rest...), own...))
	known[idUnparsable], known[idMultipart] = ruleInfo{}, ruleInfo{} // ours, and what some clients need to be let pass
	early, late, faults := compileExclusions(s.Exclusions, known)
	r.faults = append(r.faults, faults...)
	base, _ := split("", baseRules+fmt.Sprintf("SecArgumentsLimit %d\n", cmp.Or(s.Arguments, DefaultArguments)))
	r.faults = append(r.faults, checkIDs(own, describe(append(append(append([]directive(nil), base...), first...), rest...)))...)
	r.faults = append(r.faults, checkActions(own)...)
	r.faults = append(r.faults, checkAlone(own)...)
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, func(a, b Fault) int { return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line) })
		return nil, &LoadError{r.faults}
	}
	src := &source{core: !s.NoCore, temp: s.TempDir, list: append(append(base, first...), early...)}
	var after []directive
	for _, d := range own {
		if d.late() {
			after = append(after, d)
		} else {
			src.list = append(src.list, d)
		}
	}
	src.list = append(append(append(src.list, rest...), after...), late...)
	return src, nil
}

// key names the set: equal keys compile to equal rules, data files aside.
func (s *source) key() (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%v %d %s ", s.core, len(s.temp), s.temp)
	for _, d := range s.list {
		if strings.HasPrefix(d.file, crsDir) {
			continue
		}
		fmt.Fprintf(h, "%d %s %d %s", len(d.file), d.file, len(d.text), d.text)
	}
	h.Sum(sum[:0])
	return sum
}

// checkIDs refuses ids that the Core Rule Set or Lunette's own rules have: the engine would blame those.
func checkIDs(own []directive, taken map[int]ruleInfo) (faults []Fault) {
	for _, d := range own {
		id := d.ruleID()
		if _, ok := taken[id]; ok && id != 0 {
			faults = append(faults, d.fault("the Core Rule Set has a rule with this id: take one below 200000"))
		} else if id >= idDetect {
			faults = append(faults, d.fault(fmt.Sprintf("ids from %d are Lunette's own: take one below 200000", idDetect)))
		}
	}
	return faults
}

// checkActions refuses what the engine takes without a word: rules without an id, which nobody could exclude or find in the
// record, and statuses that no answer has, and actions that it knows by name alone.
func checkActions(own []directive) (faults []Fault) {
	more := false
	for _, d := range own {
		if n := d.name(); n != "secrule" && n != "secaction" {
			continue
		}
		list := actions(d.text)
		if !more && !slices.ContainsFunc(list, func(a string) bool { return strings.HasPrefix(a, "id:") }) {
			faults = append(faults, d.fault("the rule has no id: give it one below 200000"))
		}
		for _, a := range list {
			switch name, _, _ := strings.Cut(a, ":"); strings.ToLower(name) {
			case "exec", "initcol", "expirevar":
				faults = append(faults, d.fault("action "+name+" would do nothing: leave it out"))
			}
			v, ok := strings.CutPrefix(a, "status:")
			if n, err := strconv.Atoi(strings.Trim(v, "'")); ok && (err != nil || n < 100 || n > 599) {
				faults = append(faults, d.fault(fmt.Sprintf("status %s: want 100 to 599", v)))
			}
		}
		more = slices.Contains(list, "chain")
	}
	return faults
}

// checkAlone compiles the user's rules by themselves, again and again without what was found faulty, so that all faults
// are reported at once and without compiling the Core Rule Set for each. What changes other rules waits for the real load.
func checkAlone(own []directive) []Fault {
	var list []directive
	for _, d := range own {
		if _, bad := owned()[d.name()]; !d.late() && !bad {
			list = append(list, d)
		}
	}
	var faults []Fault
	base, _ := split("", defaultActions)
	for len(list) > 0 && len(faults) < maxFaults {
		t := newTree(0)
		waf, at, err := load(append(append([]directive(nil), base...), list...), t, "")
		if err == nil {
			if c, ok := waf.(interface{ Close() error }); ok {
				_ = c.Close()
			}
			break
		}
		at -= len(base)
		if at < 0 || at >= len(list) {
			return append(faults, Fault{Text: "load rules: " + err.Error()})
		}
		from, to := chainAround(list, at)
		f := list[at].fault(describeFault(list[at], err, t))
		f.Rule = list[from].ruleID()
		faults = append(faults, f)
		list = append(append([]directive(nil), list[:from]...), list[to:]...)
	}
	return faults
}

// chainAround returns the bounds of the chain of rules that list[at] belongs to: without its start the rest would be
// reported too.
func chainAround(list []directive, at int) (from, to int) {
	from, to = at, at+1
	for from > 0 && list[from-1].chained() {
		from--
	}
	for to < len(list) && list[to-1].chained() {
		to++
	}
	return from, to
}

// describeFault turns what the engine says into one sentence about d. The text is only shown, nothing is decided by it.
func describeFault(d directive, err error, t *tree) string {
	var missing *fs.PathError
	if errors.As(t.failed, &missing) && strings.Contains(d.text, filepath.Base(missing.Path)) {
		return fmt.Sprintf("read data file %s: %v; relative names start at the folder of the rule file", missing.Path, missing.Err)
	}
	msg := err.Error()
	if _, rest, ok := strings.Cut(msg, "failed to compile the directive "); ok {
		if _, cause, ok := strings.Cut(rest, ": "); ok {
			n, _, _ := strings.Cut(d.text, " ")
			return n + ": " + strings.TrimPrefix(cause, n+": ")
		}
	}
	return strings.TrimPrefix(msg, "invalid WAF config from file: failed to parse string: ")
}

// compile fills s from src.
func (s *ruleSet) compile(src *source, generation uint64) {
	start := time.Now()
	s.tree = newTree(generation)
	s.rules = describe(src.list)
	var at int
	s.waf, at, s.err = load(src.list, s.tree, src.temp)
	s.took = time.Since(start)
	if s.err == nil {
		return
	}
	if at < 0 || at >= len(src.list) {
		s.err = &LoadError{[]Fault{{Text: s.err.Error()}}}
		return
	}
	s.err = &LoadError{[]Fault{src.list[at].fault(describeFault(src.list[at], s.err, s.tree))}}
}

// load compiles list in order. When that fails, at is the index of the directive that it failed on, or -1.
func load(list []directive, t *tree, temp string) (waf engine.WAF, at int, err error) {
	log := &loadLog{}
	cfg := engine.NewWAFConfig().WithRootFS(t).WithDebugLogger(log)
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && list[to].file == list[from].file {
			to++
		}
		var b strings.Builder
		for _, d := range list[from:to] {
			b.WriteString(d.text)
			b.WriteByte('\n')
		}
		cfg = cfg.WithDirectivesFromFile(t.put(list[from].file, b.String()))
		from = to
	}
	if temp != "" {
		cfg = cfg.WithDirectives("SecUploadDir " + strconv.Quote(temp))
	}
	defer func() {
		if p := recover(); p != nil {
			waf, at, err = nil, log.seen-1, fmt.Errorf("compile rule: panic: %v", p)
		}
	}()
	waf, err = engine.NewWAF(cfg)
	return waf, log.seen - 1, err
}
