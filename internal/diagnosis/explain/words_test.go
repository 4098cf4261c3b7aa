package explain

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// TestReceived says of a response that is not whole when it began, and how much of how much came.
func TestReceived(t *testing.T) {
	whole := httptimeline.Message{Head: &fact.HTTPHead{Length: 300e3}, First: at(3), HeadEnd: at(3), Last: at(2803), Size: 300e3, Complete: true}
	part, unknown, lacking := whole, whole, whole
	part.Complete, part.Size = false, 246e3
	unknown.Complete, unknown.Head = false, &fact.HTTPHead{Length: -1}
	lacking.Complete, lacking.Size, lacking.Missing = false, 200e3, 100e3
	none := httptimeline.Message{Head: &fact.HTTPHead{Length: 300e3}, First: at(3), HeadEnd: at(3), Last: at(3)}
	for _, tt := range []struct {
		m    httptimeline.Message
		want string
	}{
		{whole, "300 KB, in 2.8 s"}, {part, "after 2 ms; 246 KB of 300 KB in 2.8 s"}, {unknown, "after 2 ms; 300 KB of it in 2.8 s"},
		{lacking, "after 2 ms; 200 KB of 300 KB in 2.8 s, the capture lacks 100 KB"}, {none, "0 bytes of 300 KB, in 3 ms"},
	} {
		x := &httptimeline.Exchange{Request: httptimeline.Message{First: at(0), Last: at(1), Complete: true}, Response: tt.m}
		if got := received(x); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestShortWhy fits into a ladder: the header has the whole sentence.
func TestShortWhy(t *testing.T) {
	for _, w := range []decrypt.Why{decrypt.WhyNoSecrets, decrypt.WhyNoSecret, decrypt.WhyEphemeral, decrypt.WhyWrongKey, decrypt.WhyWrongSecret, decrypt.WhyStartMissing,
		decrypt.WhyHandshakeHoles, decrypt.WhyResumed, decrypt.WhySuite, decrypt.WhyLost, decrypt.WhyLaterHandshake} {
		if short := shortWhy(w); short == "" || cells("not decrypted: "+short) > 84 {
			t.Errorf("%s: %q has %d columns", w, short, cells(short))
		}
	}
}

// TestHeaderOfParts says in the header that payload was cut off, or that reading begins in the middle.
func TestHeaderOfParts(t *testing.T) {
	cut := of(nil, fact.Fact{Kind: fact.TCPGap, Side: fact.SideClient, Size: 100, Text: "cut"})
	middle := of(&decrypt.Info{Version: 0x0304, Decrypted: 4}, fact.Fact{Kind: fact.TCPMidstream})
	middle.Midstream = true
	for _, tt := range []struct {
		flow     *flow.Flow
		protocol string
		want     string
	}{
		{cut, "", "payload not captured: capture with tcpdump -s 0, or pktmon --pkt-size 0"}, {cut, flow.ProtocolUnknown, "payload not captured whole"},
		{of(nil), "", "TCP without data"}, {of(nil), flow.ProtocolUnknown, "neither TLS nor HTTP"}, {middle, flow.ProtocolTLS, "from its middle: HTTP not read"},
	} {
		tt.flow.Protocol = tt.protocol
		if got := strings.Join(protocols(tt.flow), " · "); !strings.Contains(got, tt.want) {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestAllRows leaves nothing out when every row is wanted.
func TestAllRows(t *testing.T) {
	f := of(nil)
	for range 40 {
		f.Facts = append(f.Facts, fact.Fact{Kind: fact.TCPRetransmission, Side: fact.SideServer, At: at(1).Time(), Text: "data"})
	}
	rows := rowsOf(f, false, sinceStart(f))
	if n := len(fold(rows, 0, true)); n != 40 {
		t.Errorf("%d rows of 40 with --all", n)
	}
	if n := len(fold(rows, 0, false)); n != 4 {
		t.Errorf("%d rows without it", n)
	}
}

// TestAtOnce says nothing of nanoseconds where two messages came at the same time.
func TestAtOnce(t *testing.T) {
	hello, done := by(fact.SideServer, fact.TLSServerHello), by(fact.SideServer, fact.TLSServerHelloDone)
	f := of(nil, hello, done)
	f.Facts[1].At = f.Facts[0].At
	for frame, want := range map[int64]string{f.Facts[0].Frame: "the server sends ServerHelloDone in the same packet", 99: "the server sends ServerHelloDone at once"} {
		f.Facts[1].Frame = frame
		x := told{flow: f, rows: comparedRows(f, false)}
		if got := x.next(0); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSealedAlike compares a message that was opened with one that was not as the same event, where only one of two flows has keys.
func TestSealedAlike(t *testing.T) {
	const client, server = fact.SideClient, fact.SideServer
	change, finished, request, sealed := fact.TLSChangeCipherSpec, fact.TLSFinished, by(server, fact.TLSHelloRequest), fact.TLSEncryptedMessage
	opened := of(&decrypt.Info{Version: 0x0303}, by(client, fact.TLSClientHello), by(client, change), by(client, finished), by(server, change), by(server, finished), request,
		by(client, fact.TLSClientHello), by(server, fact.TLSServerHello), by(server, fact.TLSCertificate), by(client, change), by(client, finished))
	closed := of(&decrypt.Info{Version: 0x0303, Why: decrypt.WhyNoSecrets}, by(client, fact.TLSClientHello), by(client, change), by(client, sealed), by(server, change), by(server, sealed), request,
		by(client, sealed), by(server, sealed), by(client, change), by(client, sealed))
	a, b := comparedRows(opened, true), comparedRows(closed, true)
	if len(a) != len(b) || len(a) != 7 {
		t.Fatalf("%d and %d rows", len(a), len(b))
	}
	for i := range a {
		if a[i].key != b[i].key {
			t.Errorf("row %d: %q and %q", i, a[i].key, b[i].key)
		}
	}
	if rows := comparedRows(opened, false); rows[4].key != "client client_hello" {
		t.Errorf("with keys for both: %q", rows[4].key)
	}
}
