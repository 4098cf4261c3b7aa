package rules_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/rules"
)

// BenchmarkOpen opens engines beside one that has the plain rules (but in "first"): time of each, and by how much the memory in use grows.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	own := func(i int) []string { // twenty rules, of which three patterns are of this file alone
		var text strings.Builder
		for k := range 20 {
			word := fmt.Sprint("word", k)
			if k < 3 {
				word += fmt.Sprint("of", i)
			}
			fmt.Fprintf(&text, "SecRule ARGS|REQUEST_HEADERS \"@rx (?i)\\b%s\\s*=\\s*[a-z]{2,9}\" "+
				"\"id:%d,phase:2,deny,log,t:none,t:urlDecodeUni,msg:'own %d'\"\n", word, 100100+k, k)
		}
		name := fmt.Sprintf("own%d.conf", i)
		write(b, dir, name, text.String())
		return []string{filepath.Join(dir, name)}
	}
	for _, c := range []struct {
		name string
		of   func(i int) rules.Settings
	}{
		{"first", nil},
		{"same rules", func(i int) rules.Settings { return rules.Settings{Site: fmt.Sprint(i)} }},
		{"exclusion of a rule", func(i int) rules.Settings {
			return rules.Settings{Exclusions: []rules.Exclusion{{Rules: []int{942100, 920420}, Target: fmt.Sprintf("ARGS:a%d", i)}}}
		}},
		{"exclusion of a target", func(i int) rules.Settings {
			return rules.Settings{Exclusions: []rules.Exclusion{{Target: fmt.Sprintf("ARGS:a%d", i)}}}
		}},
		{"exclusion by path", func(i int) rules.Settings {
			return rules.Settings{Exclusions: []rules.Exclusion{{Path: fmt.Sprintf("/app%d/", i), Tag: "attack-sqli"}}}
		}},
		{"own file of 20 rules", func(i int) rules.Settings { return rules.Settings{Files: own(i)} }},
		{"paranoia 4", func(i int) rules.Settings { return rules.Settings{Paranoia: 4} }},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := rules.NewFactory()
			of := c.of
			if of == nil {
				of = func(int) rules.Settings { return rules.Settings{} }
			} else {
				keep, err := f.Open(rules.Settings{})
				if err != nil {
					b.Fatal(err)
				}
				defer keep.Close()
			}
			engines := make([]*rules.Engine, 0, b.N)
			before := inUse()
			b.ResetTimer()
			for i := range b.N {
				e, err := f.Open(of(i))
				if err != nil {
					b.Fatal(err)
				}
				engines = append(engines, e)
			}
			b.StopTimer()
			b.ReportMetric(float64(inUse()-before)/float64(b.N)/1024, "KiB/site")
			b.ReportMetric(float64(f.PatternSets()), "pattern-sets")
			for _, e := range engines {
				e.Close()
			}
		})
	}
}

// inUse is what the heap holds when all that is unused is gone.
func inUse() int64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // a heap
}
