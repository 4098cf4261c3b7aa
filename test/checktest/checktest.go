// Package checktest tries checks on samples: facts as text in, findings and their words out.
//
// Input: a folder of txtar files, one for each check, named after its code. Output: failures of the test; with -update the words.
// Promises: every check has a sample that it finds first, and a near miss in which it finds nothing. Non-goals: real traffic (test/parity).
//
// A sample has the files "facts" (the case), "findings" (what all checks of the package say about it, as [finding.Finding.Lines]),
// and any number of files that begin with "near miss" (cases in which the check says nothing). A case is written as lines:
//
//	flow 7 192.0.2.10:50001 > 192.0.2.20:443 watched=packets,records,plain name=shop.test ours reason=read.first_byte_timeout
//	0.000 client tcp_syn
//	0.031 server hello_request size=28 frame=11
//	1.5 server silence size=20s text=client_hello
//	0.002 client client_hello detail={"sni":"shop.test"}
//	end 21
//	other 8 192.0.2.10:50002 > 192.0.2.20:443 watched=records purpose=sni_none
//	…
//	normal 9 …
//	case
//	-0.2 - dns_answer text=192.0.2.20 size=1 detail={…}
//
// The first flow is the one in question. Times are seconds since 2026-11-22 12:00:00 UTC. A value with spaces stands in quotes, as in
// Go; size takes a number or a duration; detail is JSON up to the end of the line and stands last.
package checktest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
)

// Update says that samples are to be rewritten with what the checks say.
var update = flag.Bool("update", false, "write what the checks say into the samples")

// Samples tries all checks on the samples in dir, which has one for each of them.
func Samples(t *testing.T, dir string, checks []check.Check) {
	t.Helper()
	for i := range checks {
		k := &checks[i]
		t.Run(string(k.Code), func(t *testing.T) {
			name := filepath.Join(dir, string(k.Code)+".txtar")
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatalf("check %s has no sample: %v", k.Code, err)
			}
			sample(t, name, a, checks, k)
		})
	}
}

func sample(t *testing.T, name string, a *txtar.Archive, checks []check.Check, k *check.Check) {
	t.Helper()
	found, missed := false, false
	var got string
	want := -1
	for i, f := range a.Files {
		switch {
		case f.Name == "facts":
			found = true
			got = words(t, f, checks, k)
		case f.Name == "findings":
			want = i
		case strings.HasPrefix(f.Name, "near miss"):
			missed = true
			c, err := Parse(string(f.Data))
			if err != nil {
				t.Errorf("%s: %s: %v", name, f.Name, err)
				continue
			}
			for _, x := range check.Run([]check.Check{*k}, c).Findings {
				t.Errorf("%s: %s gives a finding: %s", name, f.Name, x.Summary)
			}
		default:
			t.Errorf("%s: a file is called %q; want facts, findings, near miss…", name, f.Name)
		}
	}
	if !found || !missed {
		t.Errorf("%s: wants a file facts and a file near miss", name)
	}
	if *update {
		if want < 0 {
			a.Files, want = append(a.Files, txtar.File{Name: "findings"}), len(a.Files)
		}
		a.Files[want].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want < 0 {
		t.Fatalf("%s: no file findings: run the test with -update and read what it wrote", name)
	}
	if diff := cmp.Diff(string(a.Files[want].Data), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// words are all findings about a case; k must be the first.
func words(t *testing.T, f txtar.File, checks []check.Check, k *check.Check) string {
	t.Helper()
	c, err := Parse(string(f.Data))
	if err != nil {
		t.Fatal(err)
	}
	r := check.Run(checks, c)
	if len(r.Findings) == 0 || r.Findings[0].Code != k.Code {
		t.Errorf("the sample's first finding is not %s but %s", k.Code, codes(r))
	}
	var b strings.Builder
	for i := range r.Findings {
		for _, line := range r.Findings[i].Lines() {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func codes(r check.Result) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Code))
	}
	return fmt.Sprint(all)
}
