// Package checktest tries checks on samples: facts as text in, findings and their words out.
//
// Input: a folder of txtar files, one for each check, named after its code. Output: failures of the test; with -update the words.
// Promises: every check has a sample that it finds first, and a near miss in which it finds nothing. Non-goals: real traffic (test/parity).
//
// A sample has the files "facts" (the case), "findings" (what all checks of the package say about it, as [finding.Finding.AllLines]),
// and any number of files that begin with "near miss" (cases in which the check says nothing). Further cases are called
// "facts: what", with "findings: what". A case is written as lines:
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
	var out, said txtar.Archive // as -update writes it: what the checks say stands last
	for _, f := range a.Files {
		switch {
		case strings.HasPrefix(f.Name, "facts"):
			found = true
			of := "findings" + strings.TrimPrefix(f.Name, "facts")
			got := words(t, f, checks, k)
			if want, ok := part(a, of); !*update && !ok {
				t.Errorf("%s: no file %s: run the test with -update and read what it wrote", name, of)
			} else if diff := cmp.Diff(want, got); !*update && diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, of, diff)
			}
			out.Files = append(out.Files, f)
			said.Files = append(said.Files, txtar.File{Name: of, Data: []byte(got)})
		case strings.HasPrefix(f.Name, "findings"):
		case strings.HasPrefix(f.Name, "near miss"):
			missed = true
			miss(t, name, f, k)
			out.Files = append(out.Files, f)
		default:
			t.Errorf("%s: a file is called %q; want facts…, findings…, near miss…", name, f.Name)
		}
	}
	if !found || !missed {
		t.Errorf("%s: wants a file facts and a file near miss", name)
	}
	if *update {
		out.Comment, out.Files = a.Comment, append(out.Files, said.Files...)
		if err := os.WriteFile(name, txtar.Format(&out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// miss demands that the check says nothing of a near miss.
func miss(t *testing.T, name string, f txtar.File, k *check.Check) {
	t.Helper()
	c, err := Parse(string(f.Data))
	if err != nil {
		t.Errorf("%s: %s: %v", name, f.Name, err)
		return
	}
	for _, x := range check.Run([]check.Check{*k}, c).Findings {
		t.Errorf("%s: %s gives a finding: %s", name, f.Name, x.Summary)
	}
}

// part is the file of a with this name.
func part(a *txtar.Archive, name string) (string, bool) {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
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
		for _, line := range r.Findings[i].AllLines() {
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
