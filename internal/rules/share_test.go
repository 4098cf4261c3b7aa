package rules_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"weak"

	"github.com/lunette-waf/lunette/internal/rules"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/match"
)

// excluding returns n exclusions of all kinds, no two equal.
func excluding(n int) (out []rules.Exclusion) {
	for i := range n {
		arg, path := fmt.Sprintf("ARGS:a%d", i), fmt.Sprintf("/app%d/", i)
		out = append(out, []rules.Exclusion{
			{Rules: []int{942100}, Target: arg}, {Rules: []int{941100 + i/10*10}}, {Tag: "attack-sqli", Target: arg}, {Target: arg}, {Path: path},
			{Path: path, Tag: "attack-xss"}, {Path: path, Rules: []int{942100, 920420}}, {Path: path, Target: arg},
			{Path: path, Rules: []int{942100}, Target: arg},
			{Target: fmt.Sprintf("ARGS:/^b%d_/", i)},
		}[i%10])
	}
	return out
}

// held is what a factory gave out, for those who see when it goes.
type held struct {
	programs []weak.Pointer[compile.Program]
	patterns weak.Pointer[match.Set]
}

// TestSharedPrograms opens a thousand sites with the same rules and fifty of which each has an exclusion of its own: the former have one
// program, all have one set of patterns, and with the last one everything goes.
func TestSharedPrograms(t *testing.T) {
	f := rules.NewFactory()
	all := useShared(t, f)
	for range 10 { // what is pooled goes with the second collection
		runtime.GC()
	}
	if f.Sets() != 0 || f.PatternSets() != 0 || all.patterns.Value() != nil {
		t.Errorf("%d programs and %d sets of patterns are held when all engines are closed", f.Sets(), f.PatternSets())
	}
	for i, p := range all.programs {
		if p.Value() != nil {
			t.Errorf("program %d is still there", i)
		}
	}
	runtime.KeepAlive(f)
}

func useShared(t *testing.T, f *rules.Factory) (all held) {
	var engines []*rules.Engine
	add := func(s rules.Settings) *rules.Engine {
		e, err := f.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		engines = append(engines, e)
		return e
	}
	defer func() {
		for _, e := range engines {
			e.Close()
		}
	}()
	for i := range 1000 {
		add(rules.Settings{Site: fmt.Sprint("site ", i), Detect: i%2 == 0, Inbound: 5 + i%7, Leaves: 100 + i})
	}
	if f.Sets() != 1 || f.PatternSets() != 1 {
		t.Errorf("a thousand sites with the same rules have %d programs and %d sets of patterns", f.Sets(), f.PatternSets())
	}
	plain := engines[0].Program()
	all.patterns = weak.Make(plain.Patterns)
	all.programs = append(all.programs, weak.Make(plain))
	for _, x := range excluding(50) {
		p := add(rules.Settings{Exclusions: []rules.Exclusion{x}}).Program()
		if p == plain || p.Patterns != plain.Patterns {
			t.Errorf("%+v: same program %v, same patterns %v", x, p == plain, p.Patterns == plain.Patterns)
		}
		all.programs = append(all.programs, weak.Make(p))
	}
	if f.Sets() != 51 || f.PatternSets() != 1 {
		t.Errorf("fifty sites with exclusions have %d programs and %d sets of patterns", f.Sets()-1, f.PatternSets())
	}
	return all
}

// TestPrograms opens settings that may look alike: those that mean different rules must not share a program.
func TestPrograms(t *testing.T) {
	f, dir := rules.NewFactory(), t.TempDir()
	long := make([]int, 0, 200) // more than is kept of a directive's text
	for range 200 {
		long = append(long, 200002)
	}
	names := strings.Repeat("x", 8<<10)
	rule := func(file, value string) []string {
		write(t, dir, file, fmt.Sprintf("SecRule ARGS \"@rx ^(?:%s%s)$\" \"id:100100,phase:2,deny,log,msg:'long'\"\n", names, value))
		return []string{filepath.Join(dir, file)}
	}
	write(t, dir, "a.conf", "SecAction \"id:100200,phase:1,pass,nolog\"\n")
	write(t, dir, "b.conf", "SecAction \"id:100201,phase:1,pass,nolog\"\n")
	write(t, dir, "tags.conf", "SecAction \"id:100202,phase:1,pass,nolog,tag:a,tag:t\"\n")
	a, b, tags := filepath.Join(dir, "a.conf"), filepath.Join(dir, "b.conf"), filepath.Join(dir, "tags.conf")
	excl := func(list ...rules.Exclusion) rules.Settings {
		return rules.Settings{NoCore: true, Files: []string{tags}, Exclusions: list}
	}
	all := []rules.Settings{
		{NoCore: true}, {NoCore: true, Paranoia: 2}, {NoCore: true, Files: rule("one.conf", "a")}, {NoCore: true, Files: rule("two.conf", "b")},
		{NoCore: true, Files: []string{a, b}}, {NoCore: true, Files: []string{b, a}},
		excl(rules.Exclusion{Path: "/", Rules: append(long, 200001)}), excl(rules.Exclusion{Path: "/", Rules: append(long, 200004)}),
		excl(rules.Exclusion{Path: "/a", Tag: "t"}), excl(rules.Exclusion{Path: "/a", Target: "ARGS:t"}),
		excl(rules.Exclusion{Path: "/a"}, rules.Exclusion{Path: "/b"}),
		excl(rules.Exclusion{Path: "/b"}, rules.Exclusion{Path: "/a"}),
		excl(rules.Exclusion{Path: "/" + names + "a"}), excl(rules.Exclusion{Path: "/" + names + "b"}),
		excl(rules.Exclusion{Tag: "a", Target: "ARGS:" + names + "a"}), excl(rules.Exclusion{Tag: "a", Target: "ARGS:" + names + "b"}),
	}
	seen := map[*compile.Program]int{}
	for i, s := range all {
		e, err := f.Open(s)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		defer e.Close()
		if k, ok := seen[e.Program()]; ok {
			t.Errorf("settings %d and %d have one program", k, i)
		}
		seen[e.Program()] = i
		again, err := f.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		if again.Program() != e.Program() {
			t.Errorf("settings %d have two programs", i)
		}
		again.Close()
	}
}

// TestRulesReload changes a file of rules and its data while engines use them: the new rules hold for new engines, the old ones as long as they
// are used.
func TestRulesReload(t *testing.T) {
	f, dir := rules.NewFactory(), t.TempDir()
	write(t, dir, "words.data", "abracadabra\n")
	write(t, dir, "a.conf", `SecRule ARGS "@pmFromFile words.data" "id:100100,phase:2,deny,log,msg:'word'"`+"\n")
	s := rules.Settings{NoCore: true, Files: []string{filepath.Join(dir, "a.conf")}}
	denies := func(e *rules.Engine, word string, want bool) {
		t.Helper()
		if o := run(e, get("/?a="+word), ""); (o.answer != nil) != want {
			t.Errorf("%s: denied %v, want %v", word, o.answer != nil, want)
		}
	}
	steps := []struct{ name, text, word string }{
		{"words.data", "simsalabim\n", "simsalabim"},
		{"a.conf", `SecRule ARGS "@streq hocuspocus" "id:100100,phase:2,deny,log,msg:'word'"` + "\n", "hocuspocus"},
	}
	old, err := f.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	word := "abracadabra"
	for _, c := range steps {
		write(t, dir, c.name, c.text)
		renewed, err := f.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		denies(old, word, true)
		denies(old, c.word, false)
		denies(renewed, word, false)
		denies(renewed, c.word, true)
		old.Close()
		denies(old, word, true) // an exchange that is under way still has it
		if f.Sets() != 1 {
			t.Errorf("%s: %d programs", c.name, f.Sets())
		}
		old, word = renewed, c.word
	}
	old.Close()
	if f.Sets() != 0 {
		t.Errorf("%d programs in the end", f.Sets())
	}
}
