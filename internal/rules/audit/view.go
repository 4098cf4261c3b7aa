package audit

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/redact"
)

// view is an exchange as it may be shown: masked and bounded, only what its parts have. Escaping is left to the formats.
type view struct {
	x     *exchange.Exchange
	parts uint32

	client, local netip.AddrPort
	line          string // request line
	uri           string // request target
	query         string
	headers       []exchange.Field // of the request, part B
	args          []exchange.Field // decoded
	body          string           // parts C and I
	reply         []exchange.Field // fields of the answer, part F
	replyBody     string           // part E
	files         []exchange.File  // part J
	messages      []message        // parts H and K
	notes         []string         // what was noted beside the rules: limits, faults
}

// has reports whether the record has one of the parts.
func (v *view) has(letters string) bool { return v.parts&exchange.AuditPart(letters) != 0 }

// end is when the exchange was over.
func (v *view) end() time.Time { return v.x.Start.Add(v.x.Answer.Duration) }

// look makes the view of x.
func (l *Log) look(x *exchange.Exchange) *view {
	w, r, m := &x.WAF, &x.Request, l.cfg.Mask
	v := &view{x: x, parts: w.Audit.Parts.Apply(l.parts) | exchange.AuditPart("AZ")}
	v.addresses()
	v.uri, v.query = cut(m.Target(r.Target), maxURI), cut(m.Query(r.Query), maxURI)
	if r.RawLine != "" {
		v.line = cut(m.Target(r.RawLine), maxURI)
	} else {
		v.line = cut(r.Method, maxName) + " " + v.uri + " " + r.Version()
	}
	v.args = l.arguments(v.args, r.Query)
	if v.has("B") {
		v.headers = l.fields(r.Header)
	}
	if v.has("CI") && l.cfg.Body > 0 {
		v.body = l.body(w.Audit.RequestBody, r.Header.Get("Content-Type"))
		v.args = l.bodyArguments(v.args, w.Audit.RequestBody, r.Header.Get("Content-Type"))
	}
	if v.has("E") && l.cfg.Body > 0 {
		v.replyBody = l.body(w.Audit.ResponseBody, x.Answer.Header.Get("Content-Type"))
	}
	if v.has("F") {
		v.reply = l.fields(x.Answer.Header)
	}
	if v.has("J") {
		v.files = w.Audit.Files[:min(len(w.Audit.Files), maxFiles)]
	}
	l.addMessages(v, w.Matches)
	l.addMessages(v, w.Audit.Unlogged)
	return v
}

// addresses finds out who asked whom. The port is known of the connection's own client alone.
func (v *view) addresses() {
	c := v.x.Client
	if c != nil {
		v.client, v.local = c.Addr, c.Local
	}
	if who := v.x.Address(); who.IsValid() && (c == nil || who.Unmap() != c.Addr.Addr().Unmap()) {
		v.client = netip.AddrPortFrom(who, 0)
	}
	v.client = netip.AddrPortFrom(v.client.Addr().Unmap(), v.client.Port())
	v.local = netip.AddrPortFrom(v.local.Addr().Unmap(), v.local.Port())
}

// address is a as text, "" where it is not known.
func address(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.Addr().String()
}

func (l *Log) fields(h exchange.Header) []exchange.Field {
	out := make([]exchange.Field, 0, min(len(h), maxHeaders))
	for _, f := range h {
		if len(out) == maxHeaders {
			break
		}
		out = append(out, exchange.Field{Name: cut(f.Name, maxName), Value: cut(l.cfg.Mask.Header(f.Name, f.Value), maxValue)})
	}
	return out
}

// arguments appends the names and values of a query or form, decoded.
func (l *Log) arguments(list []exchange.Field, form string) []exchange.Field {
	for form != "" && len(list) < maxArgs {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, l.argument(name, unescape(name), unescape(value)))
	}
	return list
}

// argument is one argument, masked by its name as sent and as meant.
func (l *Log) argument(raw, name, value string) exchange.Field {
	return exchange.Field{Name: cut(l.cfg.Mask.Text(name), maxName), Value: cut(l.value(raw, name, value), maxValue)}
}

// value masks the value of an argument, which may be JSON.
func (l *Log) value(raw, name, value string) string {
	m := l.cfg.Mask
	switch {
	case m.Sensitive(raw) || m.Sensitive(name):
		return masked(value)
	case looksJSON(value):
		return string(l.appendJSONMasked(nil, value))
	}
	return m.Text(value)
}

// masked stands for a secret; nothing stands for nothing.
func masked(s string) string {
	if s == "" {
		return ""
	}
	return string(redact.AppendMask(nil, len(s)))
}

// unescape undoes percent encoding; what is no such is left as it is.
func unescape(s string) string {
	if out, err := url.QueryUnescape(s); err == nil {
		return out
	}
	return s
}

// reasonText is why Lunette ended the exchange itself, with what belongs to it.
func (v *view) reasonText() string {
	a := &v.x.Answer
	if a.Detail == "" {
		return string(a.Reason)
	}
	return string(a.Reason) + ": " + cut(a.Detail, maxName)
}

// decider returns the id of the rule that ended x, or 0.
func decider(x *exchange.Exchange) int {
	id, ok := strings.CutPrefix(x.Answer.Detail, "rule ")
	if !ok || !strings.HasPrefix(string(x.Answer.Reason), "waf.") {
		return 0
	}
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0
	}
	return n
}
