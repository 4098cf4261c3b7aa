package explain

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// mostFailed is how many flows are looked at for what went on behind another one.
const mostFailed = 1000

// behind is the index of a flow with a critical cause that the server of Flows[i] opened while it was to answer: its own leg to an origin,
// so that the cause of the one may be that of the other. -1 without.
func (c *Capture) behind(i int) int {
	if c.failed == nil {
		c.failed = []int{}
		for j := range c.Results {
			if len(c.failed) < mostFailed && culprit(&c.Results[j]) != "" {
				c.failed = append(c.failed, j)
			}
		}
	}
	f := c.Flows[i]
	for _, j := range c.failed {
		if g := c.Flows[j]; j != i && g.Client.Addr() == f.Server.Addr() && g.Server != f.Server && owing(f, g.Start.At) {
			return j
		}
	}
	return -1
}

// owing reports whether at a time the server of f had a request that it then failed to answer, as far as that can be seen.
func owing(f *flow.Flow, at int64) bool {
	for _, x := range f.Exchanges {
		failed := x.Response.Head == nil || x.Response.Head.Status >= 500
		if failed && x.Request.First.At <= at && at <= cmp.Or(x.Response.First.At, f.End.At) {
			return true
		}
	}
	return len(f.Exchanges) == 0 && f.Start.At <= at && at <= f.End.At
}

// meanwhile says what behind found, "" for nothing.
func (c *Capture) meanwhile(i int) string {
	j := c.behind(i)
	if j < 0 {
		return ""
	}
	return "meanwhile flow " + strconv.Itoa(c.number(j)) + ": " + string(culprit(c.result(j)))
}

// culprit is the code of a cause that may fail the connection in front: a critical one, or that a client named no site and left; "" without.
func culprit(r *check.Result) finding.Code {
	worse, info := above(r)
	if i := slices.IndexFunc(worse, func(f finding.Finding) bool { return f.Severity == finding.Critical }); i >= 0 {
		return worse[i].Code
	}
	const unnamed = "tls.sni_missing" // alone it may be a probe
	if slices.ContainsFunc(info, func(f finding.Finding) bool { return f.Code == unnamed }) {
		return unnamed
	}
	return ""
}
