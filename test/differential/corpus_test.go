package differential_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lunette-waf/lunette/test/race"
)

var update = flag.Bool("differential.update", false, "write the corpus of benign requests anew") //nolint:gochecknoglobals // flags of a test are so

const (
	corpusFile = "testdata/benign.txtar"
	corpusSize = 500
)

// corpus returns the committed requests.
func corpus(t testing.TB) (list []*request) {
	t.Helper()
	if *update {
		a := &txtar.Archive{Comment: []byte("Requests of an ordinary day, written by writers() with -differential.update. Lines of heads and of multipart bodies end in CR LF on the wire.\n")}
		all := writers()
		for i := range corpusSize {
			w := all[i%len(all)]
			text := w.f(rand.New(rand.NewPCG(500, uint64(i)))) //nolint:gosec // to be repeated
			a.Files = append(a.Files, txtar.File{Name: fmt.Sprintf("%s-%03d", w.kind, i), Data: []byte(text)})
		}
		if err := os.WriteFile(corpusFile, txtar.Format(a), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a, err := txtar.ParseFile(corpusFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range a.Files {
		head, body, _ := strings.Cut(string(f.Data), "\n\n")
		r := &request{name: f.Name}
		if !r.read(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n") {
			t.Fatalf("%s: no request line", f.Name)
		}
		r.body = body
		if strings.HasPrefix(r.header.Get("Content-Type"), "multipart/") {
			r.body = strings.ReplaceAll(body, "\n", "\r\n")
		} else {
			r.body = strings.TrimSuffix(body, "\n")
		}
		if r.body != "" {
			r.set("Content-Length", fmt.Sprint(len(r.body)))
		}
		list = append(list, r)
	}
	if len(list) != corpusSize {
		t.Fatalf("%d requests, want %d", len(list), corpusSize)
	}
	return list
}

// TestCorpus compares the benign requests, in a soak at all levels, and finds that few of them are blocked at the lowest.
func TestCorpus(t *testing.T) {
	all, y := corpus(t), newTally()
	for i, p := range corePairs(t) {
		at, step := i, 4
		switch {
		case soaking() && !race.On:
			at, step = 0, 1
		case race.On && !soaking():
			step = 40
		}
		compareAll(y, p, t, func() *request {
			if at >= len(all) {
				return nil
			}
			r := all[at]
			at += step
			return r
		})
	}
	y.report(t)
	o := runner(t, corePairs(t)[0].program, corePairs(t)[0].src.Config)
	var blocked []string
	for _, r := range all {
		out := o.run(r)
		if out.rule == 0 {
			continue
		}
		line := r.name
		for _, h := range out.hits {
			if !h.silent {
				line += fmt.Sprint(" ", h.id)
			}
		}
		if !strings.Contains(line, " 920420 ") { // the rule set allows few types of bodies
			blocked = append(blocked, line)
		}
	}
	if len(blocked) > corpusSize/20 {
		t.Errorf("%d of %d are blocked at paranoia 1: are they benign?\n%s", len(blocked), corpusSize, clipped(strings.Join(blocked, "\n")))
	}
}
