package rules

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// source is everything that one program is made of, in the order in which it is compiled.
type source struct {
	files *tree
	list  []seclang.Directive
	// common is the same without what exclusions and changes of loaded rules say: sites that differ in these share the patterns of it.
	common []seclang.Directive
	fixed  map[string]string // TX variables that are known at compile time
	own    []seclang.Directive
	core   bool

	exclusions []Exclusion
}

// gather reads and orders the rules: base, initialisation of the Core Rule Set, exclusions by path, the user's rules, the
// Core Rule Set, and last whatever changes rules that are already loaded. So a user's rule can add to the anomaly score
// and switch rules off by ctl, and its SecRuleUpdateTargetById finds the rule it names. The error is a *LoadError.
func gather(s Settings, c *corpus) (*source, error) {
	src := &source{files: newTree(), core: !s.NoCore, fixed: fixed(s), exclusions: s.Exclusions}
	own, found := seclang.ParseBeside(src.files, s.Files, c.around(src.core))
	taken, first, rest := map[int]bool{}, c.first, c.rest
	if !src.core {
		first, rest = nil, nil
	}
	ids(taken, c.base)
	ids(taken, first)
	ids(taken, rest)
	faults := slices.Concat(placed(found).Faults, checkOwned(own), checkIDs(own, taken), checkDecided(own))
	known := taken
	if ids(taken, own); slices.ContainsFunc(own, func(d seclang.Directive) bool { return d.HidesRules() }) {
		known = nil // rules may be there that cannot be read
	} else {
		faults = append(faults, checkTags(s.Exclusions, c.base, first, rest, own)...)
	}
	early, after, wrong := compileExclusions(s.Exclusions, known)
	faults = append(faults, wrong...)
	ownEarly, ownLate := parted(own, len(faults) > 0)
	src.list = slices.Concat(c.base, first, early, ownEarly, c.levels, rest, ownLate, after)
	if len(faults) > 0 {
		found := compile.Check(src.list, compile.Options{Files: src.files, Kept: kept()})
		found = slices.DeleteFunc(found, func(f seclang.Fault) bool { return recommended(f.Rule) }) // they have to go as they are
		return nil, &LoadError{Faults: sorted(append(faults, quoted(found, src.files)...)), Inputs: src.files.inputs}
	}
	src.common = slices.Concat(c.base, first, c.path, ownEarly, c.levels, rest)
	src.own = own
	return src, nil
}

// parted divides the user's directives into those that stand before the rest of the Core Rule Set and those that change loaded rules. With faults what must
// not be given at all is left out.
func parted(own []seclang.Directive, faulty bool) (early, after []seclang.Directive) {
	belongs := owned()
	for _, d := range own {
		switch {
		case faulty && belongs[d.Name] != "":
		case late(d):
			after = append(after, d)
		default:
			early = append(early, d)
		}
	}
	return early, after
}

// fixed returns the TX variables of s that are known when it is compiled, so that what depends on them is decided then.
func fixed(s Settings) map[string]string {
	level := fmt.Sprint(s.Paranoia)
	return map[string]string{"blocking_paranoia_level": level, "detection_paranoia_level": level}
}

// options says how the list is compiled.
func (s *source) options(patterns *match.Cache) compile.Options {
	return compile.Options{Files: s.files, Fixed: s.fixed, Given: given(), Patterns: patterns, Common: s.common, Kept: kept()}
}

// key names the program: equal keys compile to equal rules, data files aside. Of own rules it holds the places, in their order, and the files.
func (s *source) key() (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%v %v %d ", s.core, s.fixed, len(s.exclusions))
	for _, x := range s.exclusions {
		fmt.Fprintf(h, "%v %q %q %q ", x.Rules, x.Tag, x.Target, x.Path)
	}
	for _, d := range s.own {
		fmt.Fprintf(h, "%q %d ", d.File, d.Line)
	}
	for _, name := range slices.Sorted(maps.Keys(s.files.read)) {
		fmt.Fprintf(h, "%q %x ", name, s.files.read[name])
	}
	h.Sum(sum[:0])
	return sum
}

// checkOwned refuses what the configuration decides, and what there is not.
func checkOwned(own []seclang.Directive) (faults []Fault) {
	belongs, missing := owned(), unsupported()
	for _, d := range own {
		if moot(d) {
			continue
		}
		if hint, ok := belongs[d.Name]; ok {
			faults = append(faults, about(d, d.Name+" must not be given here", hint))
		}
		if hint, ok := missing[d.Name]; ok {
			faults = append(faults, about(d, d.Name+" is not supported", hint))
		}
	}
	return faults
}

// checkIDs refuses ids that the Core Rule Set or Lunette's own rules have: the record would blame those.
func checkIDs(own []seclang.Directive, taken map[int]bool) (faults []Fault) {
	for _, d := range own {
		switch id := d.ID(); {
		case recommended(id):
			faults = append(faults, about(d, "this is a rule of the recommended configuration", "leave the recommended file out whole: Lunette has its own"))
		case id >= idReserved:
			faults = append(faults, about(d, fmt.Sprintf("ids from %d are Lunette's own", idReserved), "take one below 200000"))
		case id != 0 && taken[id]:
			faults = append(faults, about(d, "the Core Rule Set has a rule with this id", "take one below 200000"))
		}
	}
	return faults
}

// about makes a fault of the directive d.
func about(d seclang.Directive, text, hint string) Fault {
	line, _, _ := strings.Cut(d.Source, "\n")
	return Fault{Fault: seclang.Fault{Position: d.Position, Rule: d.ID(), Text: text, Hint: hint, Source: line[:min(len(line), 100)]}}
}
