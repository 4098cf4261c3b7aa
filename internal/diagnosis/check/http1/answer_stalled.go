package http1

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var answerStalled = check.Check{
	Code:     "http1.answer_stalled",
	Title:    "the answer began and then stopped",
	Severity: finding.Critical,
	Refines:  []reason.Code{reason.ReadHeaderStall, reason.ReadBodyStall, reason.ReadTooSlow, reason.ReadOverTotalTime},
	On:       []fact.Kind{fact.Silence, fact.GaveUp, fact.FirstByte, fact.ResponseHead},
	Silences: []finding.Code{"client.gone"},
	Text: `The origin sent a head, or part of one, or part of a body, and then nothing, while the connection stayed up. The application
writes as it works and waits for something: a slow query, another service, a lock, an empty queue (long polling and server-sent
events do that on purpose). Or the bytes are on their way and do not arrive: then TCP shows that they are sent again
(tcp.packet_loss, tcp.mtu_black_hole).

nginx prints *upstream timed out (110: Connection timed out) while reading upstream*, and the client has a 200 that breaks off;
HAProxy logs **sD**, within the head **sH**; Envoy *response_timeout* or *stream_idle_timeout*; Go *net/http: request canceled
(Client.Timeout or context cancellation while reading body)*; curl 28, or 18 once somebody closes.

What looks alike: when the receiver stops reading, its window closes and the origin cannot send: that is the receiver's doing, and
is not told here. A stall at about 65535 bytes of HTTP/2 is http2.flow_control_stall; one in TLS 1.3 after many records may be
tls.key_update_stall. A pause that ends by itself is told as info.`,
	Asks: []string{
		"At which byte does it stop, and is that always the same? `curl -N --resolve {host}:{port}:{ip} https://{host}/PATH | pv -b > /dev/null`",
		"Is this a stream on purpose (text/event-stream, long polling)? Then timers must be longer than its pauses, or it must send comments.",
	},
	Mends: []finding.Mend{
		{On: finding.Origin, Do: "Find what the application waits for while it writes; let streams send something at least every 30 s."},
		{On: finding.IIS, Do: "See what runs, and whether a buffer waits to be full.", Lines: `:: cmd, as administrator
%windir%\system32\inetsrv\appcmd.exe list requests /elapsed:5000`},
		{On: finding.Nginx, Do: "Where nginx is in between, do not buffer streams and wait longer.", Lines: "proxy_buffering off;\nproxy_read_timeout 1h;"},
		{On: finding.Apache, Do: "Where mod_proxy is in between, flush what comes.", Lines: "ProxyPass /events https://origin.test/events flushpackets=on timeout=3600"},
		{On: finding.Node, Do: "Send a comment now and then on streams of events.", Lines: "setInterval(() => res.write(':\\n\\n'), 15000)"},
		{On: finding.Lunette, Do: "Allow longer pauses, best for the path of the stream alone.", Lines: "routes:\n  - path: /events\n    timeouts:\n      read_idle: 1h"},
	},
	Sources: []string{"RFC 9112 section 9.5", "nginx: ngx_http_proxy_module, proxy_read_timeout"},
	Run:     runAnswerStalled,
}

func runAnswerStalled(c *check.Case) *check.Verdict {
	f := c.Flow
	from := f.Last(fact.FirstByte, fact.ResponseHead)
	if from < 0 || f.Has(fact.Upgraded, fact.HTTP2FlowBlocked) || f.Next(from, fact.ResponseDone) >= 0 {
		return nil
	}
	e := f.EndAfter(from)
	length, at := stall(f, from, e.At)
	gaveUp := f.Next(from, fact.GaveUp)
	told := f.Reason == reason.ReadHeaderStall || f.Reason == reason.ReadBodyStall
	if at < 0 && !told || closedWindow(f, from, at) || f.Handshaken(from) {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Waited: length, Proof: []finding.Proof{f.Proof(from, "the answer begins")}}
	part := "body"
	if at >= 0 {
		v.Proof = append(v.Proof, f.Proof(at, "then nothing comes for "+finding.Span(length)))
		if strings.HasSuffix(f.Facts[at].Text, "head") {
			part = "head"
		}
	}
	if f.Reason == reason.ReadHeaderStall {
		part = "head"
	}
	how := ""
	switch {
	case gaveUp >= 0:
		how = ", until " + f.Facts[gaveUp].Text + " ran out"
		v.Waited = max(v.Waited, time.Duration(f.Facts[gaveUp].Size))
		v.Proof = append(v.Proof, f.Proof(gaveUp, f.Facts[gaveUp].Text+" ran out"))
	case told:
		how = ", until our timer ran out (" + orNone(f.Detail, string(f.Reason)) + ")"
		v.Waited = max(v.Waited, e.Time.Sub(f.Facts[from].At))
	case e.At >= 0 && e.Side == fact.SideClient:
		v.Severity, how = finding.Warning, ", until who had asked went away"
		if length < hasty { // it may have had its own reasons
			v.Severity, v.Confidence, v.Settle = finding.Info, finding.Possible, "let the client wait longer, and see whether it goes on"
		}
		v.Proof = append(v.Proof, f.Proof(e.At, endName(e)))
	case e.At >= 0 && f.Has(fact.HTTPCutShort):
		how = ", and the origin ended the connection"
		v.Proof = append(v.Proof, f.Proof(e.At, endName(e)))
	case f.Watched&check.Lasting != 0 && length >= impatient:
		v.Severity, v.Confidence, v.Lasts, how = finding.Warning, finding.Likely, true, ", and it still waits"
		v.Settle = "watch until it goes on or somebody gives up"
	default:
		v.Severity = finding.Info
		if v.Confidence = finding.Possible; length < slow {
			return nil
		}
		v.Settle = "watch until it goes on or somebody gives up"
	}
	if v.Severity != finding.Info && part == "body" {
		temperStream(f, v)
	}
	v.Summary = fmt.Sprintf("The answer to %s began and stopped within its %s for %s%s.", lineAt(f, from), part, finding.Span(v.Waited), how)
	return v
}

// temperStream takes back what cannot be said of an answer that may be open on purpose: a stream of events may lie still for as long as
// it likes, and a body of which no length was announced may be one.
func temperStream(f *check.Flow, v *check.Verdict) {
	var h *fact.HTTPHead
	for _, x := range f.Exchanges() {
		if x.Response != nil && x.ResponseDone < 0 {
			h = x.Response
		}
	}
	kind, _, _ := strings.Cut(strings.ToLower(check.Field(h, "Content-Type")), ";")
	switch {
	case h == nil:
	case slices.Contains(streams[:], strings.TrimSpace(kind)):
		v.Severity, v.Confidence, v.Settle = finding.Info, finding.Possible, "ask whether it should have sent something in that time: a "+kind+" may lie still"
	case h.Length < 0:
		v.Confidence, v.Settle = min(v.Confidence, finding.Likely), "the same again: an answer without an announced length may be left open on purpose (long polling)"
	}
}

// streams are types of content that is sent as it comes.
var streams = [...]string{"text/event-stream", "application/x-ndjson", "multipart/x-mixed-replace", "application/grpc", "application/stream+json"}

// stall is the longest silence within an answer, and where.
func stall(f *check.Flow, from, until int) (time.Duration, int) {
	longest, at := time.Duration(0), -1
	for i := f.Next(from, fact.Silence); i >= 0 && (until < 0 || i < until); i = f.Next(i, fact.Silence) {
		x := &f.Facts[i]
		if x.Side == fact.SideServer && strings.HasPrefix(x.Text, "rest of the response") && time.Duration(x.Size) > longest {
			longest, at = time.Duration(x.Size), i
		}
	}
	if longest < impatient {
		return 0, -1
	}
	return longest, at
}

// closedWindow reports whether the receiver could take no more, for as long as counts as a stall, within the silence at index at, or
// anywhere after from: then the origin is not to blame.
func closedWindow(f *check.Flow, from, at int) bool {
	begin, end := f.Facts[from].At, f.End
	if at >= 0 {
		begin = f.Facts[at].At
		end = begin.Add(time.Duration(f.Facts[at].Size))
	}
	for i := f.NextOf(fact.SideClient, from, fact.TCPZeroWindow); i >= 0; i = f.NextOf(fact.SideClient, i, fact.TCPZeroWindow) {
		since, until := f.Facts[i].At, end
		if opened := f.NextOf(fact.SideClient, i, fact.TCPWindowOpen); opened >= 0 && f.Facts[opened].At.Before(end) {
			until = f.Facts[opened].At
		}
		if since.Before(begin) {
			since = begin
		}
		if until.Sub(since) >= impatient*9/10 {
			return true
		}
	}
	return false
}
