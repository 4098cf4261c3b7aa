package pcap

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
)

// takeOrder takes the byte order from the head of a section header.
func (r *Reader) takeOrder(h []byte) {
	for _, big := range []order{false, true} {
		if big.u32(h[8:]) == byteOrderMagic {
			r.order = big
		}
	}
}

// sectionHeader begins a section.
func (r *Reader) sectionHeader(b []byte) error {
	const head = 16
	if len(b) < head {
		return r.damaged(r.block, "a section header is too short")
	}
	if r.order.u32(b) != byteOrderMagic {
		return r.damaged(r.block, "a section header lacks its byte order")
	}
	if major := r.order.u16(b[4:]); major != 1 {
		return r.damaged(r.block, fmt.Sprintf("a section of pcapng version %d begins there, only 1 is known", major))
	}
	r.ng.interfaces = r.ng.interfaces[:0]
	r.info.Hardware, r.info.OS, r.info.Application = "", "", ""
	for o := (options{order: r.order, rest: b[head:]}); o.next(); {
		switch o.code {
		case optComment:
			r.info.comment(o.value)
		case sectionHardware:
			r.info.Hardware = text(o.value)
		case sectionOS:
			r.info.OS = text(o.value)
		case sectionApplication:
			r.info.Application = text(o.value)
		}
	}
	return nil
}

// addInterface reads an interface description block.
func (r *Reader) addInterface(b []byte) {
	const head = 8
	if len(b) < head || len(r.ng.interfaces) >= maxInterfaces {
		r.passed(r.damaged(r.block, "an interface description is too short, or one too many"), 0)
		return
	}
	to := port{link: LinkType(r.order.u16(b)), snap: r.order.u32(b[4:]), tick: newTick(6)}
	about := Interface{Link: to.link, SnapLen: int(min(to.snap, math.MaxInt32))}
	var offset int64
	for o := (options{order: r.order, rest: b[head:]}); o.next(); {
		switch {
		case o.code == interfaceName:
			about.Name = text(o.value)
		case o.code == interfaceDescription:
			about.Description = text(o.value)
		case o.code == interfaceFilter && len(o.value) > 1 && o.value[0] == 0: // 1 is BPF code
			about.Filter = text(o.value[1:])
		case o.code == interfaceResolution && len(o.value) == 1:
			to.tick = newTick(o.value[0])
		case o.code == interfaceOffset && len(o.value) == 8:
			offset = seconds(int64(o.u64()))
		}
	}
	to.tick.offset = offset
	r.info.Nanoseconds = r.info.Nanoseconds || to.tick.fine()
	r.ng.interfaces = append(r.ng.interfaces, to)
	if len(r.info.Interfaces) < maxInterfaces {
		r.info.Interfaces = append(r.info.Interfaces, about)
	}
}

// statistics reads an interface statistics block: its counters run from the start of the capture. Its time is believed to be the end of the
// capture where the only interface was handed as many packets as stand in the file before it: elsewhere somebody took some out, and
// the quiet at the end may be theirs.
func (r *Reader) statistics(b []byte) {
	const head = 12
	if len(b) < head || uint64(r.order.u32(b)) >= uint64(len(r.ng.interfaces)) {
		return
	}
	var lost int64
	came, delivered := int64(-1), false
	for o := (options{order: r.order, rest: b[head:]}); o.next(); {
		if (o.code == statisticsDropped || o.code == statisticsOSDropped) && len(o.value) == 8 {
			lost += int64(min(o.u64(), math.MaxInt32))
		}
		if len(o.value) == 8 && (o.code == statisticsDelivered || o.code == statisticsReceived && !delivered) {
			came, delivered = int64(min(o.u64(), math.MaxInt64)), o.code == statisticsDelivered
		}
	}
	r.info.End = 0
	if at := r.ng.interfaces[0].tick.at(uint64(r.order.u32(b[4:]))<<32 | uint64(r.order.u32(b[8:]))); len(r.info.Interfaces) == 1 && came == r.packets {
		r.info.End = at
	}
	r.drop(&r.ng.interfaces[r.order.u32(b)], 0, lost)
}

// names reads a name resolution block.
func (r *Reader) names(b []byte) {
	const v4, v6 = 1, 2
	if r.cfg.Name == nil {
		return
	}
	for o := (options{order: r.order, rest: b}); o.next(); {
		n := 4
		if o.code == v6 {
			n = 16
		}
		if o.code != v4 && o.code != v6 || len(o.value) <= n {
			continue
		}
		addr, _ := netip.AddrFromSlice(o.value[:n])
		for name := range bytes.SplitSeq(o.value[n:], []byte{0}) {
			if len(name) > 0 {
				r.cfg.Name(addr, text(name))
			}
		}
	}
}

// secrets reads a decryption secrets block.
func (r *Reader) secrets(b []byte) {
	const head = 8
	if len(b) < head || r.cfg.Secrets == nil {
		return
	}
	n := min(uint64(r.order.u32(b[4:])), uint64(len(b)-head))
	r.cfg.Secrets(SecretsType(r.order.u32(b)), b[head:head+int(n)])
}
