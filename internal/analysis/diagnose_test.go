package analysis

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// stalled are n flows to one origin: every tenth is left alone with a HelloRequest.
func stalled(n int) *Report {
	r := &Report{}
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for i := range n {
		at := func(ms int64) time.Time {
			return began.Add(time.Duration(i)*time.Second + time.Duration(ms)*time.Millisecond)
		}
		f := &flow.Flow{ID: uint64(i + 1), Number: i + 1, Client: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.7"), uint16(20000+i)), Server: netip.MustParseAddrPort("192.0.2.1:443"),
			Start: fact.Stamp{At: at(0).UnixNano()}, Protocol: flow.ProtocolTLS, TLS: &decrypt.Info{ServerName: "a.example", Version: 0x0303}, Decisive: -1}
		const client, server = fact.SideClient, fact.SideServer
		f.Facts = []fact.Fact{{Kind: fact.TCPSyn, Side: client, At: at(0)}, {Kind: fact.TCPSynAck, Side: server, At: at(1)}, {Kind: fact.TCPConnected, Side: client, At: at(1)},
			{Kind: fact.TLSClientHello, Side: client, At: at(2)}, {Kind: fact.TLSServerHello, Side: server, At: at(3), Code: 0x0303, Detail: &fact.ServerHello{Version: "TLS 1.2"}},
			{Kind: fact.TLSHandshakeDone, At: at(4), Code: 0x0303}, {Kind: fact.TLSApplicationData, Side: client, At: at(5), Size: 200}}
		if i%10 == 0 {
			f.Facts = append(f.Facts, fact.Fact{Kind: fact.TLSHelloRequest, Side: server, At: at(6)}, fact.Fact{Kind: fact.TCPReset, Side: server, At: at(20_000)})
		} else {
			f.Facts = append(f.Facts, fact.Fact{Kind: fact.TLSApplicationData, Side: server, At: at(7), Size: 900}, fact.Fact{Kind: fact.TCPClosed, Side: client, At: at(8)},
				fact.Fact{Kind: fact.TCPClosed, Side: server, At: at(9)})
		}
		f.End = fact.Stamp{At: f.Facts[len(f.Facts)-1].At.UnixNano()}
		r.Flows = append(r.Flows, f)
	}
	return r
}

// TestDiagnose gives each flow its own result, whatever the number of workers, and ends with its context.
func TestDiagnose(t *testing.T) {
	r := stalled(200)
	one, err := r.Diagnose(t.Context(), Config{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	many, err := r.Diagnose(t.Context(), Config{Workers: 7})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, many); diff != "" {
		t.Error(diff)
	}
	for i := range one {
		found := len(one[i].Findings) > 0 && one[i].Findings[0].Code == "tls.hello_request_ignored"
		if found != (i%10 == 0) {
			t.Errorf("flow %d: %v", i, one[i].Findings)
		}
		if found && one[i].Findings[0].Conn != r.Flows[i].ID {
			t.Errorf("flow %d has the finding of connection %d", i, one[i].Findings[0].Conn)
		}
	}
	if beside := r.DiagnoseBeside(10, r, 11); len(beside.Findings) == 0 {
		t.Error("nothing is found beside a normal flow")
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if _, err := r.Diagnose(ctx, Config{}); !errors.Is(err, gone) {
		t.Errorf("after its end: %v", err)
	}
	if none, err := (&Report{}).Diagnose(t.Context(), Config{}); err != nil || len(none) != 0 {
		t.Errorf("no flows: %v, %v", none, err)
	}
}

// BenchmarkDiagnose asks about 2,000 flows, a tenth of which fail.
func BenchmarkDiagnose(b *testing.B) {
	r := stalled(2000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Diagnose(b.Context(), Config{}); err != nil {
			b.Fatal(err)
		}
	}
}
