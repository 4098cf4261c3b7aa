package manual

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Entry is one check for programs.
type Entry struct {
	Code      finding.Code     `json:"code"`
	Title     string           `json:"title"`
	Severity  finding.Severity `json:"severity"`
	Catalogue []int            `json:"catalogue"`
	Refines   []reason.Code    `json:"refines"`
	On        []string         `json:"on"`    // names of the kinds of fact that it begins with; empty: it is always asked
	Needs     []string         `json:"needs"` // what must have been watched
	Silences  []finding.Code   `json:"silences"`
	Text      string           `json:"text"` // Markdown
	Asks      []string         `json:"asks"`
	Mends     []finding.Mend   `json:"mends"`
	Sources   []string         `json:"sources"`
}

// EntryOf is a check for programs; no list in it is null.
func EntryOf(k *check.Check) Entry {
	return Entry{Code: k.Code, Title: k.Title, Severity: k.Severity, Catalogue: some(k.Catalogue), Refines: some(k.Refines), On: kinds(k.On), Needs: some(k.Needs.Names()),
		Silences: some(k.Silences), Text: k.Text, Asks: examples(k.Asks), Mends: mends(k.Mends), Sources: some(k.Sources)}
}

// mends are all with their blanks filled.
func mends(all []finding.Mend) []finding.Mend {
	out := some(all)
	for i := range out {
		out[i].Do, out[i].Lines = check.Example(out[i].Do), check.Example(out[i].Lines)
	}
	return out
}

func some[T any](all []T) []T { return append([]T{}, all...) }

func kinds(all []fact.Kind) []string {
	out := []string{}
	for _, k := range all {
		out = append(out, k.String())
	}
	return out
}
