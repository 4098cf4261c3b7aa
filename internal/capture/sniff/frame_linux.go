package sniff

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

const (
	tagAt    = 12 // where a VLAN tag stands in an Ethernet frame
	tagLen   = 4
	tagVLAN  = 0x8100
	sll2Head = 20
	sll2MAC  = 8 // bytes that it keeps of a hardware address
)

// take fills p with the packet of a frame.
func (h *Handle) take(frame []byte, p *pcap.Packet) {
	u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(frame[at:]) }
	start := int(binary.NativeEndian.Uint16(frame[frameStart:]))
	data, length := frame[start:start+int(u32(frameCaught))], int(u32(frameLength))
	h.origin = Origin{Outgoing: frame[addressWay] == unix.PACKET_OUTGOING, Interface: int(u32(addressIndex))}
	tag := 0 // bytes that are put in
	if h.link != pcap.LinkRaw && u32(frameStatus)&unix.TP_STATUS_VLAN_VALID != 0 {
		tag = tagLen
	}
	switch {
	case h.link == pcap.LinkSLL2:
		h.packet = h.cooked(h.packet[:0], frame, tag != 0)
		h.packet, length = append(h.packet, data...), length+sll2Head+tag
	case tag != 0 && len(data) >= tagAt:
		h.packet = appendTag(append(h.packet[:0], data[:tagAt]...), frame)
		h.packet, length = append(h.packet, data[tagAt:]...), length+tag
	default:
		h.packet = append(h.packet[:0], data...)
	}
	if len(h.packet) > h.cfg.Snap {
		h.packet = h.packet[:h.cfg.Snap]
	}
	h.number++
	at := int64(u32(frameSeconds))*1e9 + int64(u32(frameNanos))
	*p = pcap.Packet{Number: h.number, At: at, Link: h.link, Length: max(length, len(h.packet)), Data: h.packet}
}

// appendTag appends type and content of the VLAN tag that was taken off.
func appendTag(b, frame []byte) []byte {
	return binary.BigEndian.AppendUint16(tagType(b, frame), uint16(binary.NativeEndian.Uint32(frame[frameTag:])))
}

func tagType(b, frame []byte) []byte {
	kind := uint16(tagVLAN)
	if binary.NativeEndian.Uint32(frame[frameStatus:])&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		kind = binary.NativeEndian.Uint16(frame[frameTagType:])
	}
	return binary.BigEndian.AppendUint16(b, kind)
}

// cooked appends the head that stands for one that was not taken (LINKTYPE_LINUX_SLL2 of tcpdump.org), and a VLAN tag behind it.
func (h *Handle) cooked(b, frame []byte, tagged bool) []byte {
	protocol := frame[addressType : addressType+2] // in the byte order of the network already
	if tagged {
		b = tagType(b, frame)
	} else {
		b = append(b, protocol...)
	}
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, binary.NativeEndian.Uint32(frame[addressIndex:]))
	b = binary.BigEndian.AppendUint16(b, binary.NativeEndian.Uint16(frame[addressKind:]))
	b = append(b, frame[addressWay], frame[addressLen])
	b = append(b, frame[addressBytes:addressBytes+sll2MAC]...)
	if tagged {
		b = append(binary.BigEndian.AppendUint16(b, uint16(binary.NativeEndian.Uint32(frame[frameTag:]))), protocol...)
	}
	return b
}
