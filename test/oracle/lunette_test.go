package oracle_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
)

// seen is one connection as Lunette sees it.
type seen struct {
	*flow.Flow
	events []timed
	sent   [3][]byte // application data by fact.Side
}

// lunette reads a capture. Secrets that came late are found in a second run, so that each byte is tapped once.
func lunette(t testing.TB, input analysis.Input, store *secrets.Store) ([]*seen, *analysis.Report) {
	t.Helper()
	for {
		sent := map[uint64]*[3][]byte{}
		report, err := analysis.Run(t.Context(), analysis.Config{
			Inputs: []analysis.Input{input}, Secrets: store, Workers: 1,
			Flow: flow.Config{KeyLog: true, Tap: func(conn uint64, side fact.Side, _ fact.Stamp, p []byte) {
				if sent[conn] == nil {
					sent[conn] = new([3][]byte)
				}
				sent[conn][side] = append(sent[conn][side], p...)
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if report.Passes > 1 {
			continue
		}
		var out []*seen
		for _, f := range report.Flows {
			if f.TLS == nil {
				continue
			}
			one := &seen{Flow: f, events: eventsOf(f)}
			if b := sent[f.ID]; b != nil {
				one.sent = *b
			}
			out = append(out, one)
		}
		return out, report
	}
}

// file is a capture on disk.
func file(t testing.TB, path string) analysis.Input {
	t.Helper()
	input, err := analysis.File(path)
	if err != nil {
		t.Fatal(err)
	}
	return input
}

// messageTypes are the numbers of the handshake messages that have a kind of their own (IANA, TLS HandshakeType).
var messageTypes = map[fact.Kind]int{
	fact.TLSHelloRequest: 0, fact.TLSClientHello: 1, fact.TLSServerHello: 2, fact.TLSHelloRetryRequest: 2, fact.TLSNewSessionTicket: 4,
	fact.TLSEndOfEarlyData: 5, fact.TLSEncryptedExtensions: 8, fact.TLSCertificate: 11, fact.TLSServerKeyExchange: 12,
	fact.TLSCertificateRequest: 13, fact.TLSPostHandshakeAuth: 13, fact.TLSServerHelloDone: 14, fact.TLSCertificateVerify: 15,
	fact.TLSClientKeyExchange: 16, fact.TLSFinished: 20, fact.TLSCertificateStatus: 22, fact.TLSKeyUpdate: 24,
}

// eventsOf are the messages and alerts of a flow in tshark's terms.
func eventsOf(f *flow.Flow) []timed {
	var out []timed
	for i := range f.Facts {
		one := &f.Facts[i]
		what := ""
		number, isMessage := messageTypes[one.Kind]
		switch {
		case one.Kind == fact.TLSHelloRequest && one.Text != "", one.Kind == fact.TLSEncryptedMessage:
			what = "encrypted handshake"
		case isMessage:
			what = fmt.Sprint("handshake ", number)
		case one.Kind == fact.TLSOtherMessage:
			what = fmt.Sprint("handshake ", one.Code)
		case one.Kind == fact.TLSChangeCipherSpec:
			what = "change_cipher_spec"
		case one.Kind == fact.TLSAlert:
			what = fmt.Sprint("alert ", one.Size, " ", one.Code)
		case one.Kind == fact.TLSEncryptedAlert:
			what = "encrypted alert"
		default:
			continue
		}
		out = append(out, timed{one.Frame, one.Side.String() + " " + what})
	}
	return out
}

func ends(f *flow.Flow) [2]netip.AddrPort { return [2]netip.AddrPort{f.Client, f.Server} }

// count is how many facts of a kind there are.
func (s *seen) count(k fact.Kind) int {
	n := 0
	for i := range s.Facts {
		if s.Facts[i].Kind == k {
			n++
		}
	}
	return n
}
