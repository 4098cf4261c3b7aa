package explain

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// of is a flow of facts, 1 ms apart; side and kind are all that most need.
func of(info *decrypt.Info, facts ...fact.Fact) *flow.Flow {
	f := &flow.Flow{Client: netip.MustParseAddrPort("192.0.2.7:50000"), Server: netip.MustParseAddrPort("192.0.2.1:443"), Start: at(0), End: at(5000), TLS: info,
		Facts: facts, Decisive: -1, Packets: [3]int64{0, 10, 100}}
	for i := range f.Facts {
		s := at(int64(i))
		f.Facts[i].At, f.Facts[i].Frame = s.Time(), s.Frame
	}
	return f
}

func by(side fact.Side, k fact.Kind) fact.Fact { return fact.Fact{Side: side, Kind: k} }

// request adds an exchange whose response never came.
func request(f *flow.Flow, stream uint32) *flow.Flow {
	head := &fact.HTTPHead{Proto: "HTTP/1.1", Method: "GET", Target: "/a", Stream: stream}
	f.Exchanges = append(f.Exchanges, &httptimeline.Exchange{Number: 1, Stream: stream, Request: httptimeline.Message{Head: head, First: at(0), Last: at(0), Complete: true}})
	return f
}

// TestVerdicts draws the conclusions that several facts allow, each as a row and among what stands out, and none besides.
func TestVerdicts(t *testing.T) {
	const client, server = fact.SideClient, fact.SideServer
	syn, again, silence := by(client, fact.TCPSyn), fact.Fact{Side: client, Kind: fact.TCPRetransmission, Text: "syn", Code: 2}, fact.Fact{Side: server, Kind: fact.Silence, Size: 1e9, Text: "syn_ack"}
	hello, hi, done := by(client, fact.TLSClientHello), by(server, fact.TLSServerHello), fact.Fact{Kind: fact.TLSHandshakeDone}
	fin, finServer, data := by(client, fact.TCPClosed), by(server, fact.TCPClosed), by(client, fact.TLSApplicationData)
	alert := fact.Fact{Side: server, Kind: fact.TLSAlert, Code: 40, Size: 2, Text: "handshake_failure"}
	sealed, sent := fact.Fact{Kind: fact.TLSUndecryptable, Text: "no_secret"}, by(server, fact.TLSApplicationData)
	reset := fact.Fact{Side: server, Kind: fact.HTTP2RstStream, Code: 1, Detail: &fact.HTTP2Frame{Stream: 3}}
	tls12, tls13 := &decrypt.Info{Version: 0x0303}, &decrypt.Info{Version: 0x0304, Why: decrypt.WhyNoSecrets}
	tests := map[string]struct {
		flow       *flow.Flow
		row, short string
	}{
		"refused":                   {of(nil, syn, by(server, fact.TCPReset)), "connection refused: nothing listens on 192.0.2.1:443", "connection refused by 192.0.2.1:443"},
		"refused at last":           {of(nil, syn, silence, again, by(server, fact.TCPReset)), "connection refused", "connection refused"},
		"dropped":                   {of(nil, syn, silence, again, silence), "never connected: 3 SYNs in 5.0 s, no answer (a firewall", "never connected: 3 SYNs in 5.0 s, no answer"},
		"one SYN":                   {of(nil, syn), "no answer to the SYN", "a SYN without an answer"},
		"connected":                 {of(nil, syn, by(server, fact.TCPSynAck), finServer), "", ""},
		"FIN after the ClientHello": {of(&decrypt.Info{}, hello, finServer, fin), "the server closes after the ClientHello, without an alert", "the server closed after the ClientHello"},
		"alert":                     {of(&decrypt.Info{}, hello, alert, finServer), "", "alert 40 handshake_failure by the server"},
		"FIN in the handshake":      {of(tls12, hello, hi, fin), "the client closes within the handshake, without an alert", "the client closed within the handshake"},
		"no request":                {of(tls12, hello, hi, done, by(client, fact.TLSAlert), finServer), "the client closes after the handshake: there was no request", "the client closed without a request"},
		"a request":                 {of(tls12, hello, hi, done, data, fin), "", ""},
		"TLS 1.3 closed to us":      {of(tls13, hello, hi, done, fin), "", ""},
		"no response, FIN":          {request(of(nil, data, finServer), 0), "GET /a got no response: the server closes the connection", "a request without a response"},
		"no response, capture ends": {request(of(nil, data), 0), "GET /a got no response: the capture ends", "a request without a response"},
		"two without a response":    {request(request(of(nil, data), 1), 3), "2 requests got no response", "2 requests without a response"},
		"stream reset":              {request(of(nil, data, reset), 3), "", "RST_STREAM"},
		"response not read":         {request(of(tls12, sealed, sent, fin), 0), "", ""},
	}
	for name, tt := range tests {
		row := ""
		for _, r := range fold(rowsOf(tt.flow, false, sinceStart(tt.flow)), 0, false) {
			if r.kind == fact.None {
				row += r.name
			}
			if name == "dropped" && r.kind == fact.Silence {
				t.Error("the single silences are told, too")
			}
		}
		short := troubleOf(tt.flow).text
		if !strings.HasPrefix(row, tt.row) || tt.row == "" && row != "" || !strings.HasPrefix(short, tt.short) || tt.short == "" && short != "" {
			t.Errorf("%s: %q and %q, want %q and %q", name, row, short, tt.row, tt.short)
		}
	}
}

// TestManyTroubles names the three worst, what is noted by the way only when it is all.
func TestManyTroubles(t *testing.T) {
	const server = fact.SideServer
	f := of(nil, by(server, fact.TLSHelloRequest), by(server, fact.TCPGap), by(server, fact.HTTPBroken), by(server, fact.TLSNotTLS), by(server, fact.TCPFailed))
	if got, want := troubleOf(f).text, "not TLS from the server, connection failed, the capture lacks bytes"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := troubleOf(of(nil, by(server, fact.TLSHelloRequest))).text; got != "HelloRequest" {
		t.Errorf("%q", got)
	}
}

// TestLosses sums up what was sent again; packets that the capture holds twice are no retransmissions.
func TestLosses(t *testing.T) {
	const client, server = fact.SideClient, fact.SideServer
	f := of(nil, fact.Fact{Kind: fact.TCPRetransmission, Side: server, Code: 17, Text: "data"}, fact.Fact{Kind: fact.TCPRetransmission, Side: server, Text: "data"},
		fact.Fact{Kind: fact.TCPRetransmission, Side: client, Code: 9, Text: duplicated}, fact.Fact{Kind: fact.TCPGap, Side: server, Size: 2e6},
		by(client, fact.TCPZeroWindow), fact.Fact{Kind: fact.TCPWindowOpen, Side: client, Size: 2e9})
	want := "client at zero window 1 time, 2.0 s; server sent 18 segments again (18 % of its packets); the capture lacks 2 MB of the server; 9 packets are in the capture twice"
	if got := strings.Join(losses(f), "; "); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	if got := troubleOf(f).text; !strings.Contains(got, "the server sent 18 % again") || strings.Contains(got, "client") {
		t.Error(got)
	}
	for _, r := range rowsOf(f, false, sinceStart(f)) {
		if r.kind == fact.TCPRetransmission && r.side == client {
			t.Errorf("a packet captured twice has a row: %s", r.name)
		}
	}
}
