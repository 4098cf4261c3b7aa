package flow

import "github.com/lunette-waf/lunette/internal/fact"

// turn follows whose turn it is below HTTP, by the facts seen so far.
type turn struct {
	side        fact.Side // who owes something, SideNone: nobody
	what        string    // and what, in the words of the kinds of fact
	tls13       bool
	established bool
	over        bool // no answer is owed any more: a fatal alert or a close_notify was sent
	changed     [3]bool
	finished    [3]bool
	spoke       fact.Side // who sent application data last
	said        [3]bool   // by side: it has said last, by an alert, that it goes
	closed      bool      // records are not opened
	unseen      unseen
}

func (t *turn) owes(s fact.Side, what string) { t.side, t.what = s, what }

// see takes note of f.
func (t *turn) see(f *fact.Fact) {
	switch f.Kind {
	case fact.TCPSyn:
		t.owes(fact.SideServer, "syn_ack")
	case fact.TCPSynAck:
		t.owes(fact.SideClient, "ack")
	case fact.TCPConnected:
		t.owes(fact.SideClient, "first_bytes")
	case fact.ProxyConnect:
		t.owes(fact.SideServer, "proxy_tunnel")
	case fact.ProxyTunnel:
		t.owes(fact.SideNone, "")
		if f.Code/100 == 2 {
			t.owes(fact.SideClient, "first_bytes")
		}
	case fact.TLSApplicationData:
		t.data(f)
	case fact.TLSAlert:
		t.alert(f)
	case fact.TLSUndecryptable:
		t.closed = true
	case fact.TLSDecryptable:
		t.closed = false
	case fact.TLSHelloRequestAnswer:
		if f.Text != "complied" { // then its ClientHello has made it the server's turn
			t.owes(fact.SideNone, "")
		}
		t.said[fact.SideClient] = t.said[fact.SideClient] && f.Text != "refused"
	case fact.TLSEncryptedAlert:
		t.said[f.Side] = true
		t.owes(fact.SideNone, "")
	case fact.TLSNotTLS:
		t.owes(fact.SideNone, "")
	default:
		if f.Kind >= fact.TLSClientHello && f.Kind <= fact.TLSPostHandshakeAuth {
			t.handshake(f)
		}
	}
}

// begun takes note of bytes of s: whatever they are, the first ones are no longer owed.
func (t *turn) begun(s fact.Side) {
	if t.what == "first_bytes" || t.what == "ack" {
		t.owes(fact.SideNone, "")
		t.spoke = s
	}
}

// handshake follows RFC 5246 section 7.3 and RFC 8446 section 2.
func (t *turn) handshake(f *fact.Fact) {
	switch f.Kind {
	case fact.TLSClientHello:
		t.changed, t.finished, t.established, t.over = [3]bool{}, [3]bool{}, false, false
		t.owes(fact.SideServer, "server_hello")
	case fact.TLSHelloRetryRequest:
		t.owes(fact.SideClient, "client_hello")
	case fact.TLSServerHello:
		t.tls13 = f.Code == 0x0304
		t.unseen = unseen{early: t.spoke == fact.SideClient}
		t.owes(fact.SideServer, "server_hello_done")
		if t.tls13 {
			t.owes(fact.SideServer, "finished")
		}
	case fact.TLSServerHelloDone:
		t.owes(fact.SideClient, "client_key_exchange")
	case fact.TLSClientKeyExchange:
		t.owes(fact.SideClient, "finished")
	case fact.TLSChangeCipherSpec:
		t.changed[f.Side] = true
	case fact.TLSFinished:
		t.finish(f.Side)
	case fact.TLSEncryptedMessage:
		if t.changed[f.Side] && !t.tls13 {
			t.finish(f.Side)
		}
	case fact.TLSHandshakeDone:
		t.done()
	case fact.TLSHelloRequest:
		t.owes(fact.SideClient, "client_hello")
	case fact.TLSPostHandshakeAuth:
		t.owes(fact.SideClient, "certificate")
	}
}

func (t *turn) finish(s fact.Side) {
	t.finished[s] = true
	if t.established || t.finished[s.Other()] {
		t.done()
		return
	}
	t.owes(s.Other(), "finished")
}

// done: nobody owes a message of the handshake any more. After the first one the client begins.
func (t *turn) done() {
	if t.owes(fact.SideNone, ""); t.spoke == fact.SideNone {
		t.owes(fact.SideClient, "application_data")
	}
	t.established = true
}

// data: in TLS 1.3 without keys all that follows the hellos looks like application data.
func (t *turn) data(f *fact.Fact) {
	s := f.Side
	if t.said[s] = t.closed && t.tls13 && f.Size == alertRecord; t.said[s] {
		return
	}
	if t.closed && t.tls13 {
		t.unseen.data(s, f.Size)
	}
	t.spoke = s
	switch {
	case t.side == fact.SideNone:
	case t.what == "application_data":
		t.owes(fact.SideNone, "")
	case t.established:
	case s == fact.SideClient && t.tls13:
		t.established = true
		t.owes(fact.SideNone, "")
	case s == fact.SideServer && t.tls13 && t.what == "finished":
		t.owes(fact.SideClient, "finished")
	}
}

func (t *turn) alert(f *fact.Fact) {
	const userCanceled, noRenegotiation = 90, 100
	t.said[f.Side] = t.said[f.Side] || f.Code == 0
	t.owes(fact.SideNone, "")
	if f.Size == 2 || f.Code == 0 || t.tls13 && f.Code != userCanceled && f.Code != noRenegotiation {
		t.over = true
	}
}
