package flow

import (
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// In TLS 1.3 without keys session tickets are no answer, and a silence after one is never said to be idle.
func TestUnseen(t *testing.T) {
	type record struct {
		side   fact.Side
		length int64
	}
	hello := []record{{server, 23}, {server, 842}, {server, 281}, {server, 69}}
	finished := slices.Concat(hello, []record{{client, 69}})
	tests := map[string]struct {
		records []record
		side    fact.Side
		what    string
	}{
		"a request":                           {append(slices.Clip(finished), record{client, 98}), server, "application_data"},
		"a request, two tickets":              {append(slices.Clip(finished), record{client, 98}, record{server, 250}, record{server, 250}), server, "application_data"},
		"a ticket, a request, a ticket":       {append(slices.Clip(finished), record{server, 250}, record{client, 98}, record{server, 250}), server, "application_data"},
		"a request, tickets, a short answer":  {append(slices.Clip(finished), record{client, 98}, record{server, 250}, record{server, 250}, record{server, 128}), fact.SideNone, perhapsTickets},
		"a request, one short record":         {append(slices.Clip(finished), record{client, 98}, record{server, 250}), fact.SideNone, perhapsTickets},
		"a request, an answer":                {append(slices.Clip(finished), record{client, 98}, record{server, 250}, record{server, 8000}), fact.SideNone, dark},
		"an answer, a request":                {append(slices.Clip(finished), record{client, 98}, record{server, 8000}, record{client, 98}), server, "application_data"},
		"tickets, no request":                 {append(slices.Clip(finished), record{server, 250}, record{server, 250}), client, "application_data"},
		"neither":                             {finished, client, "application_data"},
		"the server speaks unasked":           {append(slices.Clip(finished), record{server, 250}, record{server, 33}), fact.SideNone, dark},
		"a client certificate":                {append(slices.Clip(hello), record{client, 900}, record{client, 281}, record{client, 69}), client, "application_data"},
		"a Finished that none tells":          {append(slices.Clip(hello), record{client, 1200}), server, "application_data"},
		"the client's alert without its FIN":  {append(slices.Clip(finished), record{client, 98}, record{client, 19}), fact.SideNone, closing},
		"the server's alert after its answer": {append(slices.Clip(finished), record{client, 98}, record{server, 9000}, record{server, 19}), fact.SideNone, closing},
	}
	for name, tt := range tests {
		s := newScript(t, Config{}, nil)
		s.says(client, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03")
		s.b.turn.see(&fact.Fact{Kind: fact.TLSServerHello, Side: server, Code: 0x0304})
		s.b.turn.see(&fact.Fact{Kind: fact.TLSUndecryptable, Side: server})
		for _, r := range tt.records {
			s.b.turn.see(&fact.Fact{Kind: fact.TLSApplicationData, Side: r.side, Code: 1, Size: r.length})
		}
		if side, what := s.b.awaits(); side != tt.side || what != tt.what {
			t.Errorf("%s: %v %q, want %v %q", name, side, what, tt.side, tt.what)
		}
	}
}
