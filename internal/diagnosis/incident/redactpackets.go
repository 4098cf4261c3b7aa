package incident

import (
	"bytes"
	"errors"
	"io"
	"net/netip"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// withoutSecrets copies packets, but no Decryption Secrets Block, no comment, and no content of connections in clear.
func withoutSecrets(capture []byte) ([]byte, error) {
	in, err := pcap.NewReader(bytes.NewReader(capture), pcap.Config{})
	if err != nil {
		return nil, err
	}
	var to bytes.Buffer
	out, err := pcap.NewWriter(&to, "Lunette, redacted")
	if err != nil {
		return nil, err
	}
	known := 0
	b := blanker{packet.New(), map[direction]bool{}}
	for {
		var p pcap.Packet
		if err := in.Next(&p); errors.Is(err, io.EOF) {
			return to.Bytes(), nil
		} else if err != nil {
			return nil, err
		}
		for all := in.Info().Interfaces; known < len(all); known++ {
			if _, err := out.Interface(all[known]); err != nil {
				return nil, err
			}
		}
		p.Comment = ""
		if !b.blank(&p) {
			continue
		}
		if err := out.Packet(&p); err != nil {
			return nil, err
		}
	}
}

// direction is one side of a connection.
type direction struct{ from, to netip.AddrPort }

// blanker takes content out of packets.
type blanker struct {
	decoder *packet.Decoder
	sealed  map[direction]bool // whether the first bytes of it were a TLS record
}

// blank overwrites what a packet says in clear. It reports false for a packet that cannot be judged, which is left out.
func (b *blanker) blank(p *pcap.Packet) bool {
	const mostICMP = 90 // bytes of a frame: headers, and those of the packet that the error is about
	var s packet.Segment
	switch b.decoder.Decode(p, &s) {
	case packet.ICMPError:
		p.Data = p.Data[:min(len(p.Data), mostICMP)]
		return true
	case packet.TCP:
	default:
		return false
	}
	if len(s.Payload) == 0 {
		return true
	}
	way := direction{s.Src, s.Dst}
	if len(b.sealed) >= mostDirections {
		return false
	}
	sealed, known := b.sealed[way]
	if !known {
		sealed = isRecord(s.Payload)
		b.sealed[way] = sealed
	}
	if sealed {
		return true
	}
	if !within(p.Data, s.Payload) { // it came in fragments
		return false
	}
	for i := range s.Payload {
		s.Payload[i] = 'x'
	}
	return true
}

// within reports whether part lies in all, in memory.
func within(all, part []byte) bool {
	end := cap(all) - cap(part)
	return end >= 0 && end < len(all) && &all[end] == &part[0]
}

const mostDirections = 1 << 16

// isRecord reports whether p begins as a TLS record does (RFC 8446 section 5.1).
func isRecord(p []byte) bool {
	return len(p) >= 3 && p[0] >= 20 && p[0] <= 24 && p[1] == 3 && p[2] <= 4
}
