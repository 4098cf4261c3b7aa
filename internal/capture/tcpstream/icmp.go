package tcpstream

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// ICMP takes an ICMP error about a connection (verdict packet.ICMPError). Its fact has the side that sent the packet in question.
func (t *Tracker) ICMP(s *packet.Segment) {
	t.now = max(t.now, s.At)
	c, d := t.table.find(s)
	if c == nil || c.h == nil {
		t.stats.Ignored++
		return
	}
	text := icmpName(&s.ICMP)
	if s.ICMP.MTU > 0 {
		text += ", mtu " + strconv.Itoa(s.ICMP.MTU)
	}
	t.tell(c, d, fact.Stamp{At: s.At, Frame: s.Frame},
		fact.Fact{Kind: fact.ICMPUnreachable, Code: int(s.ICMP.Type)<<8 | int(s.ICMP.Code), Text: text})
}

// icmpName is the name of an error (IANA's registries for ICMP and ICMPv6).
func icmpName(i *packet.ICMP) string {
	var name string
	switch {
	case i.V6 && i.Type == 1:
		name = pick(i.Code, "no route to destination", "administratively prohibited", "beyond scope of source address", "address unreachable",
			"port unreachable", "source address failed policy", "reject route to destination")
	case i.V6 && i.Type == 2:
		name = "packet too big"
	case i.V6 && i.Type == 3, !i.V6 && i.Type == 11:
		name = pick(i.Code, "time to live exceeded in transit", "fragment reassembly time exceeded")
	case i.V6 && i.Type == 4, !i.V6 && i.Type == 12:
		name = "parameter problem"
	case !i.V6 && i.Type == 3:
		name = pick(i.Code, "network unreachable", "host unreachable", "protocol unreachable", "port unreachable", "fragmentation needed",
			"source route failed", "destination network unknown", "destination host unknown", "source host isolated",
			"network administratively prohibited", "host administratively prohibited", "network unreachable for type of service",
			"host unreachable for type of service", "communication administratively prohibited", "host precedence violation",
			"precedence cutoff in effect")
	case !i.V6 && i.Type == 4:
		name = "source quench"
	case !i.V6 && i.Type == 5:
		name = "redirect"
	}
	if name == "" {
		return "icmp type " + strconv.Itoa(int(i.Type)) + " code " + strconv.Itoa(int(i.Code))
	}
	return name
}

func pick(code uint8, names ...string) string {
	if int(code) < len(names) {
		return names[code]
	}
	return ""
}
