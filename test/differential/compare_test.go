package differential_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// result is what came of one exchange in one engine.
type result struct {
	hits     []hit // in the order in which rules matched
	rule     int   // that ended the exchange, 0 for none
	status   int
	location string
	phase    string // where it was ended, or would have been
	would    bool
	score    int    // of ours, from the record
	fault    string // time or work spent, a panic
	tx       map[string]string
}

func (h hit) sorted() hit {
	slices.Sort(h.values)
	return h
}

// matchedAs writes a value that matched, under the name that both engines can agree on.
func matchedAs(variable, key, value string) string {
	switch variable {
	case "REQUEST_XML":
		variable = "XML"
	case "":
		variable = "UNKNOWN"
	}
	return fmt.Sprintf("%s:%q=%q", variable, key, value)
}

// difference is one thing that differs. The key names it: "fault", "end", "score", "order", "rule N", "values N", "tx NAME".
type difference struct{ key, ours, coraza string }

func (d difference) String() string {
	return fmt.Sprintf("  %s\n    Coraza: %s\n    ours:   %s", d.key, clipped(d.coraza), clipped(d.ours))
}

func clipped(s string) string {
	if len(s) > 1500 {
		return s[:1500] + "…"
	}
	return s
}

// statusOf brings a status into the terms of our answers, where 0 is the default.
func statusOf(r *result) int {
	response := strings.HasPrefix(r.phase, "response")
	if r.status < 300 || r.status > 599 || r.status == 403 && response {
		return 0
	}
	return r.status
}

// diff lists what differs; known are the rules that ours has not decided when it compiled them.
func diff(got, want *result, known map[int]bool) (list []difference) {
	add := func(key, ours, coraza string) {
		if ours != coraza {
			list = append(list, difference{key, ours, coraza})
		}
	}
	add("fault", got.fault, want.fault)
	end := func(r *result) string {
		return fmt.Sprintf("rule %d status %d %q in %q, would %v", r.rule, statusOf(r), r.location, r.phase, r.would)
	}
	add("end", end(got), end(want))
	score := "blocking_inbound_anomaly_score"
	if strings.HasPrefix(got.phase, "response") {
		score = "blocking_outbound_anomaly_score"
	}
	n, _ := strconv.Atoi(want.tx[score])
	add("score", strconv.Itoa(got.score), strconv.Itoa(n))
	list = append(list, diffHits(got.hits, heard(want.hits, known))...)
	for name, value := range want.tx {
		ours := "none"
		if s, ok := got.tx[name]; ok {
			ours = strconv.Quote(s)
		}
		add("tx "+name, ours, strconv.Quote(value))
	}
	for name, value := range got.tx {
		if _, ok := want.tx[name]; !ok {
			add("tx "+name, strconv.Quote(value), "none")
		}
	}
	slices.SortFunc(list, func(a, b difference) int { return cmp.Compare(a.key, b.key) })
	return list
}

// heard leaves out rules that ours decided when it compiled them and that nobody hears of.
func heard(list []hit, known map[int]bool) (out []hit) {
	for _, h := range list {
		if known[h.id] || !h.silent {
			out = append(out, h)
		}
	}
	return out
}

func diffHits(got, want []hit) (list []difference) {
	ids := func(hits []hit) (order string, by map[int][]string) {
		by = map[int][]string{}
		for _, h := range hits {
			order += " " + strconv.Itoa(h.id)
			by[h.id] = append(by[h.id], h.values...)
		}
		return order, by
	}
	gotOrder, gotBy := ids(got)
	wantOrder, wantBy := ids(want)
	same := true
	for id, values := range wantBy {
		ours, ok := gotBy[id]
		switch {
		case !ok:
			list = append(list, difference{fmt.Sprint("rule ", id), "none", "matches " + strings.Join(values, " ")})
			same = false
		case !slices.Equal(ours, values):
			a, b := apart(ours, values)
			list = append(list, difference{fmt.Sprint("values ", id), strings.Join(a, " "), strings.Join(b, " ")})
		}
	}
	for id, values := range gotBy {
		if _, ok := wantBy[id]; !ok {
			list = append(list, difference{fmt.Sprint("rule ", id), "matches " + strings.Join(values, " "), "none"})
			same = false
		}
	}
	if same && gotOrder != wantOrder {
		list = append(list, difference{"order", gotOrder, wantOrder})
	}
	return list
}

// apart leaves out of two lists what stands in both.
func apart(a, b []string) (onlyA, onlyB []string) {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		if count[s] > 0 {
			count[s]--
		} else {
			onlyB = append(onlyB, s)
		}
	}
	for s, n := range count {
		for range n {
			onlyA = append(onlyA, s)
		}
	}
	slices.Sort(onlyA)
	return onlyA, onlyB
}
