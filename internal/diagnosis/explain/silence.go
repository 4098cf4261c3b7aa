package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// silence tells a pause, and who should have spoken.
func (t *teller) silence(r *row, f *fact.Fact, decisive bool) bool {
	r.length = f.Size
	if f.Side == fact.SideNone {
		r.form, r.level, r.name = note, routine, "… "+span(f.Size)+noTurn(f.Text)
		if f.Text == "tickets_or_data" {
			r.level = warn
		}
		return true
	}
	r.form, r.level = gap, warn
	if decisive {
		r.level = bad
	}
	r.name = "… " + span(f.Size) + " of silence, the " + f.Side.String() + "'s turn"
	r.more = t.owes(f)
	return true
}

// noTurn goes on after the length of a silence of which nobody knows that it was a side's turn.
func noTurn(text string) string {
	switch text {
	case "closed":
		return " of silence after the close"
	case "unclear":
		return " of silence, whose turn cannot be told without secrets"
	case "tickets_or_data":
		return " of silence: if the server had answered cannot be told without secrets"
	}
	return " idle"
}

// owes is what was awaited, and since when.
func (t *teller) owes(f *fact.Fact) string {
	what := "it owes " + owed(f.Text)
	switch {
	case f.Text == "client_hello" && t.request != nil:
		return what + " (HelloRequest at " + t.clock(t.request.At.UnixNano()) + ")"
	case t.asked != nil && strings.Contains(f.Text, "response") && t.asked.Request.Head != nil:
		h := t.asked.Request.Head
		return what + when(f.Text == "response", " to "+joined(" ", clean(h.Method), cut(clean(h.Target), 30))) + ", asked for at " + t.clock(t.asked.Request.First.At)
	}
	return what
}

// owed puts the words of flow and httptimeline for what is awaited into a sentence.
func owed(what string) string {
	switch what {
	case "syn_ack":
		return "a SYN-ACK"
	case "ack":
		return "the ACK that completes the connection"
	case "first_bytes":
		return "its first bytes"
	case "proxy_tunnel":
		return "the answer to CONNECT"
	case "application_data":
		return "application data"
	case "100-continue or body":
		return "100 Continue, or the client the body"
	}
	if !strings.Contains(what, " ") && strings.Contains(what, "_") || what == "finished" || what == "certificate" {
		name := ""
		for part := range strings.SplitSeq(what, "_") {
			name += strings.ToUpper(part[:1]) + part[1:]
		}
		return "a " + name
	}
	return "the " + clean(what)
}

// seconds is a time relative to the start of a flow.
func seconds(n int64) string {
	return strconv.FormatFloat(float64(n)/1e9, 'f', 6, 64) + " s"
}
