package filter

import "strconv"

// special reads less, greater, vlan, broadcast and multicast, which have no qualifiers in the sense of the others.
func (p *parser) special(q *qualifier) (out *tree, done bool, err error) {
	next := ""
	if p.peek() != "" {
		next = p.tokens[p.at+1].text
	}
	switch word := p.peek(); {
	case word == "less" || word == "greater":
		p.at++
		n, err := p.number("a length in bytes", 1<<31-1)
		if err != nil {
			return nil, true, err
		}
		out = length(atLeast, n)
		if word == "less" {
			out = not(length(greater, n))
		}
	case word == "vlan":
		p.at++
		out, err = p.vlan()
	case word == "broadcast" || word == "multicast":
		p.at++
		out, err = p.cast(word)
	case (word == "ether" || word == "link") && (next == "broadcast" || next == "multicast"):
		p.at += 2
		out, err = p.cast(next)
	case word == "ip" && next == "multicast":
		p.at += 2
		out = and(p.frame.is(typeIPv4), p.frame.net(16, char, atLeast, 224))
	case word == "ip6" && next == "multicast":
		p.at += 2
		out = and(p.frame.is(typeIPv6), p.frame.net(24, char, equal, 255))
	case word == "ip" && next == "broadcast":
		return nil, true, p.fail("ip broadcast needs the netmask of the interface; write dst host and the broadcast address")
	default:
		return nil, false, nil
	}
	*q = qualifier{}
	return out, true, err
}

// number reads a number up to most.
func (p *parser) number(what string, most uint64) (uint32, error) {
	n, err := strconv.ParseUint(p.peek(), 0, 32)
	if err != nil || n > most {
		return 0, p.unexpected(what + ", at most " + strconv.FormatUint(most, 10) + ",")
	}
	p.at++
	return uint32(n), nil
}

// vlan reads an optional id; all that follows in the expression looks behind the tag.
func (p *parser) vlan() (*tree, error) {
	id := -1
	if c := p.peek(); c != "" && c[0] >= '0' && c[0] <= '9' {
		n, err := p.number("the id of a VLAN", 4095)
		if err != nil {
			return nil, err
		}
		id = int(n)
	}
	if !p.frame.typed {
		p.at--
		return nil, p.fail("frames of this interface have no VLAN tags")
	}
	p.vlans++
	if p.vlans > maxVLANs {
		return nil, p.fail("more than %d VLAN tags", maxVLANs)
	}
	if p.taken && p.vlans == 1 {
		if id < 0 {
			return constant(true), nil
		}
		return masked(kernelTag, char, uint32(id), 0x0fff), nil
	}
	out := p.frame.isTagged(id)
	p.frame = p.frame.tagged()
	return out, nil
}

// maxVLANs is how many tags an expression may go behind.
const maxVLANs = 16

// cast reads broadcast and multicast of Ethernet.
func (p *parser) cast(what string) (*tree, error) {
	if !p.frame.ether {
		p.at--
		return nil, p.fail("frames of this interface have no Ethernet addresses")
	}
	if what == "broadcast" {
		return p.frame.hardware(destination, [6]byte{255, 255, 255, 255, 255, 255}), nil
	}
	return compare(0, char, anyBit, 1), nil
}

// protocol is the question of a protocol's name alone.
func (p *parser) protocol(name string, start int) (*tree, error) {
	if kind := networks()[name]; kind != 0 {
		return p.frame.is(kind), nil
	}
	proto, ok := protocols()[name]
	switch {
	case !ok:
		p.at = start
		return nil, p.fail("%s alone asks nothing; write ether host or ether proto", name)
	case !proto.six:
		return p.frame.proto4(proto.number), nil
	case !proto.four:
		return p.frame.proto6(proto.number), nil
	}
	return or(p.frame.proto4(proto.number), p.frame.proto6(proto.number)), nil
}
