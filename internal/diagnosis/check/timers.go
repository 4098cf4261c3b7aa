package check

import (
	"math"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// timers are lengths of stalls with owners: what the vendors document as defaults, and what was measured.
var timers = [...]finding.Timer{
	{Seconds: 5, Owner: "a keep-alive of 5 s (Node.js, Apache httpd), or one retry of a DNS resolver"},
	{Seconds: 15, Owner: "Windows' fetch of a revocation list (CryptoAPI), or Envoy's route timeout"},
	{Seconds: 20, Owner: "Apache httpd's RequestReadTimeout body (mod_reqtimeout), or Azure Application Gateway"},
	{Seconds: 21, Owner: "three SYNs of Windows (3 + 6 + 12 s)"},
	{Seconds: 30, Owner: "IIS Application Request Routing's proxy timeout, or Go's default dialler"},
	{Seconds: 45, Owner: "Windows trying several revocation URLs"},
	{Seconds: 60, Owner: "nginx's proxy_read_timeout, an AWS load balancer's idle timeout, or Apache httpd's Timeout"},
	{Seconds: 63, Owner: "five retries of a SYN by Linux"},
	{Seconds: 75, Owner: "nginx's keepalive_timeout, or BSD's connect"},
	{Seconds: 100, Owner: "Cloudflare's wait for an origin (524)"},
	{Seconds: 120, Owner: "http.sys: Timer_SslRenegotiation, connectionTimeout, Timer_EntityBody, Timer_HeaderWait or Timer_AppPool"},
	{Seconds: 127, Owner: "six retries of a SYN by Linux"},
	{Seconds: 300, Owner: "Node.js's requestTimeout"},
}

// Timers are the known timers that fit a stall of this length, the nearest first: within 2 % and half a second at most; below 4 s
// nothing fits. That one fits proves nothing.
func Timers(d time.Duration) []finding.Timer {
	var out []finding.Timer
	s := d.Seconds()
	for _, t := range timers {
		if math.Abs(s-t.Seconds) <= min(t.Seconds*0.02, 0.5) {
			out = append(out, t)
		}
	}
	return out
}
