package cli

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/probe"
)

// failsBehind reports whether o, through the gateway, fails: by itself, or where the same request to the origin is answered better.
func failsBehind(o, direct *probe.Outcome) bool {
	if !o.Via || o.Cut {
		return false
	}
	return !o.Served() || direct.Served() && direct.Status() < 400 && o.Status() >= 400
}

// direct is the same request as o to the origin itself; nil without.
func (e *examination) direct(o *probe.Outcome) *probe.Outcome {
	for _, d := range e.report.Tries {
		if d.Purpose == "plain" && !d.Via && d.Path == o.Path {
			return d
		}
	}
	return nil
}

// behind is a request that fails through the gateway and works directly; nil without.
func (e *examination) behind() *probe.Outcome {
	for _, o := range e.report.Tries {
		if d := e.direct(o); d.Served() && failsBehind(o, d) {
			return o
		}
	}
	return nil
}

// gatewayFails is a request that fails through the gateway, one that works directly before others; nil without.
func (e *examination) gatewayFails() *probe.Outcome {
	if o := e.behind(); o != nil {
		return o
	}
	for _, o := range e.report.Tries {
		if failsBehind(o, e.direct(o)) {
			return o
		}
	}
	return nil
}

// gatewaySentence says what the gateway makes of a request that fails through it, and where to look next.
func (e *examination) gatewaySentence() string {
	o := e.gatewayFails()
	how := fmt.Sprintf("is answered with status %d", o.Status())
	if o.Err != nil {
		how = "fails: " + o.Why()
	}
	text := fmt.Sprintf("Through the gateway at %s GET %s %s.", o.Addr, probe.Masked(o.Path), how)
	if e.behind() != nil {
		text = fmt.Sprintf("Directly GET %s works; through the gateway at %s it %s.", probe.Masked(o.Path), o.Addr, how)
	}
	if len(o.Answers) == 0 {
		return text + " Nothing of that is the origin's: is the gateway there, and does it listen on this port?"
	}
	h := o.Answers[0].Header
	status, id := h.Get("Proxy-Status"), h.Get("X-Request-Id")
	switch reason := lunetteSays(status); {
	case reason != "" && id != "":
		return text + fmt.Sprintf(" The answer is Lunette's own: reason %.100s, id %.100s. The line with this id in its access log says more.", reason, id)
	case reason != "":
		return text + fmt.Sprintf(" The answer is Lunette's own: reason %.100s. Its access log says more.", reason)
	case status != "":
		return text + fmt.Sprintf(" It says %.300s; the gateway's log is the next place to look.", status)
	}
	return text + " The gateway's own log is the next place to look."
}

// lunetteSays is the reason in a Proxy-Status (RFC 9209) that Lunette's gateway wrote, "" in any other.
func lunetteSays(status string) string {
	if name, _, _ := strings.Cut(status, ";"); strings.TrimSpace(name) != "lunette" {
		return ""
	}
	_, rest, _ := strings.Cut(status, `details="`)
	reason, _, ok := strings.Cut(rest, `"`)
	if !ok {
		return ""
	}
	return reason
}
