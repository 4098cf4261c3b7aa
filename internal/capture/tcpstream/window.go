package tcpstream

import (
	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/fact"
)

// offered takes note of the window that direction d offers. Zero is zero whatever the scale.
func (t *Tracker) offered(c *conn, d int, s *packet.Segment) {
	p := &c.half[d]
	if c.h == nil || s.Flags&(packet.SYN|packet.FIN) != 0 {
		return
	}
	at := fact.Stamp{At: s.At, Frame: s.Frame}
	switch {
	case s.Window == 0 && !p.shut:
		p.shut, p.shutAt = true, s.At
		t.tell(c, d, at, fact.Fact{Kind: fact.TCPZeroWindow})
	case s.Window != 0 && p.shut:
		p.shut = false
		t.tell(c, d, at, fact.Fact{Kind: fact.TCPWindowOpen, Size: max(0, s.At-p.shutAt)})
	}
}
