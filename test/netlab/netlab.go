// Package netlab makes a small network of its own for tests, in which packets get lost, refused and mangled on the way.
//
// Input: a test and a [Fault]. Output: a [Net] of three network namespaces, client, router and origin, with sockets in each and a
// recording of what the client saw.
// Promises: nothing of it touches the network outside: the addresses are those of RFC 5737 and live in the namespaces alone; the
// namespaces are removed by name when the test ends; a test that is not root on Linux, or lacks ip, nft or tcpdump, is skipped.
// Non-goals: faults that one process can make on loopback (internal/lab), speed.
package netlab

import (
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// The addresses. Elsewhere is routed to the origin and belongs to nobody.
const (
	ClientAddr = "192.0.2.2"
	OriginAddr = "198.51.100.2"
	Elsewhere  = "198.51.100.9"
	Port       = "8443" // of the origin; nobody else is in this network
)

// Fault is one way in which the network misbehaves.
type Fault struct {
	Name    string
	Does    string       // one sentence for the engineer
	Reason  reason.Code  // what a gateway should say of it
	Finding finding.Code // what the checks should state
	Where   string       // namespace of Rules
	Rules   string       // nftables
	Route   string       // in the router, towards the client: arguments behind "ip route replace"
	Late    bool         // it begins once the connection stands and the first answer was read
}

// Faults lists them.
func Faults() []Fault {
	chain := func(hook, rule string) string {
		return "table ip netlab {\nchain fault {\ntype filter hook " + hook + " priority 0; policy accept;\n" + rule + "\n}\n}"
	}
	return []Fault{
		{Name: "syn-dropped", Does: "a firewall drops SYNs to the origin", Reason: reason.TCPTimeout, Finding: "tcp.syn_dropped",
			Where: Router, Rules: chain("forward", "ip daddr "+OriginAddr+" tcp flags & (syn|ack) == syn drop")},
		{Name: "syn-prohibited", Does: "a firewall answers SYNs with ICMP: administratively prohibited", Reason: reason.TCPNoRoute, Finding: "",
			Where: Router, Rules: chain("forward", "ip daddr "+OriginAddr+" tcp flags & (syn|ack) == syn reject with icmp type admin-prohibited")},
		{Name: "middlebox-reset", Does: "a box on the way resets the connection when data comes; the RST has another TTL than the origin's packets",
			Reason: reason.TLSReset, Finding: "network.reset_injected",
			Where: Router, Rules: chain("forward", "ip daddr "+OriginAddr+" ip length > 100 reject with tcp reset")},
		{Name: "mtu-black-hole", Does: "the way back carries 1000 bytes only, and the ICMP that would say so is dropped", Reason: reason.TLSTimeout,
			Finding: "tcp.mtu_black_hole", Where: Router, Rules: chain("output", "ip protocol icmp drop"),
			Route: "192.0.2.0/24 dev toclient mtu lock 1000"},
		{Name: "half-open", Does: "a NAT on the way forgets the connection: what follows is dropped (tcp.half_open, once it was idle before)", Reason: reason.ReadFirstByteTimeout, Finding: "tcp.packet_loss",
			Where: Router, Rules: chain("forward", "tcp dport "+Port+" drop\ntcp sport "+Port+" drop"), Late: true},
		{Name: "asymmetric-path", Does: "SYN-ACKs come from another address than the one that was asked", Reason: reason.TCPTimeout, Finding: "tcp.asymmetric_path",
			Where: Router, Rules: chain("forward", "ip saddr "+OriginAddr+" tcp flags & (syn|ack) == (syn|ack) ip saddr set "+Elsewhere)},
		{Name: "loss", Does: "every third packet with data from the origin is lost: slow, and whole: tcp.packet_loss, as info, where more than one was sent again", Reason: "", Finding: "",
			Where: Router, Rules: chain("forward", "ip saddr "+OriginAddr+" ip length > 100 numgen inc mod 3 == 1 drop")},
	}
}

// The namespaces, as Net.Do and Fault.Where name them.
const (
	Client = "client"
	Router = "router"
	Origin = "origin"
)
