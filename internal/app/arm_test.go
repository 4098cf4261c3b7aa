package app

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/recording"
)

func TestHostWanted(t *testing.T) {
	c := &exchange.Taped{Name: "shop.test", URL: "https://origin.test:8443", Server: netip.MustParseAddrPort("[::ffff:192.0.2.1]:8443")}
	for host, want := range map[string]bool{
		"": true, "shop.test": true, "SHOP.test:8443": true, "origin.test": true, "192.0.2.1": true, "192.0.2.1:8443": true, "::ffff:192.0.2.1": true,
		"shop.test:443": false, "other.test": false, "192.0.2.2": false, "[2001:db8::1]:8443": false,
	} {
		if got := wantedHost(host).fits(c); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

// TestRecordingEvent holds that a recording survives its way to whoever captures.
func TestRecordingEvent(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	client, server := netip.MustParseAddrPort("192.0.2.1:1000"), netip.MustParseAddrPort("[2001:db8::1]:443")
	r := &recording.Recording{ID: 7, Client: client, Server: server, Name: "shop.test", Start: at, Connect: 3, End: at.Add(9), Omitted: 5, KeyLog: []byte("CLIENT_RANDOM"), Pieces: []recording.Piece{
		{At: at, Side: fact.SideClient, Data: []byte{0, 1, 255}}, {At: at, Side: fact.SideServer, Lost: 5, Until: at.Add(1)},
		{At: at, Side: fact.SideServer, End: fact.TCPReset}, {At: at, Side: fact.SideClient, End: fact.TCPClosed}}}
	b, err := json.Marshal(recordingEvent("shop.test", &exchange.Taped{ConnID: 7, Client: client, Server: server, Name: "shop.test"}, r))
	if err != nil {
		t.Fatal(err)
	}
	var e CaptureEvent
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	if got := e.Recorded(); !reflect.DeepEqual(got, r) || e.Event != CaptureRecording {
		t.Errorf("%+v, want %+v", got, r)
	}
}

// TestFailureHub holds that failures reach those who listen, that nobody waits for who does not take them, and that what is lost is counted.
func TestFailureHub(t *testing.T) {
	var h failureHub
	x := &exchange.Exchange{ID: "x", Site: "shop.test", Attempts: []exchange.Attempt{{Reason: reason.TLSAlert, Finding: "tls.x", ConnID: 3}, {}}}
	h.exchange(x) // nobody listens
	l := h.listen()
	h.exchange(x)
	h.exchange(&exchange.Exchange{ID: "well", Attempts: []exchange.Attempt{{}}})
	if e := <-l.events; e.Request != "x" || e.Conn != 3 || e.Finding != "tls.x" || e.Reason != string(reason.TLSAlert) || len(l.events) != 0 {
		t.Errorf("%+v", e)
	}
	for range cap(l.events) + 5 {
		h.exchange(x)
	}
	if n := l.dropped.Load(); n != 5 {
		t.Errorf("%d were counted as lost", n)
	}
	h.leave(l)
	h.exchange(x)
	(*failureHub)(nil).exchange(x)
	(*failureHub)(nil).stall(&flight.Stall{}, nil)
}
