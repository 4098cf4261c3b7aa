package explain

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// mostProofs is how many proofs of a finding are written.
const mostProofs = 8

// proofs writes what f rests on. Those of the flow itself bear the mark that they have in the ladder.
func (t *texter) proofs(i int, f *finding.Finding) {
	if len(f.Proof) > 0 {
		t.line(sgrDim, "    proof:")
	}
	all := finding.OnceEach(f.Proof)
	shown := slices.Clone(all[:min(len(all), mostProofs)])
	slices.SortStableFunc(shown, func(a, b finding.Proof) int { // of one moment, in the order of the ladder
		if a.Index < 0 || b.Index < 0 || !a.At.Equal(b.At) {
			return 0
		}
		return cmp.Compare(a.Index, b.Index)
	})
	times, packets := 0, 0
	for n := range shown {
		times, packets = max(times, cells(t.moment(i, &shown[n]))), max(packets, cells(t.packet(i, &shown[n])))
	}
	for n := range shown {
		p := &shown[n]
		margin := "  "
		if p.Index >= 0 && p.Conn == t.c.Flows[i].ID {
			margin = decisiveMark + " "
		}
		where := pad(t.moment(i, p), times) + when(times > 0, "  ") + fill(t.packet(i, p), packets) + when(packets > 0, "  ")
		t.hanging(usual, margin+"  "+where, clean(p.Text))
	}
	if more := len(all) - mostProofs; more > 0 {
		t.line("", "      … "+grouped(int64(more))+" more")
	}
}

// moment is when a proof was seen, as the ladder of Flows[i] shows times.
func (t *texter) moment(i int, p *finding.Proof) string {
	if p.At.IsZero() {
		return ""
	}
	if t.o.Absolute {
		return p.At.In(t.o.Location).Format(clockLayout)
	}
	return strconv.FormatFloat(p.At.Sub(time.Unix(0, t.c.Flows[i].Start.At)).Seconds(), 'f', 6, 64)
}

// packet names the packet of a proof, and its flow where it is another one than Flows[i].
func (t *texter) packet(i int, p *finding.Proof) string {
	parts := []string{}
	if n := t.c.placeOf(p.Conn); n >= 0 && n != i {
		parts = append(parts, "flow "+strconv.Itoa(t.c.number(n)))
	}
	if p.Frame > 0 {
		file, number := t.c.frame(p.Frame)
		parts = append(parts, when(len(t.c.Files) > 1, strconv.Itoa(file+1))+"#"+strconv.FormatInt(number, 10))
	}
	return strings.Join(parts, " ")
}
