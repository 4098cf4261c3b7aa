package check

import (
	"math"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// timers are lengths of stalls with owners: what the vendors document as defaults, and what was measured. Where who left is known, those
// of the other end cannot have ended it: then only the client's or the server's count.
var timers = [...]struct {
	seconds               float64
	owner, client, server string
}{
	{5, "a keep-alive of 5 s (Node.js, Apache httpd), or one retry of a DNS resolver", "", "a keep-alive of 5 s (Node.js, Apache httpd)"},
	{15, "Windows' fetch of a revocation list (CryptoAPI), or Envoy's route timeout", "Envoy's route timeout", "Windows' fetch of a revocation list (CryptoAPI)"},
	{20, "Apache httpd's RequestReadTimeout body (mod_reqtimeout), or Azure Application Gateway", "Azure Application Gateway", "Apache httpd's RequestReadTimeout body (mod_reqtimeout)"},
	{21, "three SYNs of Windows (3 + 6 + 12 s)", "three SYNs of Windows (3 + 6 + 12 s)", ""},
	{30, "IIS Application Request Routing's proxy timeout, or Go's default dialler", "IIS Application Request Routing's proxy timeout", ""},
	{45, "Windows trying several revocation URLs", "", "Windows trying several revocation URLs"},
	{60, "nginx's proxy_read_timeout, an AWS load balancer's idle timeout, or Apache httpd's Timeout", "nginx's proxy_read_timeout, or an AWS load balancer's idle timeout", "Apache httpd's Timeout"},
	{63, "five retries of a SYN by Linux", "five retries of a SYN by Linux", ""},
	{75, "nginx's keepalive_timeout, or BSD's connect", "", "nginx's keepalive_timeout"},
	{100, "Cloudflare's wait for an origin (524)", "Cloudflare's wait for an origin (524)", ""},
	{120, "http.sys: Timer_SslRenegotiation, connectionTimeout, Timer_EntityBody, Timer_HeaderWait or Timer_AppPool", "", "http.sys: Timer_SslRenegotiation, connectionTimeout, Timer_EntityBody, Timer_HeaderWait or Timer_AppPool"},
	{127, "six retries of a SYN by Linux", "six retries of a SYN by Linux", ""},
	{300, "Node.js's requestTimeout", "", "Node.js's requestTimeout"},
}

// Timers are the known timers that fit a stall of this length, the nearest first: within 2 % and half a second at most; below 4 s
// nothing fits. That one fits proves nothing.
func Timers(d time.Duration) []finding.Timer { return TimersOf(d, fact.SideNone) }

// TimersOf is Timers where it is known who left when the stall was over.
func TimersOf(d time.Duration, ended fact.Side) []finding.Timer {
	var out []finding.Timer
	s := d.Seconds()
	for _, t := range timers {
		owner := t.owner
		switch ended {
		case fact.SideClient:
			owner = t.client
		case fact.SideServer:
			owner = t.server
		case fact.SideNone:
		}
		if owner != "" && math.Abs(s-t.seconds) <= min(t.seconds*0.02, 0.5) {
			out = append(out, finding.Timer{Seconds: t.seconds, Owner: owner})
		}
	}
	return out
}

// waits are timers by which a server ends a wait that it owes something in, or that holds it up; those of idle connections are none. The
// foremost are named where nobody knows what the server runs.
var waits = [...]struct {
	seconds  float64
	owner    string
	runs     finding.System
	foremost bool
}{
	{15, "Windows' fetch of a revocation list (CryptoAPI)", finding.IIS, false},
	{20, "Apache httpd's RequestReadTimeout body (mod_reqtimeout)", finding.Apache, true},
	{45, "Windows trying several revocation URLs", finding.IIS, false},
	{60, "Apache httpd's Timeout", finding.Apache, false},
	{60, "nginx's proxy_read_timeout, towards what is behind it", finding.Nginx, false},
	{60, "Apache httpd's Timeout, or nginx's proxy_read_timeout towards what is behind it", "", true},
	{120, "http.sys: Timer_SslRenegotiation, connectionTimeout, Timer_EntityBody, Timer_HeaderWait or Timer_AppPool", finding.IIS, true},
	{300, "Node.js's requestTimeout", finding.Node, false},
}

// mostAhead bounds the timers that are named of a wait which goes on.
const mostAhead = 3

// timersAhead are the timers that may yet end a stall which has lasted for d, the next first: those of what the server runs, where that is
// known, and three at most. Those of the next second are left out.
func timersAhead(d time.Duration, runs finding.System) []finding.Timer {
	var out []finding.Timer
	for _, t := range waits {
		fits := t.runs == runs
		if runs == "" {
			fits = t.foremost
		}
		if fits && t.seconds > d.Seconds()+1 && len(out) < mostAhead {
			out = append(out, finding.Timer{Seconds: t.seconds, Owner: t.owner})
		}
	}
	return out
}

// ownTimer reports whether a wait of this length was ended by a timer of who asked: then it fits no other's.
func (f *Flow) ownTimer(waited time.Duration) bool {
	given := false
	for i := f.First(fact.GaveUp); i >= 0; i = f.Next(i, fact.GaveUp) {
		given = true
		if limit := time.Duration(f.Facts[i].Size); (waited - limit).Abs() <= max(limit/50, time.Second/2) {
			return true
		}
	}
	if given || !f.Ours {
		return false
	}
	switch f.Reason {
	case reason.TLSTimeout, reason.WriteTimeout, reason.ReadFirstByteTimeout, reason.ReadHeaderStall, reason.ReadBodyStall, reason.ReadOverTotalTime:
		return true
	}
	return false
}
