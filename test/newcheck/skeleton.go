package main

import (
	"go/token"
	"strings"
)

// variable is the Go name of a check: hello_request_ignored becomes helloRequestIgnored.
func variable(name string) string {
	_, cause, _ := strings.Cut(name, ".")
	words := strings.Split(cause, "_")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	out := strings.Join(words, "")
	if token.IsKeyword(out) || out[0] <= '9' {
		out = "cause" + strings.ToUpper(out[:1]) + out[1:]
	}
	return out
}

// source is the file of a check that has everything but its content.
func source(pkg, name string) string {
	v := variable(name)
	return strings.NewReplacer("PACKAGE", pkg, "CODE", name, "VARIABLE", v, "RUN", "run"+strings.ToUpper(v[:1])+v[1:]).Replace(skeleton)
}

const skeleton = `package PACKAGE

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var VARIABLE = check.Check{
	Code:      "CODE",
	Title:     "",               // what is wrong, a clause without a full stop
	Severity:  finding.Critical, // requests fail; Warning: it works by luck; Info: worth knowing
	Catalogue: []int{},          // numbers of docs/findings/catalogue.md
	Refines:   []reason.Code{},  // reasons that an attempt with this cause may carry
	On:        []fact.Kind{},    // kinds of fact without one of which it is not asked
	Needs:     0,                // what must have been watched, such as check.Packets
	Silences:  []finding.Code{}, // its symptoms
	Text:      "",               // what happens on the wire and why; what people see elsewhere; how it is told from what looks alike
	Asks:      []string{},       // what to look at where the wire does not tell
	Mends:     []finding.Mend{}, // on each system, and on Lunette
	Sources:   []string{},       // RFC and section, vendors' pages, threads
	Run:       RUN,
}

func RUN(c *check.Case) *check.Verdict {
	// Certain only where the facts prove it; else Likely, and Settle says what would prove it.
	return nil
}
`

const emptySample = `-- facts --
flow 1 192.0.2.10:50001 > 192.0.2.20:443 watched=packets,records name=shop.test
0.000 client tcp_syn frame=1
-- near miss: what looks alike and is healthy --
flow 1 192.0.2.10:50001 > 192.0.2.20:443 watched=packets,records name=shop.test
0.000 client tcp_syn frame=1
`

// nextSteps takes the file, the sample, the list, the variable, the package and the code.
const nextSteps = `wrote %[1]s
wrote %[2]s
next:
  1. Fill in the papers and Run. internal/diagnosis/check/flow.go and exchange.go have the queries, internal/fact/kind.go the facts.
  2. Put facts into the sample: the case that proves it, and near misses, each a healthy or merely slow flow that looks alike.
     "lunette explain CAPTURE --format json" shows the facts of a capture as its events.
  3. Add %[4]s to the list in %[3]s, causes before symptoms.
  4. go test ./internal/diagnosis/check/%[5]s -update      # writes the words of %[6]s: read them
  5. go generate ./internal/diagnosis && go test ./internal/diagnosis ./test/findings
`
