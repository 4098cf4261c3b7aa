package flow

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/fact"
)

// FuzzFlow plays what a script says on one connection, whole and in single bytes: both give the same facts, the bounds hold, and what was
// taken of the budget is what the flow weighs. A script is a row of operation, length, bytes.
func FuzzFlow(f *testing.F) {
	step := func(op byte, text string) string { return string([]byte{op, byte(len(text))}) + text }
	for _, seed := range []string{
		step(0, request) + step(1, response),
		step(0, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"+request) + step(1, response) + step(4, ""),
		step(0, "CONNECT h:443 HTTP/1.1\r\n\r\n") + step(1, "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n") + step(0, "CONNECT h:443 HTTP/1.1\r\n\r\n") +
			step(1, "HTTP/1.1 200 OK\r\n\r\n") + step(0, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"),
		step(0, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03") + step(1, "HTTP/1.1 400 Bad\r\n\r\n") + step(5, ""),
		step(0, "\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10") + step(1, "\x15\x03\x01\x00\x02\x02\x28"),
		step(2, "12") + step(0, "\x17\x03\x03\x00\x03abc\x17\x03\x03\x00\x03abc") + step(3, "1") + step(1, "\x17\x03\x03\x00\x03abc") + step(6, ""),
		step(0, proxyV2+"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x02PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		step(1, "220 ready\r\n") + step(0, "EHLO\r\n"),
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	store := secrets.New()
	f.Fuzz(func(t *testing.T, script []byte, midstream bool) {
		whole := perform(t, store, script, midstream, 1<<20)
		if single := perform(t, store, script, midstream, 1); kinds(single) != kinds(whole) {
			t.Errorf("in single bytes:\n%s\nwhole:\n%s", kinds(single), kinds(whole))
		}
	})
}

// perform plays script in pieces of so many bytes and holds what must hold.
func perform(t *testing.T, store *secrets.Store, script []byte, midstream bool, piece int) *Flow {
	t.Helper()
	const most = 200
	var flow *Flow
	taken := budget.New(1 << 20)
	stages := NewStages(Config{MaxFacts: most, Budget: taken}, store, func(f *Flow) { flow = f })
	conn := &tcpstream.Conn{ID: 1, Midstream: midstream}
	b := stages.Open(conn)
	at := fact.Stamp{At: 1e9}
	var over [3]bool
	for len(script) > 1 {
		op, n := script[0], min(int(script[1]), len(script)-2)
		data := script[2 : 2+n]
		script = script[2+n:]
		at.At += 1e6
		at.Frame++
		conn.End, conn.Spoke = at, at
		side := fact.SideClient + fact.Side(op&1)
		if over[side] {
			continue
		}
		switch op >> 1 % 4 {
		case 0:
			for ; len(data) > 0; data = data[min(piece, len(data)):] {
				b.Data(side, at, data[:min(piece, len(data))])
			}
		case 1:
			b.Gap(side, at, int64(n)*100+1)
		case 2:
			over[side] = true
			b.End(side, at, []fact.Kind{fact.TCPClosed, fact.TCPReset, fact.None}[n%3])
		case 3:
			b.Fact(fact.Fact{Kind: fact.Silence, At: at.Time(), Frame: at.Frame, Size: int64(2 * time.Second)})
			at.At += 2e9
		}
	}
	stages.End(at)
	b.Done()
	if flow == nil {
		t.Fatal("the flow was not handed on")
	}
	if len(flow.Facts) > most+most/16+16 || flow.Decisive >= len(flow.Facts) {
		t.Errorf("%d facts, %d is decisive", len(flow.Facts), flow.Decisive)
	}
	for i := 1; i < len(flow.Facts); i++ {
		if flow.Facts[i].At.Before(flow.Facts[i-1].At) {
			t.Fatalf("fact %d is out of order", i)
		}
	}
	if used := taken.Used(); used != int64(flow.Weight()) {
		t.Errorf("%d bytes are taken, the flow weighs %d", used, flow.Weight())
	}
	return flow
}
