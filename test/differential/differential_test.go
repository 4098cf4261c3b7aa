// Package differential_test runs the same rules on the same requests in our engine and in Coraza, in one process and without sockets, and compares
// everything that comes of it: which rules matched, in their order, with every value that they matched; how the exchange ended; the anomaly
// scores and all other TX variables; and, by rules that match every value of every variable, how requests and bodies were read.
//
// Input: the requests of the Core Rule Set's own tests, requests that are generated from a seed, a corpus of benign ones (testdata), and rules that
// are generated. Environment: LUNETTE_SOAK=1 runs 100,000 requests in place of 5,000 (a tenth of that under the race detector); -differential.seed repeats a failure. Output: none but failures; each
// is shrunk first to the smallest request, and the fewest rules, that still differ.
// Promises: every difference that stands is a row of the table in explain_test.go, which says who is right by the reference of SecLang, is recognised as
// narrowly as can be, and has a small test of its own; in a soak, a row that explains nothing fails.
// Non-goals: what Coraza cannot do (persistent collections, GraphQL, gRPC), speed, the wire (test/crs).
package differential_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/lunette-waf/lunette/test/race"
)

var seed = flag.Uint64("differential.seed", 1, "seed of what is generated") //nolint:gochecknoglobals // flags of a test are so

// soaking reports whether the long run is asked for.
func soaking() bool { return os.Getenv("LUNETTE_SOAK") != "" }

// share returns n, or in a soak as many times more as the whole grows.
func share(n int) int {
	if soaking() {
		return 20 * n
	}
	return n
}

func TestMain(m *testing.M) {
	flag.Parse()
	register()
	code := m.Run()
	if soaking() && !race.On && code == 0 && flag.Lookup("test.run").Value.String() == "" {
		for _, w := range rows() {
			if noted(nil)[w.name] == 0 {
				fmt.Fprintf(os.Stderr, "FAIL: the row %q explains nothing: take it off the table\n", w.name)
				code = 1
			}
		}
	}
	os.Exit(code)
}
