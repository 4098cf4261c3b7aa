package explain

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
)

// table writes one line for each flow.
func (t *texter) table(told []int) {
	t.blank()
	ends := len("client → server")
	for _, i := range told {
		f := t.c.Flows[i]
		ends = max(ends, len(f.Client.String())+len(f.Server.String())+3)
	}
	ends = min(ends, t.o.Width/2)
	numbers := len(strconv.Itoa(t.c.number(len(t.c.Flows) - 1)))
	t.line(sgrDim, pad("#", numbers)+"  "+pad("start", 10)+"  "+fill("client → server", ends)+"  what")
	rows := told
	if !t.o.All {
		rows = t.telling(told, mostListed)
	}
	for _, i := range rows {
		f := t.c.Flows[i]
		worst := troubleOf(f)
		l := usual
		switch {
		case worst.weight >= weightMore:
			l = bad
		case worst.weight > 0:
			l = warn
		}
		text := pad(strconv.Itoa(t.c.number(i)), numbers) + "  " + pad(strconv.FormatFloat(float64(f.Start.At-t.c.Start.At)/1e9, 'f', 3, 64), 10) + "  " +
			fill(cut(f.Client.String()+" → "+f.Server.String(), ends), ends) + "  " + joined(", ", worst.text, t.brief(f))
		t.line(t.style.of(l), cut(text, t.o.Width))
	}
	if n := len(told) - len(rows); n > 0 {
		t.about(usual, "… "+several(int64(n), "more flow")+" with no more trouble than these: --all lists them, --filter leaves fewer")
	}
}

// telling are the n flows with the most trouble, the first of those with as much, in order of time.
func (t *texter) telling(told []int, n int) []int {
	if len(told) <= n {
		return told
	}
	weights := make(map[int]int, len(told))
	for _, i := range told {
		weights[i] = troubleOf(t.c.Flows[i]).weight
	}
	out := slices.Clone(told)
	slices.SortStableFunc(out, func(a, b int) int { return cmp.Compare(weights[b], weights[a]) })
	out = out[:n]
	slices.Sort(out)
	return out
}

func fill(s string, n int) string { return s + pad("", n-cells(s)) }

// brief is what a flow is, in a few words.
func (t *texter) brief(f *flow.Flow) string {
	name, version, sealed := "", "", ""
	if f.TLS != nil {
		name, version = clean(f.TLS.ServerName), tlsVersion(f.TLS)
		if f.TLS.Why != decrypt.WhyNot && f.TLS.Why != decrypt.WhyNoHandshake {
			sealed = "not decrypted"
		}
	}
	return joined(", ", name, version, clean(f.HTTP), outcomes(f), sealed, span(f.End.At-f.Start.At))
}

// outcomes says what became of the requests: "GET / → 200", or how many there were and with which statuses.
func outcomes(f *flow.Flow) string {
	if len(f.Exchanges) == 1 && f.Exchanges[0].Request.Head != nil {
		return cut(joined(" ", clean(f.Exchanges[0].Request.Head.Method), clean(f.Exchanges[0].Request.Head.Target)), 30) + " → " + statusOf(f.Exchanges[0])
	}
	if len(f.Exchanges) == 0 {
		return ""
	}
	var order []string
	counts := map[string]int64{}
	for _, x := range f.Exchanges {
		status := statusOf(x)
		if counts[status]++; counts[status] == 1 {
			order = append(order, status)
		}
	}
	for i, status := range order {
		order[i] = grouped(counts[status]) + " × " + status
	}
	return few(order, 3)
}

func statusOf(x *httptimeline.Exchange) string {
	if h := x.Response.Head; h != nil {
		return strconv.Itoa(h.Status)
	}
	return "no response"
}

// worst are the flows whose ladders are worth showing, in order of time.
func (t *texter) worst(told []int) []int {
	type ranked struct{ flow, weight int }
	var all []ranked
	for _, i := range told {
		if w := troubleOf(t.c.Flows[i]).weight; w > weightLow {
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
