package decrypt

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// A connection that is caught in mid-handshake: what is sealed is never read as messages in clear, whatever it begins with.
func TestMidHandshakeSealed(t *testing.T) {
	for _, n := range []int{28, 40, 129, 252, 1200} {
		for _, begins := range [][]byte{{0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 7}, {0x9c, 0x11, 0xfe, 0x03}, {14, 0, 0, 9}} {
			p := make([]byte, n)
			for i := range p {
				p[i] = byte(i*37 + 11)
			}
			copy(p, begins)
			rec := tlsrecord.Record{Type: tlswire.TypeHandshake, Version: tlswire.VersionTLS12, Payload: p}
			data := tlsrecord.Record{Type: tlswire.TypeApplicationData, Version: tlswire.VersionTLS12, Payload: p}
			_, l := play(conversation{{side: fact.SideServer, rec: rec}, {side: fact.SideClient, rec: rec}, {side: fact.SideServer, rec: data}}, nil)
			for _, f := range l.facts {
				switch {
				case f.Kind == fact.TLSHelloRequest && f.Text == "", f.Kind == fact.TLSHelloRequest && n > 80, f.Kind == fact.TLSServerHelloDone, f.Kind == fact.TLSOtherMessage:
					t.Errorf("%d bytes that begin with %x: %s %q, %d bytes", n, begins, f.Kind, f.Text, f.Size)
				}
			}
		}
	}
}

// What is in clear is still read from where it begins.
func TestMidHandshakeClear(t *testing.T) {
	msg := append([]byte{tlswire.MsgServerHelloDone, 0, 0, 0}, tlswire.MsgHelloRequest, 0, 0, 0)
	rec := tlsrecord.Record{Type: tlswire.TypeHandshake, Version: tlswire.VersionTLS12, Payload: msg[:4]}
	if _, l := play(conversation{{side: fact.SideServer, rec: rec}}, nil); l.count(fact.TLSServerHelloDone) != 1 {
		t.Errorf("ServerHelloDone: %+v", l.facts)
	}
	rec.Payload = msg[4:]
	if _, l := play(conversation{{side: fact.SideServer, rec: rec}}, nil); l.count(fact.TLSHelloRequest) != 1 {
		t.Errorf("HelloRequest: %+v", l.facts)
	}
}
