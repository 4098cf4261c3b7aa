// Package crs_test runs the regression tests of the OWASP Core Rule Set, as its package tests ships them, against the whole gateway: the configuration of
// a user, a raw socket in front, an origin behind, the access log as witness.
//
// Input: the YAML files of the rule set; -crs.only=REGEXP runs those tests alone whose name, such as 920100-2, matches. Output: none but failures; each
// names the test, what was demanded, what matched, and the request.
// Promises: requests go over the wire byte for byte as the files say; nothing is skipped but what skips lists, each with its reason, and a listed test that passes fails
// until it is taken off the list.
// Non-goals: speed, and what an engine finds beyond what the files ask for (the differential tests).
package crs_test

import (
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/telemetry"
)

var only = flag.String("crs.only", "", "run only tests whose name, such as 920100-2, matches this regular expression") //nolint:gochecknoglobals // flags of a test are so

// workers is how many requests are under way at once.
const workers = 8

// minimum is how many tests there are at least: fewer mean that files were not read.
const minimum = 4600

// verdict is what one test came to.
type verdict struct {
	name   string
	faults []string
	last   outcome
}

func TestCoreRuleSet(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of requests")
	}
	files, count := load(t)
	if count < minimum {
		t.Fatalf("%d tests in %d files, want %d or more", count, len(files), minimum)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := runAll(start(t), files, wanted)
	listed := skips()
	var summary strings.Builder
	passed, failed := 0, 0
	for i, f := range files {
		bad := 0
		for _, v := range verdicts[i] {
			t.Run(v.name, func(t *testing.T) {
				if report(t, v, listed[v.name]) {
					bad++
				}
			})
		}
		passed, failed = passed+len(verdicts[i])-bad, failed+bad
		if bad > 0 {
			fmt.Fprintf(&summary, "%-60s %3d of %3d fail\n", f.path, bad, len(verdicts[i]))
		}
	}
	t.Logf("%d passed, %d failed, %d listed\n%s", passed, failed, len(listed), summary.String())
}

// runAll runs the wanted tests of files and returns what came of them, file by file.
func runAll(g *gateway, files []file, wanted *regexp.Regexp) [][]verdict {
	verdicts := make([][]verdict, len(files))
	type job struct{ file, test, at int }
	jobs := make(chan job)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for j := range jobs {
				v := &verdicts[j.file][j.at]
				v.run(g, &files[j.file].Tests[j.test])
			}
		})
	}
	var all []job
	for i := range files {
		for k := range files[i].Tests {
			if name := fmt.Sprintf("%d-%d", files[i].Rule, files[i].Tests[k].ID); wanted.MatchString(name) {
				all = append(all, job{i, k, len(verdicts[i])})
				verdicts[i] = append(verdicts[i], verdict{name: name})
			}
		}
	}
	for _, j := range all {
		jobs <- j
	}
	close(jobs)
	wg.Wait()
	return verdicts
}

// run sends the requests of a test until one of them does not do what is demanded.
func (v *verdict) run(g *gateway, c *test) {
	for i := range c.Stages {
		s := &c.Stages[i]
		v.last = g.send(&s.Input)
		if v.faults = s.Output.check(&v.last); len(v.faults) > 0 {
			return
		}
	}
}

// report fails t for v, and returns whether it did. skip is what the list says of the test.
func report(t *testing.T, v verdict, skip skip) bool {
	t.Helper()
	faults := slices.DeleteFunc(slices.Clone(v.faults), func(f string) bool { return skip.reason != "" && strings.HasPrefix(f, skip.what) })
	switch {
	case len(faults) > 0:
		t.Errorf("%s\n%s", strings.Join(faults, "\n"), v.last.String())
		return true
	case len(v.faults) > 0:
		t.Skipf("%s: %s", strings.Join(v.faults, "; "), skip.reason)
	case skip.reason != "":
		t.Errorf("passes, but is listed: %s", skip.reason)
		return true
	}
	return false
}

// check returns what of the demands o does not fulfil.
func (w *output) check(o *outcome) (faults []string) {
	if w.Error && o.status == 0 && o.err != nil {
		return nil
	}
	if o.err != nil {
		faults = append(faults, "error: "+o.err.Error())
	}
	if w.Status != 0 && w.Status != o.status {
		faults = append(faults, fmt.Sprintf("status %d, want %d", o.status, w.Status))
	}
	if o.record == nil {
		return faults
	}
	ids, text := said(o.record)
	for _, id := range w.Log.IDs {
		if !slices.Contains(ids, id) {
			faults = append(faults, fmt.Sprintf("rule %d does not match", id))
		}
	}
	for _, id := range w.Log.NotIDs {
		if slices.Contains(ids, id) {
			faults = append(faults, fmt.Sprintf("rule %d matches", id))
		}
	}
	if p := w.Log.Regexp; p != "" && !regexp.MustCompile(p).MatchString(text) {
		faults = append(faults, "log lacks "+p)
	}
	if p := w.Log.NotLike; p != "" && regexp.MustCompile(p).MatchString(text) {
		faults = append(faults, "log has "+p)
	}
	return faults
}

// said returns the ids of the rules that matched, and the record in the words of the error log that the files were written for.
func said(r *telemetry.Record) (ids []int, text string) {
	if r.WAF == nil {
		return nil, ""
	}
	var b strings.Builder
	for _, m := range r.WAF.Rules {
		ids = append(ids, m.ID)
		fmt.Fprintf(&b, "[id \"%d\"] [msg \"%s\"] [data \"Matched Data: %s found within %s: %s\"]\n", m.ID, m.Message, m.Part, m.Target, m.Part)
	}
	return ids, b.String()
}

func (o *outcome) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "answer: %d", o.status)
	if r := o.record; r != nil {
		fmt.Fprintf(&b, " %s %s", r.Reason, r.Detail)
		if r.WAF != nil {
			fmt.Fprintf(&b, "; verdict %s, score %d, %d matches:", r.WAF.Verdict, r.WAF.Score, len(r.WAF.Rules))
			for _, m := range r.WAF.Rules {
				fmt.Fprintf(&b, "\n  %d %s %.80q %s", m.ID, m.Target, m.Part, m.Message)
			}
		} else {
			b.WriteString("; rules did not look")
		}
	}
	fmt.Fprintf(&b, "\nrequest: %.2000q", o.sent)
	return b.String()
}
