package pcap

import "fmt"

// Block types (draft-ietf-opsawg-pcapng section 11.1).
const (
	blockInterface  = 1
	blockOldPacket  = 2 // obsolete
	blockSimple     = 3
	blockNames      = 4
	blockStatistics = 5
	blockPacket     = 6
	blockJournal    = 9
	blockSecrets    = 10
	blockCustom     = 0x00000bad
	blockCustomKeep = 0x40000bad // not to be copied when the file is edited
	blockSection    = 0x0a0d0d0a // a palindrome: the same in both byte orders

	byteOrderMagic = 0x1a2b3c4d
	minBlock       = 12       // type, length, length again
	maxBlock       = 16 << 20 // a longer one is damage; Wireshark's own bound
)

// section is what holds for the blocks of one section.
type section struct {
	interfaces []port
}

// port is an interface as packets need it.
type port struct {
	link    LinkType
	snap    uint32
	tick    tick
	dropped [2]int64 // packets: as the latest statistics say, and as packets themselves do
}

// isSection reports whether b begins with a section header, in either byte order.
func isSection(b []byte) bool {
	return len(b) >= minBlock && order(false).u32(b) == blockSection &&
		(order(false).u32(b[8:]) == byteOrderMagic || order(true).u32(b[8:]) == byteOrderMagic)
}

// nextBlock reads blocks up to the next packet of a pcapng file.
func (r *Reader) nextBlock(p *Packet) error {
	for {
		kind, block, err := r.readBlock()
		switch {
		case err != nil:
			return err
		case block == nil:
		case kind == blockPacket:
			if r.enhanced(p, block) {
				return nil
			}
		default:
			if found, err := r.otherBlock(kind, block, p); found || err != nil {
				return err
			}
		}
	}
}

// readBlock reads a block and returns what stands between its lengths; nil when something was passed over instead.
func (r *Reader) readBlock() (kind uint32, body []byte, err error) {
	w := &r.in
	if !w.ahead(minBlock) {
		return 0, nil, r.end("the head of a block")
	}
	r.block = w.offset()
	h := w.buf[w.at : w.at+minBlock]
	if kind = r.order.u32(h); kind == blockSection {
		r.takeOrder(h)
	}
	stated := r.order.u32(h[4:])
	total := (int64(stated) + 3) &^ 3 // some programs do not count the padding
	if total < minBlock || total > maxBlock {
		what := fmt.Sprintf("a block of %d bytes is stated there, %d to %d are possible", stated, minBlock, maxBlock)
		return 0, nil, r.resync(r.damaged(w.offset(), what), r.blocksFit)
	}
	if total > maxBuffer {
		return 0, nil, r.longBlock(kind, stated, total)
	}
	if !w.ahead(int(total)) {
		return 0, nil, r.beyond("a block", r.blocksFit)
	}
	body = w.buf[w.at+8 : w.at+int(total)-4 : w.at+int(total)]
	if again := r.order.u32(body[len(body) : len(body)+4]); again != stated {
		return 0, nil, r.resync(r.lengthsDiffer(stated, again), r.blocksFit)
	}
	w.at += int(total)
	return kind, body, nil
}

func (r *Reader) lengthsDiffer(stated, again uint32) *DamageError {
	return r.damaged(r.block, fmt.Sprintf("the two lengths of a block differ: %d and %d", stated, again))
}

// otherBlock deals with everything but enhanced packet blocks and reports whether p was filled.
func (r *Reader) otherBlock(kind uint32, body []byte, p *Packet) (bool, error) {
	switch kind {
	case blockSection:
		return false, r.sectionHeader(body)
	case blockInterface:
		r.addInterface(body)
	case blockSimple:
		return r.simple(p, body), nil
	case blockOldPacket:
		return r.oldPacket(p, body), nil
	case blockStatistics:
		r.statistics(body)
	case blockNames:
		r.names(body)
	case blockSecrets:
		r.secrets(body)
	case blockJournal, blockCustom, blockCustomKeep:
		r.packets++ // no packets, but Wireshark numbers them as frames
	}
	return false, nil
}

// blocksFit reports whether b begins with two known blocks whose lengths agree, or one that ends the file.
func (r *Reader) blocksFit(b []byte, end bool) bool {
	for n := range 2 {
		if len(b) < minBlock {
			return end && n > 0
		}
		o, kind := r.order, r.order.u32(b)
		switch {
		case isSection(b):
			o = order(order(true).u32(b[8:]) == byteOrderMagic)
		case kind == 0 || kind > blockPacket && kind != blockSecrets:
			return false
		}
		stated := o.u32(b[4:])
		if stated < minBlock || stated > maxBlock || stated%4 != 0 {
			return false
		}
		if int(stated) > len(b) {
			return n > 0 // the last one may be cut off
		}
		if o.u32(b[stated-4:]) != stated {
			return false
		}
		b = b[stated:]
	}
	return true
}
