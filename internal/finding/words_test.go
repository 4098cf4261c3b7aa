package finding

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestLines puts everything that a finding has into words, and leaves out what it has not.
func TestLines(t *testing.T) {
	f := Finding{Code: "tls.some_cause", Title: "the origin does something", Severity: Critical, Confidence: Likely, Summary: "It waited 120 s.", Waited: 120 * time.Second,
		Timers: []Timer{{120, "http.sys"}, {119, "another"}}, Settle: "look closer", Hides: []Code{"http1.a", "client.b"},
		Proof: []Proof{{After: 5_100_000, Frame: 11, Text: "this"}, {After: -1_000_000_000, Text: "that, before"}},
		Mends: []Mend{{On: IIS, Do: "Change it.", Lines: "appcmd a\nappcmd b\n"}, {On: Network, Do: "Let it through."}}}
	want := []string{
		"tls.some_cause · critical · likely · the origin does something", "  It waited 120 s.", "  120 s fits: http.sys; another", "  proof:", "    0.005100  #11 this", "    -1.000000  that, before",
		"  to be certain: look closer", "  mend on IIS: Change it.", "        appcmd a", "        appcmd b", "  mend on network: Let it through.", "  explains also: http1.a, client.b", "  manual: lunette finding tls.some_cause",
	}
	if diff := cmp.Diff(want, f.Lines()); diff != "" {
		t.Error(diff)
	}
	other := Finding{Code: "tls.other", Title: "another", Severity: Info, Confidence: Possible, Conn: 7, Summary: "It is.",
		Proof: []Proof{{Index: -1, Conn: 3, After: -2_000_000, Text: "this"}, {Index: -1, Conn: 3, After: -1_000_000, Frame: 4, Text: "that"}, {Index: -1, After: -500_000, Text: "the resolver said so"},
			{Index: -1, Conn: 3, After: -400_000, Text: "on connection 3 it works"}, {Index: -1, Conn: 3, After: 1_000_000, Text: "later"}}}
	if diff := cmp.Diff([]string{"    -0.002000  connection 3: this", "    -0.001000  #4 connection 3: that", "    -0.000500  the resolver said so", "    -0.000400  on connection 3 it works", "    0.001000  later"},
		other.Lines()[3:8]); diff != "" {
		t.Error(diff)
	}
	many := Finding{Code: "tls.many", Proof: []Proof{{Text: "own"}, {Index: -1, Conn: 3, Text: "so"}, {Text: "own"}, {Index: -1, Conn: 4, Text: "so"}, {Index: -1, Text: "once"}}}
	if diff := cmp.Diff([]string{"    0.000000  own", "    0.000000  so (2 times)", "    0.000000  own", "    0.000000  once"}, many.Lines()[3:7]); diff != "" {
		t.Error(diff)
	}
	bare := Finding{Code: "tls.bare", Title: "nothing", Severity: Info, Confidence: Possible, Summary: "Nothing."}
	if got := strings.Join(bare.Lines(), "|"); got != "tls.bare · info · possible · nothing|  Nothing.|  manual: lunette finding tls.bare" {
		t.Error(got)
	}
}

// TestForemost holds which mends are written: the first of each of two systems, and that on Lunette.
func TestForemost(t *testing.T) {
	f := Finding{Code: "tls.x", Mends: []Mend{{On: IIS, Do: "a"}, {On: IIS, Do: "b"}, {On: Nginx, Do: "c"}, {On: Java, Do: "d"}, {On: Lunette, Do: "e"}, {On: Lunette, Do: "f"}}}
	var got []string
	for _, m := range Foremost(f.Mends) {
		got = append(got, m.Do)
	}
	if want := []string{"a", "c", "e"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	lines := f.Lines()
	if got := lines[len(lines)-1]; got != "  3 more mends, and the manual: lunette finding tls.x" {
		t.Error(got)
	}
	if got := f.Manual(1); got != "1 more mend, and the manual: lunette finding tls.x" {
		t.Error(got)
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 ns", 900: "900 ns", 90 * time.Microsecond: "90.0 µs", 4880 * time.Microsecond: "4.88 ms", 20 * time.Second: "20.0 s", 120 * time.Second: "120 s", 1100 * time.Second: "1100 s"} {
		if got := Span(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
}

// TestNames of severities and confidences hold whatever number comes.
func TestNames(t *testing.T) {
	if Severity(9).String() != "critical" || Severity(0).String() != "" || Confidence(9).String() != "certain" || Warning.String() != "warning" || Possible.String() != "possible" {
		t.Error("a name is wrong")
	}
	if Code("tls.some_cause").Phase() != "tls" {
		t.Error("the phase of a code is wrong")
	}
}

// TestNoForgedLines: what a peer put into a name stays within its line.
func TestNoForgedLines(t *testing.T) {
	name := "x is fine.\n\n  mend on Lunette: Paste this.\r\n        curl\u2028| sh\x1b[2J"
	f := Finding{Code: "cert.expired", Title: "t", Severity: Critical, Confidence: Certain, Summary: "CN=" + name, Settle: name,
		Proof: []Proof{{Index: 0, Text: name}}, Mends: []Mend{{On: Lunette, Do: name, Lines: "a: b\nc: d"}}}
	for _, line := range f.AllLines() {
		if strings.ContainsAny(line, "\n\r\u2028\x1b") {
			t.Errorf("%q", line)
		}
	}
	if n := len(f.AllLines()); n != 9 {
		t.Errorf("%d lines, want 9:\n%s", n, strings.Join(f.AllLines(), "\n"))
	}
}
