package http2

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var goAwayRace = check.Check{
	Code:      "http2.goaway_race",
	Title:     "the origin turned requests away unread: it ends the connection, refuses the stream, or has had enough",
	Severity:  finding.Warning,
	Catalogue: []int{71},
	Refines:   []reason.Code{reason.HTTP2GoAway, reason.HTTP2RefusedStream, reason.HTTP2RST, reason.HTTP2PingFlood},
	On:        []fact.Kind{fact.HTTP2GoAway, fact.HTTP2RstStream},
	Silences:  []finding.Code{"http2.stream_reset", "http1.closed_before_answer", "http1.reset_before_answer", "client.gone"},
	Text: `An HTTP/2 server that ends a connection (idle time over, so many requests served, restart) sends **GOAWAY** with the number of the
last stream that it will work on. Requests that were already under way on higher streams were not read, and may be sent again on
another connection, whatever their method. **REFUSED_STREAM** (error code 7) says the same of a single stream, mostly because more
streams were open than MAX_CONCURRENT_STREAMS allows. **ENHANCE_YOUR_CALM** (11) says that the origin took the traffic for abuse:
too many resets, pings, or settings (its defence against Rapid Reset, CVE-2023-44487).

Elsewhere: Go *http2: server sent GOAWAY and closed the connection; LastStreamID=…, ErrCode=NO_ERROR*, or *stream error …
REFUSED_STREAM*; Envoy **UR**, *upstream_reset_before_response_started{remote_refused_stream_reset}*; nginx's gRPC module
*upstream sent goaway with error 11* or *upstream rejected request with error 7*. nginx as an origin does it after
keepalive_requests (1000 by default).

Told apart from an orderly end by the requests: a GOAWAY after all were answered is healthy. Told apart from other errors
(http2.stream_reset) by the code; a GOAWAY with an error code that is not NO_ERROR is an accusation.`,
	Asks: []string{
		"After how many requests, or after how long, does it come: nginx keepalive_requests, Envoy max_requests_per_connection, http.sys connectionTimeout",
		"ENHANCE_YOUR_CALM: what do the origin's limits say (http2_max_concurrent_streams, h2 flood limits, H2MaxSessionStreams)",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "Let Lunette send again what was not read; and leave idle connections before the origin does.", Lines: "origin:\n  retries: 2\n  timeouts: {keepalive_idle: 4s}"},
		{On: finding.Lunette, Do: "Where the origin has had enough: HTTP/1.1 spreads requests over connections.", Lines: "origin:\n  http: \"1.1\"\n  max_connections: 64"},
		{On: finding.Nginx, Do: "End connections later.", Lines: "keepalive_requests 100000;\nkeepalive_time 24h;\nhttp2_max_concurrent_streams 256;"},
		{On: finding.Apache, Do: "Allow more streams, and end connections later.", Lines: "H2MaxSessionStreams 250\nMaxKeepAliveRequests 0\nKeepAliveTimeout 65"},
		{On: finding.Java, Do: "Allow more streams; the overhead limits of Tomcat are behind many ENHANCE_YOUR_CALM.",
			Lines: `<UpgradeProtocol className="org.apache.coyote.http2.Http2Protocol" maxConcurrentStreams="250" overheadCountFactor="5" />`},
		{On: finding.IIS, Do: "http.sys: limits against abuse stand in the registry; raise them for the proxy's traffic only after a look at HTTPERR. Needs a restart.",
			Lines: "# PowerShell, as administrator\nreg query HKLM\\SYSTEM\\CurrentControlSet\\Services\\HTTP\\Parameters /f Http2"},
	},
	Sources: []string{"RFC 9113 sections 6.8, 8.7 and 7", "nginx: ngx_http_core_module, keepalive_requests", "CVE-2023-44487"},
	Run:     runGoAwayRace,
}

func runGoAwayRace(c *check.Case) *check.Verdict {
	f := c.Flow
	for _, code := range [...]int{enhanceYourCalm, refusedStream} {
		if i := withCode(f, fact.SideServer, code); i >= 0 {
			return turnedAway(f, i)
		}
	}
	i := withCode(f, fact.SideServer, noError)
	for i >= 0 && f.Facts[i].Kind != fact.HTTP2GoAway {
		i = f.Find(i, func(x *fact.Fact) bool {
			return x.Kind == fact.HTTP2GoAway && x.Side == fact.SideServer && x.Code == noError
		})
	}
	if i < 0 {
		return nil
	}
	unread, last := beyond(f, i)
	if unread == nil {
		return nil
	}
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(unread.RequestAt, fmt.Sprintf("%s goes out on stream %d", unread.Line(), unread.Stream)),
		f.Proof(i, fmt.Sprintf("GOAWAY: the last stream that is worked on is %d%s", last, debug(&f.Facts[i])))},
		Summary: fmt.Sprintf("The origin ends the connection after stream %d; %s on stream %d crossed that and was not read: it may be sent again.", last, unread.Line(), unread.Stream)}
	worsened(f, v)
	return v
}

// turnedAway is the verdict on a frame with REFUSED_STREAM or ENHANCE_YOUR_CALM.
func turnedAway(f *check.Flow, i int) *check.Verdict {
	x := &f.Facts[i]
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, frame(x)+debug(x))}}
	if x.Code == refusedStream {
		v.Summary = fmt.Sprintf("The origin refused %s unread (%s): it may be sent again.", line(f, streamOf(x)), frame(x))
		worsened(f, v)
		return v
	}
	v.Severity = finding.Critical
	v.Summary = fmt.Sprintf("The origin takes the proxy's traffic for abuse (%s%s).", frame(x), debug(x))
	return v
}

// worsened makes it critical where the attempt was given up for it.
func worsened(f *check.Flow, v *check.Verdict) {
	switch f.Reason {
	case reason.HTTP2GoAway, reason.HTTP2RefusedStream, reason.HTTP2RST:
		v.Severity = finding.Critical
	}
}

// beyond is the first request on a stream above the last one that a GOAWAY names, without an answer.
func beyond(f *check.Flow, i int) (*check.Exchange, int) {
	d, ok := f.Facts[i].Detail.(*fact.HTTP2Frame)
	if !ok {
		return nil, 0
	}
	all := f.Exchanges()
	for j := range all {
		if x := &all[j]; x.Stream > int(d.LastStream) && x.Response == nil && x.RequestAt >= 0 && x.RequestAt < i {
			return x, int(d.LastStream)
		}
	}
	return nil, 0
}
