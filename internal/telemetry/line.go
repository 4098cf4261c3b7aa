package telemetry

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Bounds of what one line holds; what is beyond is cut and counted.
const (
	maxName    = 256  // names, hosts, phrases; bytes
	maxURL     = 2048 // path and query each; bytes
	maxValue   = 512  // a header value; bytes
	maxHeaders = 64
	maxRules   = 256
	maxTries   = 16
	maxFacts   = 64
	maxList    = 8 // SANs, tags
)

// line writes one access log line. It belongs to one goroutine at a time.
type line struct {
	b       []byte
	scratch []byte // masked values on their way to b
	mask    *redact.Masker
	all     bool // request headers on every line, not only where something went wrong
}

// exchange appends the whole line with its end. docs/formats/access-log.md names every key.
func (l *line) exchange(x *exchange.Exchange) {
	b := append(l.b, '{')
	b = keyTime(b, "time", x.Start)
	b = keyString(b, "id", x.ID, maxName)
	b = keyString(b, "site", x.Site, maxName)
	b = keyString(b, "route", x.Route, maxName)
	b = keyString(b, "incident", x.Incident, maxName)
	l.b = b
	l.answer(&x.Answer, x.Aborted)
	l.client(x.Client, x.Address())
	l.request(&x.Request, l.all || noteworthy(x))
	l.waf(&x.WAF)
	l.b = append(key(l.b, "attempts"), '[')
	for i := range x.Attempts {
		if i == maxTries {
			break
		}
		l.attempt(&x.Attempts[i], x.Start)
	}
	l.b = append(l.b, "]}\n"...)
}

// noteworthy says that somebody will want to read all of this request.
func noteworthy(x *exchange.Exchange) bool {
	return x.Answer.Reason != "" || x.Aborted || len(x.WAF.Matches) > 0 || x.Answer.Status >= 500
}

func (l *line) answer(a *exchange.Answer, aborted bool) {
	b := keyInt(l.b, "status", int64(a.Status))
	from := "lunette"
	if a.Origin {
		from = "origin"
	}
	b = keyString(b, "from", from, maxName)
	b = keyReason(b, a.Reason, a.Detail, a.InRequest)
	b = keyMillis(b, "duration_ms", a.Duration)
	first := a.First
	if first == 0 {
		first = exchange.NotReached
	}
	b = keyMillis(b, "first_ms", first)
	b = keyInt(b, "bytes_in", a.BytesIn)
	b = keyInt(b, "bytes_out", a.BytesOut)
	l.b = keyBool(b, "aborted", aborted)
}

func keyReason(b []byte, c reason.Code, detail string, inRequest bool) []byte {
	b = keyString(b, "reason", string(c), maxName)
	side := ""
	switch {
	case inRequest:
		side = reason.SideClient.String()
	case c != "":
		side = reason.Lookup(c).Side.String()
	}
	b = keyString(b, "side", side, maxName)
	return keyString(b, "detail", detail, maxName)
}

// client writes the connection, and who asks where trusted proxies in front say that it is somebody else.
func (l *line) client(c *exchange.Client, who netip.Addr) {
	l.b = key(l.b, "client")
	if c == nil {
		l.b = append(l.b, "null"...)
		return
	}
	b := append(l.b, '{')
	if who != c.Addr.Addr().Unmap() && who.IsValid() {
		b = append(who.AppendTo(append(key(b, "address"), '"')), '"')
	} else {
		b = keyAddr(b, "address", c.Addr)
	}
	b = keyAddr(b, "peer", c.Peer)
	b = keyAddr(b, "local", c.Local)
	b = keyString(b, "listener", c.Listener, maxName)
	b = keyInt(b, "connection", int64(c.ConnID))
	b = key(b, "tls")
	if t := c.TLS; t == nil {
		b = append(b, "null"...)
	} else {
		b = append(b, '{')
		b = keyString(b, "version", versionName(t.Version), maxName)
		b = keyString(b, "cipher", cipherName(t.Cipher), maxName)
		b = keyString(b, "sni", t.ServerName, maxName)
		b = keyString(b, "alpn", t.ALPN, maxName)
		b = keyBool(b, "resumed", t.Resumed)
		subject := ""
		if len(t.Chain) > 0 {
			subject = t.Chain[0].Subject.String()
		}
		b = keyString(b, "certificate", subject, maxName)
		b = append(keyBool(b, "verified", t.Verified), '}')
	}
	l.b = append(b, '}')
}

func (l *line) request(r *exchange.Request, headers bool) {
	b := append(key(l.b, "request"), '{')
	b = keyString(b, "method", r.Method, maxName)
	b = keyString(b, "scheme", r.Scheme, maxName)
	b = keyString(b, "host", r.Authority, maxName)
	l.b = key(b, "path")
	l.masked(l.mask.AppendText(l.scratch[:0], r.Path), maxURL)
	l.b = key(l.b, "query")
	l.masked(l.mask.AppendQuery(l.scratch[:0], r.Query), maxURL)
	l.b = keyString(l.b, "proto", r.Proto.String(), maxName)
	l.b = keyInt(l.b, "length", r.Length)
	l.header("user_agent", "User-Agent", r.Header)
	l.header("referer", "Referer", r.Header)
	l.header("content_type", "Content-Type", r.Header)
	l.b = key(l.b, "headers")
	if !headers {
		l.b = append(l.b, "null}"...)
		return
	}
	l.b = append(l.b, '[')
	for i, f := range r.Header {
		if i == maxHeaders {
			break
		}
		l.b = append(appendString(append(comma(l.b), '['), f.Name, maxName), ',')
		l.masked(l.mask.AppendHeader(l.scratch[:0], f.Name, f.Value), maxValue)
		l.b = append(l.b, ']')
	}
	l.b = append(l.b, "]}"...)
}

func (l *line) header(name, field string, h exchange.Header) {
	v := h.Get(field)
	if v == "" {
		l.b = append(key(l.b, name), `""`...)
		return
	}
	l.b = key(l.b, name)
	l.masked(l.mask.AppendHeader(l.scratch[:0], field, v), maxValue)
}

// masked appends what was made in scratch as a string, and keeps scratch's room.
func (l *line) masked(scratch []byte, limit int) {
	l.scratch = scratch
	l.b = appendString(l.b, scratch, limit)
}

func (l *line) waf(w *exchange.WAF) {
	l.b = key(l.b, "waf")
	if w.Mode == "" {
		l.b = append(l.b, "null"...)
		return
	}
	b := append(l.b, '{')
	b = keyString(b, "mode", w.Mode, maxName)
	b = keyString(b, "verdict", w.Verdict, maxName)
	b = keyString(b, "phase", w.Phase, maxName)
	b = keyInt(b, "score", int64(w.Score))
	b = keyInt(b, "threshold", int64(w.Threshold))
	b = keyMillis(b, "spent_ms", w.Spent)
	b = keyInt(b, "inspected", w.Inspected)
	b = keyInt(b, "of", w.Of)
	b = append(key(b, "matched"), '[')
	for _, id := range w.Rules {
		b = strconv.AppendInt(comma(b), int64(id), 10)
	}
	b = append(b, ']')
	b = append(key(b, "rules"), '[')
	for i := range w.Matches {
		if i == maxRules {
			break
		}
		m := &w.Matches[i]
		b = append(comma(b), '{')
		b = keyInt(b, "id", int64(m.ID))
		b = keyString(b, "message", m.Message, maxValue)
		b = keyString(b, "severity", m.Severity, maxName)
		b = keyInt(b, "score", int64(m.Score))
		b = keyString(b, "target", m.Target, maxName)
		b = keyString(b, "part", l.mask.Part(m.Target, m.Part), maxValue)
		b = keyString(b, "data", l.mask.Part(m.Target, m.Data), maxValue)
		b = keyStrings(b, "tags", m.Tags)
		b = keyString(b, "transformations", m.Transformations, maxName)
		b = keyInt(b, "paranoia", int64(m.Paranoia))
		b = keyBool(b, "scoring", m.Scoring)
		b = keyString(b, "file", m.File, maxValue)
		b = append(keyInt(b, "line", int64(m.Line)), '}')
	}
	l.b = append(b, "]}"...)
}

func keyStrings(b []byte, name string, list []string) []byte {
	b = append(key(b, name), '[')
	for i, s := range list {
		if i == maxList {
			b = append(comma(b), `"… (+`...)
			b = append(strconv.AppendInt(b, int64(len(list)-i), 10), `)"`...)
			break
		}
		b = appendString(comma(b), s, maxName)
	}
	return append(b, ']')
}

// inRequest reports whether an attempt failed by the client's request.
func inRequest(err error) bool {
	r := reason.Of(err)
	return r != nil && r.InRequest
}

func (l *line) attempt(a *exchange.Attempt, start time.Time) {
	b := append(comma(l.b), '{')
	b = keyMillis(b, "start_ms", max(0, a.Start.Sub(start)))
	l.b = key(b, "url")
	l.masked(l.mask.AppendTarget(l.scratch[:0], a.URL), maxURL)
	b = keyAddr(l.b, "address", a.Address)
	b = keyAddr(b, "local", a.Local)
	b = keyInt(b, "connection", int64(a.ConnID))
	b = keyBool(b, "reused", a.Reused)
	b = keyMillis(b, "idle_ms", a.Idle)
	b = keyMillis(b, "dns_ms", a.DNS)
	b = keyMillis(b, "connect_ms", a.Connect)
	b = keyMillis(b, "tls_ms", a.TLS)
	b = keyMillis(b, "write_ms", a.Write)
	b = keyMillis(b, "first_byte_ms", a.FirstByte)
	b = keyMillis(b, "body_ms", a.Body)
	b = keyString(b, "proto", protoName(a.Proto), maxName)
	b = keyInt(b, "status", int64(a.Status))
	b = keyReason(b, a.Reason, a.Detail, inRequest(a.Err))
	b = keyString(b, "finding", a.Finding, maxName)
	b = keyString(b, "confidence", a.Confidence, maxName)
	b = keyBool(b, "retried", a.Retried)
	b = keyInt(b, "bytes_sent", a.BytesSent)
	b = keyInt(b, "bytes_received", a.BytesReceived)
	b = attemptTLS(key(b, "tls"), a)
	b = append(key(b, "facts"), '[')
	if a.Reason != "" || a.Renegotiations > 0 {
		for i := range a.Facts {
			if i == maxFacts {
				break
			}
			b = appendFact(comma(b), &a.Facts[i], start)
		}
	}
	l.b = append(b, "]}"...)
}

func attemptTLS(b []byte, a *exchange.Attempt) []byte {
	if strings.HasPrefix(a.URL, "http:") {
		return append(b, "null"...)
	}
	b = append(b, '{')
	b = keyString(b, "version", versionName(a.TLSVersion), maxName)
	b = keyString(b, "cipher", cipherName(a.Cipher), maxName)
	b = keyString(b, "sni", a.SNI, maxName)
	b = keyStrings(b, "alpn_sent", a.ALPNSent)
	b = keyString(b, "alpn", a.ALPN, maxName)
	b = keyBool(b, "resumed", a.Resumed)
	b = keyInt(b, "renegotiations", int64(a.Renegotiations))
	b = keyBool(b, "cert_requested", a.CertRequested)
	b = keyBool(b, "cert_sent", a.CertSent)
	b = keyAlert(b, "alert_received", a.AlertReceived)
	b = keyAlert(b, "alert_sent", a.AlertSent)
	b = key(b, "peer")
	if a.Peer == nil {
		return append(b, "null}"...)
	}
	b = append(b, '{')
	b = keyString(b, "subject", a.Peer.Subject, maxName)
	b = keyString(b, "issuer", a.Peer.Issuer, maxName)
	b = keyStrings(b, "sans", a.Peer.SANs)
	b = keyTime(b, "not_after", a.Peer.NotAfter)
	return append(b, "}}"...)
}

func keyAlert(b []byte, name string, alert int) []byte {
	if alert < 0 {
		return append(key(b, name), "null"...)
	}
	return keyInt(b, name, int64(alert))
}

func appendFact(b []byte, f *fact.Fact, start time.Time) []byte {
	b = append(b, '{')
	b = keyMillis(b, "at_ms", max(0, f.At.Sub(start)))
	b = keyString(b, "kind", f.Kind.String(), maxName)
	b = keyString(b, "side", f.Side.String(), maxName)
	b = keyInt(b, "code", int64(f.Code))
	b = keyInt(b, "size", f.Size)
	return append(keyString(b, "text", f.Text, maxName), '}')
}
