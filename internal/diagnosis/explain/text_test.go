package explain

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// exchanged is a flow in clear with n exchanges, of which those in failed got a 503.
func exchanged(n int, failed ...int) *flow.Flow {
	f := &flow.Flow{Client: netip.MustParseAddrPort("192.0.2.7:50000"), Server: netip.MustParseAddrPort("192.0.2.1:80"), Protocol: flow.ProtocolHTTP, HTTP: "HTTP/1.1",
		Start: at(0), End: at(int64(n) * 10), Decisive: -1}
	for i := range n {
		status := 200
		for _, x := range failed {
			if x == i {
				status = 503
			}
		}
		request := &fact.HTTPHead{Proto: "HTTP/1.1", Method: "GET", Target: fmt.Sprintf("/%d", i), Authority: "a.example"}
		response := &fact.HTTPHead{Proto: "HTTP/1.1", Status: status, Phrase: "Phrase"}
		asked, got := at(int64(i)*10), at(int64(i)*10+4)
		f.Exchanges = append(f.Exchanges, &httptimeline.Exchange{Number: i + 1, Request: httptimeline.Message{Head: request, First: asked, HeadEnd: asked, Last: asked, Complete: true},
			Response: httptimeline.Message{Head: response, First: got, HeadEnd: got, Last: got, Size: 5100, Complete: true}})
		f.Facts = append(f.Facts, fact.Fact{Kind: fact.RequestHead, At: asked.Time(), Frame: asked.Frame, Side: fact.SideClient, Detail: request},
			fact.Fact{Kind: fact.ResponseHead, At: got.Time(), Frame: got.Frame, Side: fact.SideServer, Code: status, Detail: response})
	}
	return f
}

func printed(t *testing.T, c *Capture, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Text(&b, c, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFold joins exchanges, and runs of them, but none that failed.
func TestFold(t *testing.T) {
	out := printed(t, &Capture{Flows: []*flow.Flow{exchanged(320, 200)}}, Options{})
	for _, want := range []string{"◀─ GET /0 HTTP/1.1 → 200 Phrase  5.1 KB, in 4 ms ─", "… 197 more like this, within 2.0 s", "GET /199 HTTP/1.1 → 200", "GET /200 HTTP/1.1 → 503", "… 116 more like this", "GET /319 HTTP/1.1 → 200"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "\n"); n > 25 {
		t.Errorf("%d lines", n)
	}
	if out := printed(t, &Capture{Flows: []*flow.Flow{exchanged(2)}}, Options{}); !strings.Contains(out, "│◀──") || !strings.Contains(out, " 200 Phrase  5.1 KB, in 4 ms ─│") {
		t.Errorf("few exchanges have two rows each:\n%s", out)
	}
}

// TestLongBody tells when a body was over that took long.
func TestLongBody(t *testing.T) {
	f := exchanged(1)
	f.Facts = append(f.Facts, fact.Fact{Kind: fact.ResponseDone, At: at(2504).Time(), Side: fact.SideServer, Size: 5100})
	if out := printed(t, &Capture{Flows: []*flow.Flow{f}}, Options{}); !strings.Contains(out, " end of the body  5.1 KB, 2.5 s after its head ─│") {
		t.Error(out)
	}
}

// TestThin bounds a very long ladder and keeps what stands out in it.
func TestThin(t *testing.T) {
	f := exchanged(1)
	for i := range 5000 {
		side := fact.Side(1 + i%2)
		f.Facts = append(f.Facts, fact.Fact{Kind: fact.TLSHeartbeat, At: at(int64(i)).Time(), Side: side, Size: 1})
		if i == 2500 {
			f.Facts = append(f.Facts, fact.Fact{Kind: fact.TLSAlert, At: at(int64(i)).Time(), Side: side, Code: 20, Text: "bad_record_mac", Size: 2})
		}
	}
	out := printed(t, &Capture{Flows: []*flow.Flow{f}}, Options{})
	if n := strings.Count(out, "\n"); n > mostRows+20 || !strings.Contains(out, "bad_record_mac") || !strings.Contains(out, "rows left out: --all shows them") {
		t.Errorf("%d lines:\n%s", n, out)
	}
	if n := strings.Count(printed(t, &Capture{Flows: []*flow.Flow{f}}, Options{All: true}), "\n"); n < 5000 {
		t.Errorf("--all writes %d lines", n)
	}
}

// TestTable lists many flows, and shows the ladders of those with trouble.
func TestTable(t *testing.T) {
	c := &Capture{Start: at(0)}
	for i := range 50 {
		failed := []int{}
		if i == 7 || i == 40 {
			failed = append(failed, 0)
		}
		c.Flows = append(c.Flows, exchanged(1, failed...))
	}
	out := printed(t, c, Options{})
	if ladders := strings.Count(out, "\nFlow "); ladders != 2 || !strings.Contains(out, "\nFlow 8 ") || !strings.Contains(out, "\nFlow 41 ") {
		t.Errorf("%d ladders:\n%s", ladders, out)
	}
	for _, want := range []string{"took  client → 192.0.2.1:80  what, all HTTP/1.1", "\n 8       0.000    10 ms  192.0.2.7:50000        503, GET /0 → 503", "2 ladders of those with trouble: --flow N shows another one", "stands out: flow 8 (503), flow 41 (503)"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := printed(t, c, Options{All: true}); strings.Count(out, "\nFlow ") != 50 {
		t.Errorf("--all shows %d ladders", strings.Count(out, "\nFlow "))
	}
	c.Flows = append(c.Flows, exchanged(2))
	c.Flows[50].HTTP = "HTTP/1.0"
	out = printed(t, c, Options{})
	if _, table, _ := strings.Cut(out, "  what\n"); !strings.HasPrefix(table, " 8 ") || !strings.Contains(out, "… 49 more flows in which less stands out, or nothing: --all lists all") || !strings.Contains(out, "503, GET /0 → 503, HTTP/1.1") {
		t.Errorf("of more than 50 flows those with trouble are listed:\n%s", out)
	}
	c.Only = 3
	if out := printed(t, c, Options{}); strings.Count(out, "\nFlow ") != 1 || !strings.Contains(out, "\nFlow 3 ") {
		t.Errorf("one flow was asked for:\n%s", out)
	}
}

// TestFrames names the file of a packet where there are several.
func TestFrames(t *testing.T) {
	c := &Capture{Flows: []*flow.Flow{exchanged(2)}, Files: []File{{Name: "a"}, {Name: "b"}}, Locate: func(n int64) (int, int64) { return int(n / 8), n % 8 }}
	out := printed(t, c, Options{})
	if !strings.HasPrefix(out, "1# a\n") || !strings.Contains(out, " 1#1\n") || !strings.Contains(out, " 2#3\n") {
		t.Errorf("places of packets are lacking:\n%s", out)
	}
}
