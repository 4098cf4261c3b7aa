// Package crs_test runs the regression tests of the OWASP Core Rule Set, as its package tests ships them, against the whole gateway: the configuration of
// a user, a raw socket in front, an origin behind, the access log as witness.
//
// Input: the YAML files of the rule set; -crs.only=REGEXP runs those tests alone whose name, such as 920100-2, matches. Output: none but failures; each
// names the test, what was demanded, what matched, and the request.
// Promises: requests go over the wire byte for byte as the files say; every test of every file is run. Where what a file demands cannot be had, deviations lists the
// test, the reason, and what is demanded in its place; a listed test that does what its file says fails until it is taken off the list.
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
const workers = 64 // most of them wait for the access log, which is written every 100 ms

// minimum is how many tests there are at least: fewer mean that files were not read.
const minimum = 4600

// verdict is what one test came to.
type verdict struct {
	name   string
	faults []string
	last   outcome // of the last stage that was run
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
	listed := deviations()
	var summary strings.Builder
	passed, failed, deviating := 0, 0, 0
	for i, f := range files {
		bad := 0
		for _, v := range verdicts[i] {
			d, ok := listed[v.name]
			if ok {
				deviating++
			}
			if !t.Run(v.name, func(t *testing.T) { report(t, &v, d, ok) }) {
				bad++
			}
		}
		passed, failed = passed+len(verdicts[i])-bad, failed+bad
		if bad > 0 {
			fmt.Fprintf(&summary, "%-60s %3d of %3d fail\n", f.path, bad, len(verdicts[i]))
		}
	}
	t.Logf("%d tests in %d files: %d passed, %d of them by a demand of our own, %d failed\n%s", count, len(files), passed, deviating, failed, summary.String())
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

// report fails t for v, which d, where it is listed, holds to another demand than its file.
func report(t *testing.T, v *verdict, d deviation, listed bool) {
	t.Helper()
	faults := v.faults
	if listed {
		if len(faults) == 0 {
			t.Errorf("does what its file says, but is listed: %s\n%s", d.reason, &v.last)
		}
		if faults = d.instead.check(&v.last); len(faults) == 0 {
			t.Log(d.reason)
		}
	}
	if len(faults) > 0 {
		t.Errorf("%s\n%s", strings.Join(faults, "\n"), &v.last)
	}
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
	if o.record.WAF == nil { // then nothing matches, which is no proof of anything
		faults = append(faults, "rules did not look")
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
		line := fmt.Sprintf("[id \"%d\"] [msg \"%s\"] [data \"%s\"] [target \"%s\"]", m.ID, m.Message, m.Data, m.Target)
		b.WriteString(strings.NewReplacer("\r", "\\r", "\n", "\\n").Replace(line) + "\n") // one line for each match
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
				fmt.Fprintf(&b, "\n  %d %s %.80q %s %.200q", m.ID, m.Target, m.Part, m.Message, m.Data)
			}
		} else {
			b.WriteString("; rules did not look")
		}
	}
	fmt.Fprintf(&b, "\nrequest: %.2000q", o.sent)
	return b.String()
}
