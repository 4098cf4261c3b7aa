package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// caused is a finding about f that rests on its facts with these indices.
func caused(f *flow.Flow, code finding.Code, s finding.Severity, indices ...int) finding.Finding {
	out := finding.Finding{Code: code, Title: "the title of it", Severity: s, Confidence: finding.Certain, Conn: f.ID, Summary: "The sentence of " + string(code) + ".",
		Mends: []finding.Mend{{On: finding.IIS, Do: "On IIS.", Lines: "appcmd"}, {On: finding.Nginx, Do: "On nginx."}, {On: finding.Apache, Do: "On Apache."}, {On: finding.Lunette, Do: "On Lunette.", Lines: "origin:\n  http: \"1.1\""}}}
	for _, i := range indices {
		out.Proof = append(out.Proof, finding.Proof{Index: i, Conn: f.ID, At: f.Facts[i].At, Frame: f.Facts[i].Frame, Text: fmt.Sprint("proof ", i)})
	}
	return out
}

func result(all ...finding.Finding) check.Result { return check.Result{Findings: all} }

// TestCauses writes causes below their ladder, marks what proves them, and sums them up.
func TestCauses(t *testing.T) {
	one, other := exchanged(1, 0), exchanged(1, 0)
	one.ID, other.ID = 11, 12
	settled := caused(other, "http1.some_cause", finding.Critical, 1)
	settled.Confidence, settled.Settle = finding.Likely, "look closer"
	settled.Proof = append(settled.Proof, finding.Proof{Index: -1, Conn: 11, At: at(4).Time(), Frame: 5, Text: "the other one"})
	c := &Capture{Flows: []*flow.Flow{one, other}, Results: []check.Result{
		result(caused(one, "http1.some_cause", finding.Critical, 0, 1), caused(one, "tls.note", finding.Info)), result(settled)}}
	for _, o := range []Options{{}, {ASCII: true}, {Color: true}} {
		out := strings.NewReplacer(sgrRed, "", sgrReset, "", sgrDim, "", sgrBold, "", sgrYellow, "").Replace(printed(t, c, o))
		mark, dot, times := "▶", "·", "×"
		if o.ASCII {
			mark, dot, times = ">", ":", "x"
		}
		for _, want := range []string{
			"\n" + mark + " 0.000000  ", "\n" + mark + " 0.004000  ",
			"\n  http1.some_cause " + dot + " critical " + dot + " certain " + dot + " the title of it\n    The sentence of http1.some_cause.\n    proof:\n" + mark + "   0.000000  #1  proof 0\n",
			"\n    mend on IIS: On IIS.\n        appcmd\n    mend on nginx: On nginx.\n    mend on Lunette: On Lunette.\n        origin:\n          http: \"1.1\"\n    1 more mend, and the manual: lunette finding http1.some_cause\n",
			"\n  worth knowing: The sentence of tls.note. (tls.note)\n", "    to be certain: look closer\n    mends: as below flow 1; manual: lunette finding http1.some_cause\n",
			"\n    0.004000  flow 1 #5  the other one\n", "\n  cause\n    http1.some_cause " + times + " 2, critical, certain: the title of it (flows 1, 2)\n  worth knowing: tls.note " + times + " 1\n",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%+v: no %q in\n%s", o, want, out)
			}
		}
		if strings.Contains(out, "stands out") || strings.Count(out, "\n"+mark+" ") != 6 {
			t.Errorf("%+v: what a cause explains stands out, or the marks are not six:\n%s", o, out)
		}
	}
}

// TestCausesBesideTrouble says what stands out where no cause explains it, and what would tell more; a warning explains no failure.
func TestCausesBesideTrouble(t *testing.T) {
	alert := fact.Fact{Side: fact.SideServer, Kind: fact.TLSAlert, Code: 40, Size: 2, Text: "handshake_failure", At: at(9).Time()}
	f := exchanged(1)
	f.ID, f.Facts = 7, append(f.Facts, alert)
	r := result(caused(f, "cert.warned", finding.Warning, 0))
	r.Lacking = []check.Lack{{Code: "tls.x", For: check.Records}, {Code: "tls.y", For: check.Records}}
	c := &Capture{Flows: []*flow.Flow{f, exchanged(1)}, Results: []check.Result{r, {}}}
	out := printed(t, c, Options{})
	for _, want := range []string{"cert.warned × 1, warning, certain", "stands out without a cause: flow 1 (alert 40 handshake_failure by the server)", "more could be told with the records of the TLS connection"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestCausesBehind tells of a proxy's front leg what failed on the leg that the proxy opened meanwhile, gives the mends there alone, and
// counts that cause first.
func TestCausesBehind(t *testing.T) {
	front, back, apart := exchanged(1, 0), exchanged(1), exchanged(1, 0)
	front.ID, back.ID, apart.ID = 1, 2, 3
	front.Exchanges[0].Response.First = at(900)
	back.Client, back.Server, back.Start = netip.AddrPortFrom(front.Server.Addr(), 40000), netip.MustParseAddrPort("198.51.100.1:443"), at(2)
	apart.Start, apart.Exchanges[0].Request.First = at(5000), at(5000)
	c := &Capture{Flows: []*flow.Flow{front, back, apart}, Results: []check.Result{result(caused(front, "origin.a", finding.Critical, 1)), result(caused(back, "tls.b", finding.Critical, 0)),
		result(caused(apart, "origin.a", finding.Critical, 1))}}
	out := printed(t, c, Options{})
	for _, want := range []string{"\n  meanwhile flow 2: tls.b, opened by the server of this one: look there first\n\n  origin.a · ", "proof 1\n    manual: lunette finding origin.a\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Count(out, "meanwhile") != 1 || strings.Count(out, "mend on IIS") != 2 {
		t.Error(out)
	}
	c.Flows, c.Results = c.Flows[:2], c.Results[:2]
	if out := printed(t, &Capture{Flows: c.Flows, Results: c.Results}, Options{}); !strings.Contains(out, "  cause\n    tls.b × 1, critical, certain: the title of it (flow 2)\n  in front of a connection that failed meanwhile: origin.a × 1 (flow 1)\n") {
		t.Error(out)
	}
	c.Results[0] = check.Result{}
	if out := printed(t, &Capture{Flows: c.Flows, Results: c.Results}, Options{}); !strings.Contains(out, "stands out without a cause: flow 1 (503; meanwhile flow 2: tls.b)") {
		t.Error(out)
	}
}

// TestCausesOfMany names the code in the table, and limits what is written of one flow.
func TestCausesOfMany(t *testing.T) {
	c := &Capture{Start: at(0)}
	for i := range 60 {
		f := exchanged(1)
		f.ID = uint64(i + 1)
		c.Flows, c.Results = append(c.Flows, f), append(c.Results, check.Result{})
		if i%30 == 1 {
			var all []finding.Finding
			for n := range 9 {
				all = append(all, caused(f, finding.Code(fmt.Sprint("tcp.cause_", n)), finding.Warning, 0))
			}
			c.Results[i] = result(all...)
		}
	}
	out := printed(t, c, Options{})
	for _, want := range []string{"\n 2       0.000    10 ms  192.0.2.7:50000        tcp.cause_0, GET /0 → 200\n", "\n  also: tcp.cause_3, tcp.cause_4, tcp.cause_5, tcp.cause_6, tcp.cause_7 and 1 more\n", "tcp.cause_8 × 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := strings.Count(out, "The sentence of"); n != 6 {
		t.Errorf("%d causes in full for two flows", n)
	}
}

// TestMarkedStayVisible keeps the rows that findings rest on when runs are summed up, and marks the silence of a stall.
func TestMarkedStayVisible(t *testing.T) {
	f := exchanged(1)
	f.ID = 3
	for i := range 40 {
		f.Facts = append(f.Facts, fact.Fact{Kind: fact.TCPRetransmission, Side: fact.SideServer, At: at(int64(100 + i)).Time(), Frame: int64(500 + i), Text: "data"})
	}
	f.Facts = append(f.Facts, fact.Fact{Kind: fact.Silence, Side: fact.SideServer, At: at(200).Time(), Size: 5e9, Text: "response"},
		fact.Fact{Kind: fact.TCPReset, Side: fact.SideServer, At: at(5200).Time(), Frame: 900})
	one := caused(f, "tcp.some_loss", finding.Warning, 20, len(f.Facts)-1)
	one.Waited = 5 * time.Second
	out := printed(t, &Capture{Flows: []*flow.Flow{f}, Results: []check.Result{result(one)}}, Options{})
	for _, want := range []string{"\n▶ 0.118000  ", "\n▶           ┊", "\n▶ 5.200000  "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// TestFindingsJSON gives connections their numbers and packets their files.
func TestFindingsJSON(t *testing.T) {
	one, other := exchanged(1), exchanged(1)
	one.ID, other.ID, one.Number, other.Number = 100, 200, 4, 5
	f := caused(other, "http1.some_cause", finding.Critical, 1)
	f.Proof = append(f.Proof, finding.Proof{Index: -1, Conn: 100}, finding.Proof{Index: -1, Conn: 300})
	f.Mends = nil
	c := &Capture{Flows: []*flow.Flow{one, other}, Files: []File{{Name: "a"}, {Name: "b"}}, Locate: func(n int64) (int, int64) { return int(n / 5), n % 5 },
		Results: []check.Result{{}, {Findings: []finding.Finding{f}, Lacking: []check.Lack{{Code: "tls.x", For: check.Plain | check.Others}}}}}
	var b bytes.Buffer
	if err := NDJSON(&b, c); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if !strings.Contains(lines[0], `"findings":[]}`) || !strings.Contains(lines[1], `"lacking":[{"code":"tls.x","needs":["plain","others"]}]}`) || !strings.Contains(lines[1], `"mends":[]`) {
		t.Error(lines)
	}
	var got struct {
		Findings []struct {
			Conn  int
			Proof []struct{ Conn, File, Frame int }
		}
	}
	if err := json.Unmarshal([]byte(lines[1]), &got); err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprint(got); s != "{[{5 [{5 1 0} {4 0 0} {0 0 0}]}]}" {
		t.Error(s)
	}
	if c.Results[1].Findings[0].Conn != 200 || c.Results[1].Findings[0].Proof[0].Frame != 5 {
		t.Error("the results themselves were changed")
	}
}
