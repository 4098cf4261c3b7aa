package dns

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var ipv6PathBroken = check.Check{
	Code:      "dns.ipv6_path_broken",
	Title:     "the name has an IPv6 address that cannot be reached, while IPv4 works",
	Severity:  finding.Critical,
	Catalogue: []int{5},
	Refines:   []reason.Code{reason.TCPTimeout, reason.TCPNoRoute, reason.TCPHostDown, reason.TCPRefused},
	On:        []fact.Kind{fact.TCPSyn, fact.TCPFailed, fact.TCPConnected},
	Silences:  []finding.Code{"tcp.syn_dropped", "tcp.refused", "client.gone"},
	Text: `The name has an A and an AAAA record, the AAAA record comes first, and the way by IPv6 leads nowhere: no route, a firewall that
was written for IPv4 only, or an origin that never listened on IPv6. Clients with Happy Eyeballs (RFC 8305) lose a constant 250 to
300 ms on every new connection; those without wait for the whole connect timeout, or fail on the half of the requests that took
that address.

Elsewhere: nginx *connect() to [2001:db8::1]:443 failed (101: Network is unreachable)*, or *upstream timed out* on one address of
two; curl -v shows *Trying [2001:db8::1]:443...* and then the IPv4 address; Go dials both and shows nothing but the delay.

On the wire: a SYN to the IPv6 address without an answer, then one to the IPv4 address that is answered at once.

Told apart from an origin that is down (tcp.syn_dropped, tcp.refused) by the IPv4 address of the same name that works meanwhile. A
machine without any IPv6 says *network unreachable* at once and loses nothing: that is worth knowing only.`,
	Asks: []string{
		"By each family from the proxy: `curl -4 -sv -o /dev/null https://{host}/`; `curl -6 -sv -o /dev/null https://{host}/`",
		"Is there a route: `ip -6 route get {ip}`; `traceroute -6 -T -p {port} {ip}`",
		"Does the origin listen on IPv6: `ss -lnt | grep -F '[::]:443'` (Windows: `netstat -ano -p TCPv6`)",
	},
	Mends: []finding.Mend{
		{On: finding.Network, Do: "Let TCP through to the IPv6 address and mend the route, or take the AAAA record away until that is done."},
		{On: finding.Nginx, Do: "On an nginx that is the origin: listen on IPv6 as well. On one that is the proxy: ask for no AAAA records.",
			Lines: "# the origin\nlisten [::]:{port} ssl;\n# the proxy\nresolver RESOLVER ipv6=off;"},
		{On: finding.IIS, Do: "See to which addresses http.sys is bound: with a list (iplisten) the IPv6 address must be in it; without one a binding to all addresses has it. Then look at the site's binding.",
			Lines: `# PowerShell, as administrator
netsh http show iplisten
netstat -ano -p TCPv6
& $env:windir\system32\inetsrv\appcmd.exe list site "SITE"`},
		{On: finding.Lunette, Do: "Until then state the IPv4 address.", Lines: "origin:\n  urls: [\"https://ORIGIN-ADDRESS\"]\n  host: \"{host}\"\n  tls:\n    server_name: \"{host}\""},
	},
	Sources: []string{"RFC 8305 sections 5 and 8", "RFC 6724", "nginx: ngx_http_core_module, resolver ipv6=off"},
	Run:     runIPv6PathBroken,
}

// surely is how long one try must go without an answer to be more than a lost packet: SYNs are sent again after one second and three.
const surely = 3 * time.Second

func runIPv6PathBroken(c *check.Case) *check.Verdict {
	var six, four *check.Flow // one that failed by IPv6, one that worked by IPv4
	tries := 0
	for o := range c.Flows {
		how, at := o.Dial()
		switch {
		case !o.Server.Addr().IsValid():
		case !is6(o) && how == check.DialConnected && four == nil:
			four = o
		case is6(o) && how == check.DialConnected:
			return nil
		case is6(o) && at >= 0 && (how == check.DialUnanswered || how == check.DialUnreachable || how == check.DialRefused):
			if tries++; six == nil {
				six = o
			}
		}
	}
	if six == nil || four == nil || six.Name != four.Name {
		return nil
	}
	how, at := six.Dial()
	_, worked := four.Dial()
	if worked < 0 {
		return nil
	}
	f, waited := c.Flow, six.Dialling()
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{
		f.ProofOf(six, at, fmt.Sprintf("IPv6, %s: %s", six.Server.Addr(), happened(how))),
		f.ProofOf(four, worked, fmt.Sprintf("IPv4, %s: connected", four.Server.Addr()))}}
	v.Summary = fmt.Sprintf("By IPv6 (%s) there is no connection: %s, after %s; by IPv4 (%s) there is.", six.Server.Addr(), happened(how),
		finding.Span(waited), four.Server.Addr())
	if tries == 1 && (how == check.DialRefused || how == check.DialUnanswered && six.SynsAgain() < 2 && waited < surely) {
		v.Confidence, v.Settle = finding.Likely, "connect by IPv6 once more"
	}
	switch {
	case how == check.DialUnreachable && six.Facts[at].Kind == fact.TCPFailed: // our own machine knew: it costs nothing
		v.Severity = finding.Info
	case f != six:
		v.Severity = finding.Warning
	case how == check.DialUnanswered:
		v.Waited = waited
	}
	return v
}

func is6(f *check.Flow) bool { return !f.Server.Addr().Unmap().Is4() }

func happened(how check.Dialled) string {
	switch how {
	case check.DialRefused:
		return "refused"
	case check.DialUnreachable:
		return "unreachable"
	}
	return "no answer to SYN"
}
