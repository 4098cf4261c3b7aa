package compile

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// measure compiles text and returns what that took.
func measure(t *testing.T, text string) (p *Program, allocated uint64, took time.Duration) {
	t.Helper()
	files, list := parse(t, text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	p, faults := Compile(list, Options{Files: files})
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return p, after.TotalAlloc - before.TotalAlloc, took
}

// TestFoldDoubling has rules that double a value: 60 lines must not take all memory. Those beyond the bound stay as they are.
func TestFoldDoubling(t *testing.T) {
	var b strings.Builder
	b.WriteString("SecAction \"id:1,phase:1,pass,nolog,setvar:tx.a=xxxxxxxxxx\"\n")
	for i := 2; i <= 60; i++ {
		fmt.Fprintf(&b, "SecAction \"id:%d,phase:1,pass,nolog,setvar:'tx.a=%%{tx.a}%%{tx.a}'\"\n", i)
	}
	p, allocated, _ := measure(t, b.String())
	if allocated > 4<<20 {
		t.Errorf("allocated %d bytes", allocated)
	}
	// 10 · 2^6 fits, the next does not.
	if len(p.Rules) != 53 || len(p.Initial) != 1 || len(p.Initial[0].Value) != 640 {
		t.Errorf("%d rules remain, from %d bytes on", len(p.Rules), len(p.Initial[0].Value))
	}
}

// TestFoldMany has a TX variable for each of 16,000 rules, in all ways in which their states may differ. The bounds leave room for a busy machine.
func TestFoldMany(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 16000
	for name, line := range map[string]string{
		"fold":    `SecAction "id:%d,phase:1,pass,nolog,setvar:tx.a%[1]d=1"`,
		"log":     `SecAction "id:%d,phase:1,pass,log,setvar:tx.a%[1]d=1"`,
		"may":     `SecRule ARGS "@streq x" "id:%d,phase:1,deny,nolog,setvar:tx.a%[1]d=1"`,
		"name":    `SecRule ARGS "@streq x" "id:%d,phase:1,pass,nolog,setvar:tx.a%[1]d_%%{MATCHED_VAR}=1,setvar:tx.b%[1]d=2"`,
		"skip":    `SecRule ARGS "@streq x" "id:%d,phase:1,pass,nolog,setvar:tx.a%[1]d=1,skip:1"`,
		"diverge": "SecAction \"id:%d,phase:1,pass,log,setvar:tx.a%[1]d=1\"\nSecRule ARGS \"@streq x\" \"id:9%06[1]d,phase:1,deny,log\"",
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			for i := 1; i <= n; i++ {
				fmt.Fprintf(&b, line+"\n", i)
			}
			p, allocated, took := measure(t, b.String())
			t.Logf("%d rules of %d, %d MB, %v", len(p.Rules), n, allocated>>20, took)
			if allocated > 300<<20 {
				t.Errorf("allocated %d MB", allocated>>20)
			}
			if took > 2*time.Minute { // seconds; what grows with the square of the rules takes many minutes
				t.Errorf("took %v", took)
			}
			if name == "fold" && (len(p.Rules) > 0 || len(p.Initial) != n) {
				t.Errorf("%d rules remain", len(p.Rules))
			}
		})
	}
}

// TestTable holds tables to plain lists.
func TestTable(t *testing.T) {
	const n = 300 // three levels
	cells := []cell{{}, {know: absent}, {know: present}, {exact, "1"}, {exact, "2"}}
	a, b := newTable(n), newTable(n)
	wantA, wantB := make([]cell, n), make([]cell, n)
	for i := range n {
		k := i * 7919 % n
		wantA[k], wantB[k] = cells[k%5], cells[k/5%5]
		a, b = a.with(int32(k), wantA[k]), b.with(int32(k), wantB[k])
	}
	joined, _ := a.join(b)
	for i := range n {
		if a.at(int32(i)) != wantA[i] || b.at(int32(i)) != wantB[i] {
			t.Fatalf("cell %d: %v and %v, want %v and %v", i, a.at(int32(i)), b.at(int32(i)), wantA[i], wantB[i])
		}
		if got, want := joined.at(int32(i)), wantA[i].join(wantB[i]); got != want {
			t.Errorf("join of %v and %v is %v, want %v", wantA[i], wantB[i], got, want)
		}
	}
	if same, _ := joined.join(a); same != joined {
		t.Error("a join with one of its ways is a new table")
	}
	if a.with(5, a.at(5)) != a {
		t.Error("a cell that stays makes a new table")
	}
}

// TestFoldGivesUp takes all work away: what is known is lost, nothing else.
func TestFoldGivesUp(t *testing.T) {
	p := &space{names: make([]string, 20), left: 1}
	s := newTable(20).with(12, cell{exact, "1"})
	if got := p.maybe(s, make([]Do, 2)); got == nil || got.at(12) != (cell{}) {
		t.Errorf("known: %v", got)
	}
	if got := p.join(s, newTable(20).with(12, cell{exact, "2"})); got == nil || got.at(12) != (cell{}) {
		t.Errorf("known: %v", got)
	}
}
