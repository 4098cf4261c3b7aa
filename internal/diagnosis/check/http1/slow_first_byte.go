package http1

import (
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// From slow on, an answer that came is worth a word; a wait of less than impatient that somebody broke off is nobody's slowness, and
// one of less than hasty that of a user, for timers are longer.
const (
	slow      = 5 * time.Second
	impatient = time.Second
	hasty     = 3 * time.Second
)

var slowFirstByte = check.Check{
	Code:      "http1.slow_first_byte",
	Title:     "the origin took the request and did not begin to answer in time",
	Severity:  finding.Critical,
	Catalogue: []int{61},
	Refines:   []reason.Code{reason.ReadFirstByteTimeout, reason.ReadOverTotalTime, reason.ClientGone},
	On:        []fact.Kind{fact.Silence, fact.GaveUp, fact.ResponseHead, fact.RequestSent, fact.TLSApplicationData},
	Silences:  []finding.Code{"client.gone"},
	Text: `The origin's kernel acknowledged the request and its software said nothing: no status line, no interim response, and, what matters
most, no TLS record of any other kind. Somebody waits: the application for a database, a lock, another service; the request for a
free worker or thread; IIS for an application pool that starts. The wait ends with the first timer on the way, and that timer's
owner is the one who reports the fault, though it lies behind him.

nginx prints *upstream timed out (110: Connection timed out) while reading response header from upstream* and answers 504; HAProxy
504 with **sH** and Tr=-1; Go *timeout awaiting response headers*; Envoy **UT**; Cloudflare 524 at 100 s. On IIS the site's log
shows a large time-taken, HTTPERR Timer_AppPool or QueueFull where the request never got to the pool.

What looks alike: a HelloRequest in the silence is tls.hello_request_ignored; segments that are sent again without an
acknowledgement are a matter of the network (tcp.half_open, tcp.packet_loss); with Expect: 100-continue see http1.continue_stall.
An answer that comes late and is taken is no fault: this page says so as info.`,
	Asks: []string{
		"How long does the same request take on the origin itself: `curl -o /dev/null -w '%{time_starttransfer}' --resolve {host}:{port}:{ip} https://{host}/PATH`? All requests, or this path alone?",
		"On IIS: `%windir%\\system32\\inetsrv\\appcmd list requests /elapsed:5000` while it hangs; on Java: `jstack PID`; on PHP: the slow log of php-fpm.",
		"Is the origin out of workers: on Linux `ss -lnt` shows Recv-Q of the listening socket, on IIS HTTPERR QueueFull.",
	},
	Mends: []finding.Mend{
		{On: finding.IIS, Do: "Find what the requests wait in, and whether the pool lacks threads or sleeps (startMode, idleTimeout).",
			Lines: ":: cmd, as administrator\n%windir%\\system32\\inetsrv\\appcmd.exe list requests /elapsed:5000\n" +
				`%windir%\system32\inetsrv\appcmd.exe set apppool "POOL" /startMode:AlwaysRunning /processModel.idleTimeout:00:00:00`},
		{On: finding.Nginx, Do: "On an origin that runs nginx, log what its own upstream takes.",
			Lines: `log_format times '$request $status $request_time $upstream_connect_time $upstream_header_time';`},
		{On: finding.Apache, Do: "Log the time of each request (microseconds) and watch mod_status for busy workers.", Lines: "LogFormat \"%h %t \\\"%r\\\" %>s %D\" times\ncurl -s http://localhost/server-status?auto"},
		{On: finding.Java, Do: "See what the threads wait for, and whether all of maxThreads are busy.", Lines: "jstack $(pgrep -f org.apache.catalina) | grep -A 15 'http-nio'"},
		{On: finding.Node, Do: "Look for work that blocks the event loop.", Lines: "node --cpu-prof server.js"},
		{On: finding.Lunette, Do: "Wait longer where the work is known to take long; best for its path alone. Users wait as well, and timers in front must be longer still.",
			Lines: "origin:\n  timeouts:\n    first_byte: 3m"},
	},
	Sources: []string{"RFC 9110 section 15.6.5 (504)", "nginx: ngx_http_proxy_module, proxy_read_timeout", "Microsoft KB820729 (HTTPERR reason phrases)"},
	Run:     runSlowFirstByte,
}

func runSlowFirstByte(c *check.Case) *check.Verdict {
	f := c.Flow
	p := f.Pending()
	if p == nil {
		p = leftPending(f)
	}
	if p == nil {
		if at := f.Last(fact.RequestSent); f.Reason == reason.ReadFirstByteTimeout && at >= 0 && !f.Has(fact.ResponseHead) {
			p = &check.Pending{At: at, Sure: true, First: true, Whole: true}
		} else {
			return slowButCame(f)
		}
	}
	if f.Handshaken(p.At) || !p.Whole || unacknowledged(f, p.At) || heldBack(f, p) {
		return nil
	}
	w := f.WaitOf(p)
	if w.Length < slow && (f.Has(fact.ClientLeft) || f.Reason == reason.ClientGone) {
		return nil // a user's patience
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: w.Length, Ended: w.End.Side, Proof: []finding.Proof{f.Proof(p.At, p.Line()+" is out")}}
	who := ""
	switch {
	case w.Timer != "":
		who = "until " + w.Timer + " ran out"
	case w.End.At >= 0 && w.End.Side == fact.SideClient && w.Length >= impatient:
		v.Severity = finding.Warning
		if w.Length < hasty {
			v.Severity = finding.Info // a user's patience
		}
		who = "until who had asked went away"
		v.Settle = "look at who closed: a timer of the proxy, or a user"
	case w.End.At < 0 && f.Watched&check.Lasting != 0 && w.Length >= impatient:
		v.Severity, v.Confidence, v.Lasts, who = finding.Warning, finding.Likely, true, "and it still waits"
		v.Settle = "watch the next hop (lunette watch): what is between here and the application may have asked for something, such as a HelloRequest, that this leg does not show"
	case w.End.At < 0 && w.Length >= 2*slow:
		v.Severity, v.Confidence, who, v.Settle = finding.Info, finding.Possible, "and the watching ended before it was over", "watch until an answer comes or somebody gives up"
	default:
		return nil
	}
	if !p.Sure {
		v.Severity, v.Confidence, v.Settle = finding.Info, finding.Possible, "decrypt the connection (give its secrets): in TLS 1.3 an idle connection looks the same"
	} else if !carriesLarge(f, p.At) && v.Confidence == finding.Certain {
		v.Confidence, v.Settle = finding.Likely, "capture on the origin's side: an answer in packets of full size may be lost on the way, for none has come on this connection"
	} else if v.Settle != "" && v.Confidence == finding.Certain {
		v.Settle = "" // that nothing came is certain, whoever left
	}
	if _, at := f.SilenceAfter(p.At, w.End.At); at >= 0 {
		v.Proof = append(v.Proof, f.Proof(at, "nothing comes for "+finding.Span(time.Duration(f.Facts[at].Size))))
	}
	if w.End.At >= 0 {
		v.Proof = append(v.Proof, f.Proof(w.End.At, endName(w.End)))
	} else if w.Timer != "" {
		if at := f.Next(p.At, fact.GaveUp); at >= 0 {
			v.Proof = append(v.Proof, f.Proof(at, w.Timer+" ran out"))
		}
	}
	v.Summary = fmt.Sprintf("The origin had %s and sent nothing for %s, %s.", p.Line(), finding.Span(w.Length), who)
	return v
}

// slowButCame is for the record: the answer came late, and was taken.
func slowButCame(f *check.Flow) *check.Verdict {
	for _, x := range f.Exchanges() {
		if x.ResponseAt < 0 || x.RequestDone < 0 || x.Stream != 0 || len(x.Interims) > 0 || x.Status() >= 500 {
			continue
		}
		at := x.ResponseAt
		if b := f.NextOf(fact.SideServer, x.RequestDone, fact.FirstByte); b >= 0 && b < at {
			at = b
		}
		if e := f.EndAfter(x.RequestDone); e.At >= 0 && e.At < at && e.Side == fact.SideClient {
			continue // it came too late
		}
		if took := f.Since(x.RequestDone, at); took >= slow && !helloBetween(f, x.RequestDone, at) && !f.Lacks(fact.SideServer, x.RequestDone-1) {
			return &check.Verdict{Severity: finding.Info, Confidence: finding.Certain, Waited: took,
				Summary: fmt.Sprintf("The answer to %s (%d) began after %s; it came, so nothing failed.", x.Line(), x.Status(), finding.Span(took)),
				Proof:   []finding.Proof{f.Proof(x.RequestDone, x.Line()+" is out"), f.Proof(at, "the answer begins")}}
		}
	}
	return nil
}

// leftPending is a request whose answer began only when the client had given it up, nil without: a timer ran out, or the connection was
// closed, and what came then was refused.
func leftPending(f *check.Flow) *check.Pending {
	all := f.Exchanges()
	if len(all) == 0 {
		return nil
	}
	x := &all[len(all)-1]
	if x.RequestAt < 0 || x.RequestDone < 0 || x.ResponseAt < 0 || x.Stream != 0 || len(x.Interims) > 0 {
		return nil
	}
	e := f.EndAfter(x.RequestDone)
	answer := f.NextOf(fact.SideServer, x.RequestDone, fact.TLSApplicationData, fact.FirstByte, fact.ResponseHead)
	if e.At < 0 || e.Side != fact.SideClient || e.At > answer || f.Lacks(fact.SideServer, x.RequestDone) {
		return nil
	}
	if e.How == fact.TLSAlert || e.How == fact.TCPClosed { // it may still listen, unless it resets what comes
		if f.NextOf(fact.SideClient, answer, fact.TCPReset) < 0 {
			return nil
		}
	}
	return &check.Pending{At: x.RequestDone, Exchange: x, Sure: proven(f), First: len(all) == 1, Whole: true}
}

// helloBetween reports whether TLS was at work between two facts: then the wait is not the application's.
func helloBetween(f *check.Flow, a, b int) bool {
	i := f.Next(a, fact.TLSHelloRequest, fact.TLSPostHandshakeAuth, fact.TLSRenegotiated)
	return i >= 0 && i < b
}

// carriesLarge reports whether packets of full size are known to reach the client: a certificate, or much of an answer, came before index
// i. Where none did, an answer may be held up by the size of its packets (tcp.mtu_black_hole), and the client cannot tell.
func carriesLarge(f *check.Flow, i int) bool {
	const full = 1400
	at := f.Find(-1, func(x *fact.Fact) bool {
		switch {
		case x.Side != fact.SideServer:
		case x.Kind == fact.TLSCertificate:
			return true
		case x.Kind == fact.ResponseDone:
			return x.Size >= full
		case x.Kind == fact.TLSApplicationData:
			return x.Size >= full*int64(max(x.Code, 1))
		}
		return false
	})
	return at >= 0 && at < i
}

// unacknowledged reports whether the client had to send data again and again after index i.
func unacknowledged(f *check.Flow, i int) bool {
	return f.Find(i-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TCPRetransmission && x.Side == fact.SideClient && x.Text == "data" && x.Code >= 3
	}) >= 0
}

// heldBack reports whether the client waits for a 100 before it sends the body.
func heldBack(f *check.Flow, p *check.Pending) bool {
	return p.Exchange != nil && expects(p.Exchange) && p.Exchange.RequestDone < 0
}
