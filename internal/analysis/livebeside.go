package analysis

import (
	"cmp"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// neighbours are the last connections to each server, which the checks see beside the one that they are asked about. It belongs to the
// goroutine that judges, but for version.
type neighbours struct {
	servers map[netip.AddrPort]*server
	order   []*neighbour // oldest first
	most    int64        // bytes
	held    atomic.Int64
}

type server struct {
	flows   []*neighbour // in the order of their first packets
	version uint64
}

type neighbour struct {
	flow   *flow.Flow
	weight int64
}

const (
	nearBeside   = 16        // on each side of the connection in question: what evidence.Cases takes
	mostBeside   = 64        // of one server
	heavyBeside  = 128 << 10 // bytes of a flow beyond which it is no neighbour
	serverWeight = 256
)

func newNeighbours(most int64) neighbours {
	return neighbours{servers: map[netip.AddrPort]*server{}, most: most}
}

func byFlow(x *neighbour, id uint64) int { return cmp.Compare(x.flow.ID, id) }

// put adds f, or takes it for what was known of the same connection before.
func (n *neighbours) put(f *flow.Flow) {
	slim := *f
	slim.Exchanges, slim.KeyLog = nil, nil
	weight := int64(slim.Weight()) + flowWeight
	if weight > heavyBeside {
		return
	}
	s := n.servers[f.Server]
	if s == nil {
		s = &server{}
		n.servers[f.Server] = s
		n.held.Add(serverWeight)
	}
	s.version++
	at, found := slices.BinarySearchFunc(s.flows, f.ID, byFlow)
	if found {
		x := s.flows[at]
		n.held.Add(weight - x.weight)
		x.flow, x.weight = &slim, weight
	} else {
		x := &neighbour{&slim, weight}
		s.flows = slices.Insert(s.flows, at, x)
		n.order = append(n.order, x)
		n.held.Add(weight)
	}
	for n.held.Load() > n.most && len(n.order) > 0 {
		n.remove(n.order[0])
		n.order = n.order[1:]
	}
	if len(s.flows) > mostBeside {
		oldest := s.flows[0]
		n.remove(oldest)
		n.order = slices.DeleteFunc(n.order, func(x *neighbour) bool { return x == oldest })
	}
}

func (n *neighbours) remove(x *neighbour) {
	s := n.servers[x.flow.Server]
	if s == nil {
		return
	}
	if at := slices.Index(s.flows, x); at >= 0 {
		s.flows = slices.Delete(s.flows, at, at+1)
		n.held.Add(-x.weight)
	}
	if len(s.flows) == 0 {
		delete(n.servers, x.flow.Server)
		n.held.Add(-serverWeight)
	}
}

// around are the flows to the server of f, f among them, and where.
func (n *neighbours) around(f *flow.Flow) (all []*flow.Flow, at int) {
	s := n.servers[f.Server]
	if s == nil {
		return []*flow.Flow{f}, 0
	}
	place, found := slices.BinarySearchFunc(s.flows, f.ID, byFlow)
	before := s.flows[max(0, place-nearBeside):place]
	behind := s.flows[place:]
	if found {
		behind = behind[1:]
	}
	for _, x := range before {
		all = append(all, x.flow)
	}
	at = len(all)
	all = append(all, f)
	for _, x := range behind[:min(len(behind), nearBeside)] {
		all = append(all, x.flow)
	}
	return all, at
}

// version changes with every flow to either end of a connection.
func (n *neighbours) version(t tuple) uint64 {
	v := uint64(0)
	for _, a := range []netip.AddrPort{t.low, t.high} {
		if s := n.servers[a]; s != nil {
			v += s.version
		}
	}
	return v
}
