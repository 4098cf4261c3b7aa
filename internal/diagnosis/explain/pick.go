package explain

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// mostPicked is how many flows of the abnormal capture are tried, those with the worst trouble.
const mostPicked = 200

// candidate is a flow that may be compared, with what is looked at to choose.
type candidate struct {
	index   int
	flow    *flow.Flow
	host    string
	trouble int
}

// pick chooses the two wanted flows that go together best; ok is false when a capture has none.
func pick(abnormal, normal *Capture) (a, n int, ok bool) {
	as, ns := candidates(abnormal), candidates(normal)
	slices.SortStableFunc(as, func(x, y candidate) int { return cmp.Compare(y.trouble, x.trouble) })
	best := -1
	for i := range as[:min(len(as), mostPicked)] {
		for j := range ns {
			if s := likeness(&as[i], &ns[j]); s > best {
				best, a, n = s, as[i].index, ns[j].index
			}
		}
	}
	return a, n, best >= 0
}

func candidates(c *Capture) []candidate {
	var out []candidate
	for i, f := range c.Flows {
		if c.wanted(i) {
			out = append(out, candidate{index: i, flow: f, host: hostOf(f), trouble: c.trouble(i).weight})
		}
	}
	return out
}

// likeness says how well two flows go together: the same protocol, name and server, and trouble on one side only.
func likeness(a, n *candidate) int {
	s := 3*a.trouble + 2*(weightMost-n.trouble)
	add := func(points int, yes bool) {
		if yes {
			s += points
		}
	}
	add(40, a.flow.Protocol == n.flow.Protocol)
	add(20, a.host != "" && a.host == n.host)
	add(10, a.flow.Server.Port() == n.flow.Server.Port())
	add(4, a.flow.Server.Addr() == n.flow.Server.Addr())
	add(2, a.flow.Protocol != "")
	return s
}
