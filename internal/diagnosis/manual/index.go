package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

const indexHead = `
# Findings

A finding is a cause that the checks state: from a capture (lunette explain), from live traffic, from a probe, always from the same facts.
It has a code of its own, phase.cause, and refines the [reason](../reasons.md) that a failed attempt carries. "lunette finding CODE" prints
the page of one, "lunette finding" the list, and --format json either for programs.

- **severity**: critical (requests fail), warning (it works badly, by luck, or will fail soon), info (worth knowing, nothing fails).
- **confidence**: certain (the facts prove it), likely (they fit it best; "to be certain" says what would settle it), possible (they fit
  other causes as well).
- **mends** are for the system that the origin says it runs first. Made for a case they hold its name, address and port; on these pages
  shop.example and 192.0.2.10:443 stand for them. A word in capitals (SITE, THUMBPRINT, ORIGIN-ADDRESS) is to be filled in: as it stands,
  commands refuse it. The first line for IIS says which shell the lines are for. Lines for Lunette stand below one of sites in its
  configuration.
- A check whose facts are lacking says nothing, and what it would need; a cause hides its symptoms, which are named beside it.

[catalogue.md](catalogue.md) lists the failures by number with the findings that cover them.
[0008](../decisions/0008-checks.md) says why checks are as they are.
`

// Index is the page that lists all checks, by phase, and by the reasons that they refine.
func Index(all []check.Check) []byte {
	var b strings.Builder
	b.WriteString(generated + indexHead)
	for _, phase := range phases(all) {
		b.WriteString("\n## " + phase + "\n\n| finding | what is wrong | severity |\n|---|---|---|\n")
		for i := range all {
			if k := &all[i]; k.Code.Phase() == phase {
				fmt.Fprintf(&b, "| %s | %s | %s |\n", link(k.Code), k.Title, k.Severity)
			}
		}
	}
	b.WriteString("\n## By reason\n\n| reason of an attempt | what may be behind it |\n|---|---|\n")
	for r := range reason.All() {
		var codes []finding.Code
		for i := range all {
			if slices.Contains(all[i].Refines, r.Code) {
				codes = append(codes, all[i].Code)
			}
		}
		if codes != nil {
			fmt.Fprintf(&b, "| %s | %s |\n", reasonLink(r.Code), links(codes))
		}
	}
	return []byte(b.String())
}

// phases are those of the checks, in their order.
func phases(all []check.Check) []string {
	var out []string
	for i := range all {
		if p := all[i].Code.Phase(); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
