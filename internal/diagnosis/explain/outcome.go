package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
)

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
