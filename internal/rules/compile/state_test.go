package compile

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// TestMaybe runs actions that may run any number of times: what a second run would read counts too.
func TestMaybe(t *testing.T) {
	_, list := parse(t, `SecAction "id:1,setvar:tx.a=%{tx.b},setvar:tx.b=%{tx.c},setvar:tx.c=1,setvar:tx.d=+1,setvar:tx.e_%{MATCHED_VAR}=1,setvar:!tx.f"
SecAction "id:2,setvar:tx.e_x=0,setvar:tx.g=0"
`)
	b := newBuilder(Options{Fixed: map[string]string{"a": "0", "b": "0", "c": "0", "d": "0", "e_x": "0", "f": "0", "g": "0"}})
	for i := range list {
		b.add(&list[i])
	}
	for _, d := range b.rules {
		b.build(d, 0)
	}
	before := b.start()
	p := &space{b.slots, maxWork}
	after := p.maybe(before, b.rules[0].rule.Do)
	got := map[string]knowledge{}
	for i := captures; i < len(b.slots); i++ {
		got[b.slots[i]] = after.at(int32(i)).know
	}
	want := map[string]knowledge{"a": present, "b": present, "c": present, "d": present, "e_x": unsure, "f": unsure, "g": exact}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is known behind the actions (-want +got):\n%s", diff)
	}
	once := p.once(before, b.rules[0].rule.Do)
	if d, f := once.at(b.slot["d"]), once.at(b.slot["f"]); d != (cell{exact, "1"}) || f.know != absent {
		t.Errorf("behind one run: d %+v, f %+v", d, f)
	}
}

// TestAfter adds and assigns.
func TestAfter(t *testing.T) {
	for _, c := range []struct {
		action string
		old    cell
		want   cell
	}{
		{"tx.a=5", cell{}, cell{exact, "5"}},
		{"tx.a", cell{know: absent}, cell{exact, "1"}},
		{"tx.a=+5", cell{know: absent}, cell{exact, "5"}},
		{"tx.a=-5", cell{exact, "2"}, cell{exact, "-3"}},
		{"tx.a=+", cell{exact, "2"}, cell{exact, "2"}},
		{"tx.a=+5", cell{exact, "x"}, cell{exact, "x"}},
		{"tx.a=+5", cell{exact, ""}, cell{exact, "5"}},
		{"tx.a=+5", cell{know: present}, cell{know: present}},
		{"tx.a=+5", cell{}, cell{}},
		{"tx.a=+%{ARGS.a}", cell{exact, "1"}, cell{}},
		{"tx.a=%{ARGS.a}", cell{exact, "1"}, cell{know: present}},
		{"tx.a=%{ARGS.a}", cell{know: absent}, cell{}},
		{"!tx.a", cell{exact, "1"}, cell{know: absent}},
	} {
		b := newBuilder(Options{})
		set := b.setvar(seclang.Action{ID: seclang.ActSetvar, Value: c.action})
		if set == nil {
			t.Fatal(c.action, b.faults)
		}
		s := b.start()
		s = s.with(set.Slot, c.old)
		if got := s.after(set); got != c.want {
			t.Errorf("setvar:%s of %+v gives %+v, want %+v", c.action, c.old, got, c.want)
		}
	}
}

// TestWarnings lists every rule with a pattern where nothing is cheap enough, and none where all are.
func TestWarnings(t *testing.T) {
	files, list := parse(t, `SecRule ARGS "@rx a.*b" "id:1,phase:2,pass,log,chain"
  SecRule ARGS "@pm c" "t:none"
SecRule ARGS "@streq d" "id:2,phase:2,pass,log"
`)
	p, faults := Compile(list, Options{Files: files})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if w := p.Warnings(-1); len(w) != 2 || w[0].Rule != 1 || w[0].Line != 1 || w[1].Line != 2 {
		t.Errorf("warnings %+v", w)
	}
	if w := p.Warnings(1e9); len(w) > 0 {
		t.Errorf("warnings %+v", w)
	}
}

// TestWarningsOfCaptures: where a rule decides by what it captures, the cost of finding that counts, if it is the larger.
func TestWarningsOfCaptures(t *testing.T) {
	files, list := parse(t, `SecRule ARGS "@rx ^(?:select|insert|update) ([a-z]+)-([a-z]+)$" "id:1,phase:2,pass,log,capture,setvar:tx.a=%{TX.1}"
SecRule ARGS_NAMES "@rx ^(?:select|insert|update) ([a-z]+)-([a-z]+)$" "id:2,phase:2,pass,log,logdata:'%{TX.1}'"
SecRule REQUEST_HEADERS "@rx ^(?:select|insert|update) ([a-z]+)-([a-z]+)$" "id:3,phase:2,pass,log"
SecRule ARGS "@rx a" "id:4,phase:2,pass,log,capture,setvar:tx.a=%{TX.0}"
`)
	p, faults := Compile(list, Options{Files: files})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	pattern := int(p.Rules[0].Operator.Pattern)
	test, find := p.Patterns.Cost(pattern), p.Patterns.FindCost(pattern)
	if test >= 100 || find <= 100 || p.Patterns.FindCost(int(p.Rules[3].Operator.Pattern)) >= test {
		t.Fatalf("costs %v and %v: other patterns are needed here", test, find)
	}
	for _, c := range []struct {
		limit float64
		want  []string
	}{
		{find, nil},
		{100, []string{"1: to find what it captures"}},
		{test, []string{"1: to find what it captures"}},
		{0, []string{"1: to find what it captures", "2: its pattern", "3: its pattern", "4: its pattern"}},
	} {
		var got []string
		for _, f := range p.Warnings(c.limit) {
			before, _, _ := strings.Cut(f.Text, " takes ")
			got = append(got, strconv.Itoa(f.Rule)+": "+before)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("more than %v (-want +got):\n%s", c.limit, diff)
		}
	}
}

// TestNumbers: what the parser takes as a number counts as one.
func TestNumbers(t *testing.T) {
	files, list := parse(t, `SecRule ARGS "@streq a" "id:1,phase:2,deny,status:+405,skip:+1,severity:Error,maturity:09,tag:paranoia-level/x"
SecRule ARGS "@streq b" "id:2,phase:2,pass,severity:2,tag:paranoia-level/-1"
`)
	p, faults := Compile(list, Options{Files: files})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if r := p.Rules[0]; r.Status != 405 || r.SkipTo != 2 || r.Severity != 3 || r.Maturity != 9 || r.Paranoia != 0 {
		t.Errorf("%+v", r)
	}
	if r := p.Rules[1]; r.Severity != 2 || r.Paranoia != 0 {
		t.Errorf("%+v", r)
	}
}
