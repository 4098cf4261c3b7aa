package pcap

import "encoding/binary"

// Option codes (draft-ietf-opsawg-pcapng sections 3.5 and 4).
const (
	optEnd     = 0
	optComment = 1

	sectionHardware    = 2
	sectionOS          = 3
	sectionApplication = 4

	interfaceName        = 2
	interfaceDescription = 3
	interfaceResolution  = 9
	interfaceFilter      = 11
	interfaceOffset      = 14

	packetDropped = 4

	statisticsDropped   = 5 // by the interface
	statisticsOSDropped = 7
	statisticsReceived  = 4 // by the interface
	statisticsDelivered = 8 // to who wrote the file
)

// options goes through the options of a block.
type options struct {
	order order
	rest  []byte
	code  uint16
	value []byte
}

// next goes to the next option. Those that do not fit end the list.
func (o *options) next() bool {
	if len(o.rest) < 4 {
		return false
	}
	o.code = o.order.u16(o.rest)
	n := int(o.order.u16(o.rest[2:]))
	if o.code == optEnd || n > len(o.rest)-4 {
		return false
	}
	o.value = o.rest[4 : 4+n]
	o.rest = o.rest[min(4+(n+3)&^3, len(o.rest)):]
	return true
}

// u64 is the value, of 8 bytes, as a number.
func (o *options) u64() uint64 {
	if o.order {
		return binary.BigEndian.Uint64(o.value)
	}
	return binary.LittleEndian.Uint64(o.value)
}
