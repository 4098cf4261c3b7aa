package explain

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// layout is what the table of flows leaves out, as it is the same in all of them, and how wide its columns are.
type layout struct {
	server   string // of all; "" when they have several
	protocol string // of all, version of TLS and HTTP; "" when they differ
	numbers  int    // columns
	ends     int    // columns
}

// table writes one line for each flow; of many, for those in which something stands out.
func (t *texter) table(told []int) {
	t.blank()
	rows := told
	if len(told) > manyFlows && !t.o.All {
		rows = t.telling(told)
	}
	if len(rows) > 0 {
		l := t.layout(told)
		heading := "client → server"
		if l.server != "" {
			heading = "client → " + l.server
		}
		l.ends = min(max(l.ends, cells(heading)), t.o.Width/2)
		t.line(sgrDim, cut(pad("#", l.numbers)+"  "+pad("start", 10)+"  "+pad("took", 7)+"  "+fill(cut(heading, l.ends), l.ends)+"  "+joined(", ", "what", when(l.protocol != "", "all "+l.protocol)), t.o.Width))
		for _, i := range rows {
			t.listed(i, &l)
		}
	}
	if n := len(told) - len(rows); n > 0 {
		stands := " in which less stands out, or nothing"
		if len(rows) == mostListed {
			stands = " with no more trouble than these"
		}
		t.about(usual, "… "+several(int64(n), when(len(rows) > 0, "more ")+"flow")+stands+": --all lists all, --filter leaves fewer")
	}
}

// listed writes the line of flow i.
func (t *texter) listed(i int, l *layout) {
	f := t.c.Flows[i]
	worst := t.c.trouble(i)
	v := usual
	switch {
	case worst.weight >= weightMore:
		v = bad
	case worst.weight > 0:
		v = warn
	}
	ends := f.Client.String()
	if l.server == "" {
		ends += " → " + f.Server.String()
	}
	line := pad(strconv.Itoa(t.c.number(i)), l.numbers) + "  " + pad(strconv.FormatFloat(float64(f.Start.At-t.c.Start.At)/1e9, 'f', 3, 64), 10) + "  " +
		pad(span(f.End.At-f.Start.At), 7) + "  " + fill(cut(ends, l.ends), l.ends) + "  " + joined(", ", worst.first, when(f.Purpose != "", clean(f.Purpose)+" of the doctor"), t.brief(f, l))
	t.line(t.style.of(v), cut(line, t.o.Width))
}

func (t *texter) layout(told []int) layout {
	first := t.c.Flows[told[0]]
	l := layout{server: first.Server.String(), protocol: spoken(first), numbers: len(strconv.Itoa(t.c.number(len(t.c.Flows) - 1)))}
	for _, i := range told {
		f := t.c.Flows[i]
		if f.Server != first.Server {
			l.server = ""
		}
		if spoken(f) != l.protocol {
			l.protocol = ""
		}
	}
	for _, i := range told {
		f := t.c.Flows[i]
		n := len(f.Client.String())
		if l.server == "" {
			n += len(" > ") + len(f.Server.String())
		}
		l.ends = max(l.ends, n)
	}
	return l
}

// telling are the flows in which something stands out, in order of time; of very many those with the most trouble.
func (t *texter) telling(told []int) []int {
	weights := make(map[int]int, len(told))
	var out []int
	for _, i := range told {
		if weights[i] = t.c.trouble(i).weight; weights[i] > weightLow {
			out = append(out, i)
		}
	}
	if len(out) <= mostListed {
		return out
	}
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	out = out[:mostListed]
	slices.Sort(out)
	return out
}

func fill(s string, n int) string { return s + pad("", n-cells(s)) }

// brief is what a flow is, in a few words, without what all of them are.
func (t *texter) brief(f *flow.Flow, l *layout) string {
	name, sealed := "", ""
	if f.TLS != nil {
		name = clean(f.TLS.ServerName)
		if f.TLS.Why != decrypt.WhyNot && f.TLS.Why != decrypt.WhyNoHandshake {
			sealed = "not decrypted"
		}
	}
	return joined(", ", outcomes(f), name, when(l.protocol == "", spoken(f)), sealed)
}

// spoken is the version of TLS and of HTTP.
func spoken(f *flow.Flow) string {
	if f.TLS == nil {
		return clean(f.HTTP)
	}
	return joined(", ", tlsVersion(f.TLS), clean(f.HTTP))
}

// worst are the flows whose ladders are worth showing, in order of time.
func (t *texter) worst(told []int) []int {
	type ranked struct{ flow, weight int }
	var all []ranked
	for _, i := range told {
		if w := t.c.trouble(i).weight; w > weightLow {
			all = append(all, ranked{i, w})
		}
	}
	slices.SortStableFunc(all, func(a, b ranked) int { return cmp.Compare(b.weight, a.weight) })
	var out []int
	for _, r := range all[:min(len(all), mostLadders)] {
		out = append(out, r.flow)
	}
	slices.Sort(out)
	return out
}
