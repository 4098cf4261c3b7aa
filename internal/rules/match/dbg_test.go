package match

import (
	"fmt"
	"sort"
	"testing"
	"time"
)

func TestDbg(t *testing.T) {
	type row struct {
		id                        string
		lvl, units, big, std, sim int
		mem                       int64
		d                         time.Duration
	}
	var rows []row
	var tot time.Duration
	cc := map[built]*dfa{}
	for _, r := range crsRules(t) {
		if r.p.Kind != Regexp {
			continue
		}
		t0 := time.Now()
		re, bin, _ := parse(r.p.Expr)
		b := &builder{limit: 4096, cache: cc}
		us, _, err := b.units(re, bin)
		if err != nil {
			t.Error(err)
		}
		w := row{id: r.id, lvl: r.level, units: len(us), d: time.Since(t0)}
		tot += w.d
		for _, u := range us {
			w.mem += u.memory()
			if u.auto.d != nil {
				w.big = max(w.big, len(u.auto.d.final))
			}
			if u.auto.m != nil {
				w.sim++
			}
			if u.auto.r != nil {
				w.std++
			}
		}
		rows = append(rows, w)
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].mem > rows[j].mem })
	for _, w := range rows[:50] {
		fmt.Printf("%+v\n", w)
	}
	fmt.Println(tot)
}
