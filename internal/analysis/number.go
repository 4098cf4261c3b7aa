package analysis

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// maxNumbered bounds the connections of a run whose places are remembered: 8 MiB.
const maxNumbered = 1 << 20

// census remembers which connections there were, wanted or not, so that a flow has the same number whatever the filter.
type census struct {
	most  int
	ids   []uint64 // tcpstream.Conn.ID
	lost  bool
	until uint64 // ID of the first connection that was not remembered, when lost
}

func (c *census) add(id uint64) {
	if len(c.ids) < c.most {
		c.ids = append(c.ids, id)
		return
	}
	c.lose(id)
}

func (c *census) lose(id uint64) {
	if !c.lost || id < c.until {
		c.lost, c.until = true, id
	}
}

// merge takes over what another census remembers.
func (c *census) merge(o *census) {
	c.ids = append(c.ids, o.ids...)
	if o.lost {
		c.lose(o.until)
	}
}

// number fills in Flow.Number of flows in the order of their IDs: the place among all connections, from 1. Those beyond what
// is remembered are numbered on.
func (c *census) number(flows []*flow.Flow) {
	slices.Sort(c.ids)
	if c.lost {
		n, _ := slices.BinarySearch(c.ids, c.until)
		c.ids = c.ids[:n]
	}
	last := 0
	for _, f := range flows {
		place, found := slices.BinarySearchFunc(c.ids, f.ID, cmp.Compare[uint64])
		if !found {
			place = max(last, place)
		}
		last = place + 1
		f.Number = last
	}
}
