package filter

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// isID reports whether a word can be an address or a number, or a name where one was meant: no word of the language.
func isID(word string) bool {
	if word == "" || strings.ContainsAny(word[:1], "()/!&|") {
		return false
	}
	if c := word[0]; c >= '0' && c <= '9' || strings.Contains(word, ":") {
		return true
	}
	return services()[word] != 0
}

// id reads one id under a qualifier.
func (p *parser) id(q *qualifier) (*tree, error) {
	if p.tests++; p.tests > maxTests {
		return nil, p.fail("the expression asks too much: more than %d questions", maxTests)
	}
	if word := p.peek(); word == "" || strings.ContainsAny(word[:1], "()/!&|") {
		return nil, p.unexpected(wanted(q))
	}
	switch q.kind {
	case "port":
		return p.port(q)
	case "portrange":
		return p.portrange(q)
	case "proto":
		return p.proto(q)
	}
	if q.proto == "ether" {
		return p.ether(q)
	}
	return p.address(q)
}

func wanted(q *qualifier) string {
	switch q.kind {
	case "port":
		return "a port"
	case "portrange":
		return "two ports with - between them"
	case "proto":
		return "a protocol's number or name"
	case "net":
		return "a network as 10.0.0.0/8"
	}
	return "an address"
}

// transport is the protocol that qualifies a port, 0 for none.
func (p *parser) transport(q *qualifier) (uint32, error) {
	switch q.proto {
	case "", "tcp", "udp", "sctp":
		return protocols()[q.proto].number, nil
	}
	return 0, p.fail("%s has no ports; write tcp, udp, sctp or nothing before %s", q.proto, q.kind)
}

func (p *parser) port(q *qualifier) (*tree, error) {
	proto, err := p.transport(q)
	if err != nil {
		return nil, err
	}
	n, ok := portNumber(p.peek())
	if !ok {
		return nil, p.fail("%q is no port: write a number from 0 to 65535; of names only the commonest are known, as https", p.peek())
	}
	p.at++
	return p.frame.ports(q.dir, proto, n, n), nil
}

func portNumber(text string) (uint32, bool) {
	if n, ok := services()[strings.TrimPrefix(text, "\\")]; ok {
		return n, true
	}
	n, err := strconv.ParseUint(text, 0, 16)
	return uint32(n), err == nil
}

func (p *parser) portrange(q *qualifier) (*tree, error) {
	proto, err := p.transport(q)
	if err != nil {
		return nil, err
	}
	first, second, _ := strings.Cut(p.peek(), "-")
	low, ok := portNumber(first)
	high, good := low, ok
	if second != "" || strings.HasSuffix(p.peek(), "-") {
		high, good = portNumber(second)
	}
	if !ok || !good {
		return nil, p.fail("%q is no range of ports: write as 8000-8100", p.peek())
	}
	p.at++
	return p.frame.ports(q.dir, proto, min(low, high), max(low, high)), nil
}

// proto reads what a header says that it carries.
func (p *parser) proto(q *qualifier) (*tree, error) {
	if q.dir != either {
		return nil, p.fail("a protocol has no direction: leave src and dst out")
	}
	name := strings.TrimPrefix(p.peek(), "\\")
	n, err := strconv.ParseUint(name, 0, 31)
	if q.proto == "ether" {
		kind, ok := networks()[name]
		if !ok && (err != nil || n < leastType || n > 0xffff) {
			return nil, p.fail("%q is no EtherType: write a number from 0x600 to 0xffff, ip, ip6, arp or rarp", p.peek())
		}
		if !ok {
			kind = uint32(n)
		}
		p.at++
		return p.frame.is(kind), nil
	}
	if known, ok := protocols()[name]; ok {
		n, err = uint64(known.number), nil
	}
	if err != nil {
		return nil, p.fail("%q is no protocol: write its number or tcp, udp, sctp, icmp, icmp6, igmp, ah, esp, pim, vrrp", p.peek())
	}
	var out *tree
	switch q.proto {
	case "":
		out = or(p.frame.proto4(uint32(n)), p.frame.proto6(uint32(n)))
	case "ip":
		out = p.frame.proto4(uint32(n))
	case "ip6":
		out = p.frame.proto6(uint32(n))
	default:
		return nil, p.fail("%s does not carry another protocol: write ip proto, ip6 proto or proto", q.proto)
	}
	p.at++
	return out, nil
}

// ether reads a hardware address.
func (p *parser) ether(q *qualifier) (*tree, error) {
	if !p.frame.ether {
		return nil, p.fail("frames of this interface have no Ethernet addresses")
	}
	parts := strings.FieldsFunc(p.peek(), func(r rune) bool { return r == ':' || r == '-' || r == '.' })
	var mac [6]byte
	ok := len(parts) == len(mac) && q.kind != "net"
	for i := 0; ok && i < len(mac); i++ {
		n, err := strconv.ParseUint(parts[i], 16, 8)
		mac[i], ok = byte(n), err == nil
	}
	if !ok {
		return nil, p.fail("%q is no Ethernet address: write as ether host 00:11:22:aa:bb:cc", p.peek())
	}
	p.at++
	return p.frame.hardware(q.dir, mac), nil
}

// address reads an IPv4 or IPv6 address or network.
func (p *parser) address(q *qualifier) (*tree, error) {
	if networks()[q.proto] == 0 && q.proto != "" {
		return nil, p.fail("%s has no addresses, IP has: write %[1]s and host %s", q.proto, p.peek())
	}
	if strings.Contains(p.peek(), ":") {
		return p.six(q)
	}
	kinds := []uint32{typeIPv4, typeARP, typeRARP}
	if q.proto == "ip6" {
		return nil, p.fail("%s is an IPv4 address, and ip6 stands before it", p.peek())
	} else if q.proto != "" {
		kinds = []uint32{networks()[q.proto]}
	}
	addr, octets, ok := dotted(p.peek())
	if !ok {
		return nil, p.notAddress()
	}
	p.at++
	mask, slash, err := p.mask4(addr, octets)
	switch {
	case err != nil:
		return nil, err
	case slash && q.kind != "net":
		p.at--
		return nil, p.fail("a mask belongs to a network: write net instead of host")
	case !slash && octets == 0: // a plain number
		mask = noMask
		for q.kind == "net" && addr != 0 && addr>>24 == 0 {
			addr, mask = addr<<8, mask<<8
		}
	}
	return p.frame.host4(q.dir, addr, mask, kinds...), nil
}

// notAddress is the error for a word that stands where an address should.
func (p *parser) notAddress() error {
	word := p.peek()
	if c := word[0]; c >= '0' && c <= '9' && !strings.ContainsAny(strings.ToLower(word), "ghijklmnopqrstuvwxyz") {
		return p.fail("%q is no address: write as 192.0.2.1 or 2001:db8::1", word)
	}
	return p.fail("%q is a name: give its addresses (host 192.0.2.1 or 192.0.2.2); getent ahosts %[1]s lists them", word)
}

// dotted reads one to four octets, the first ones of an address. octets is 0 for a plain number, which is the whole address.
func dotted(text string) (addr uint32, octets int, ok bool) {
	if !strings.Contains(text, ".") {
		n, err := strconv.ParseUint(text, 0, 32)
		return uint32(n), 0, err == nil
	}
	for part := range strings.SplitSeq(text, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if octets++; err != nil || octets > 4 {
			return 0, 0, false
		}
		addr = addr<<8 | uint32(n)
	}
	return addr << (8 * (4 - octets)), octets, true
}

// mask4 reads /bits or mask and an address behind a network of some octets, or tells the mask that their number gives.
func (p *parser) mask4(addr uint32, octets int) (mask uint32, slash bool, err error) {
	if octets == 0 && (p.peek() == "/" || p.peek() == "mask") {
		if addr > 255 {
			return 0, true, p.fail("%d before a mask is no octet", addr)
		}
		return 0, true, p.fail("write the network with a dot: %d.0.0.0", addr)
	}
	if octets == 0 {
		return noMask, false, nil
	}
	mask = uint32(uint64(noMask) << (8 * (4 - octets)))
	switch {
	case p.accept("/"):
		n, err := p.number("the bits of a network", 32)
		if err != nil {
			return 0, true, err
		}
		mask, slash = uint32(uint64(noMask)<<(32-n)), true
	case p.accept("mask"):
		m, parts, ok := dotted(p.peek())
		if !ok || parts == 0 {
			return 0, true, p.unexpected("a mask as 255.255.255.0")
		}
		p.at++
		mask, slash = m, true
	}
	if addr&^mask != 0 {
		p.at--
		return 0, slash, p.fail("the address has bits outside of its network: write %s for the network or host for the address", quad(addr&mask))
	}
	return mask, slash, nil
}

func quad(v uint32) string {
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, v))).String()
}

// six reads an IPv6 address, with /bits under net.
func (p *parser) six(q *qualifier) (*tree, error) {
	a, err := netip.ParseAddr(p.peek())
	if err != nil || !a.Is6() {
		return nil, p.fail("%q is no IPv6 address (an Ethernet address wants ether host before it)", p.peek())
	}
	if q.proto != "" && q.proto != "ip6" {
		return nil, p.fail("%s is an IPv6 address, and %s stands before it", p.peek(), q.proto)
	}
	p.at++
	size := 128
	if p.accept("/") {
		n, err := p.number("the bits of a network", 128)
		if err != nil {
			return nil, err
		}
		if size = int(n); size != 128 && q.kind != "net" {
			p.at--
			return nil, p.fail("a mask belongs to a network: write net instead of host")
		}
	}
	if network, _ := a.Prefix(size); network.Addr() != a {
		p.at--
		return nil, p.fail("the address has bits outside of its network: write %s for the network or host for the address", network)
	}
	var addr, mask [4]uint32
	for i, b := 0, a.As16(); i < len(addr); i++ {
		addr[i] = binary.BigEndian.Uint32(b[4*i:])
		mask[i] = bits.Reverse32(uint32(uint64(1)<<min(32, max(0, size-32*i)) - 1))
	}
	return p.frame.host6(q.dir, addr, mask), nil
}
