package audit

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// The types below are an event of the Open Cybersecurity Schema Framework: class HTTP Activity (4002) with the profile security_control, in
// which a firewall says what it saw and did. schema is the version that they are made for.
type (
	ocsfEvent struct {
		ActivityID   int              `json:"activity_id"`
		ActivityName string           `json:"activity_name"`
		CategoryUID  int              `json:"category_uid"`
		CategoryName string           `json:"category_name"`
		ClassUID     int              `json:"class_uid"`
		ClassName    string           `json:"class_name"`
		TypeUID      int              `json:"type_uid"`
		TypeName     string           `json:"type_name"`
		Time         int64            `json:"time"` // ms
		StartTime    int64            `json:"start_time"`
		EndTime      int64            `json:"end_time"`
		Duration     int64            `json:"duration"`
		TimezoneOff  int              `json:"timezone_offset"`
		SeverityID   int              `json:"severity_id"`
		Severity     string           `json:"severity"`
		StatusID     int              `json:"status_id"`
		Status       string           `json:"status"`
		StatusCode   string           `json:"status_code"`
		StatusDetail string           `json:"status_detail,omitempty"`
		ActionID     int              `json:"action_id"`
		Action       string           `json:"action"`
		DispositID   int              `json:"disposition_id"`
		Disposition  string           `json:"disposition"`
		Message      string           `json:"message"`
		Metadata     ocsfMetadata     `json:"metadata"`
		Source       ocsfEndpoint     `json:"src_endpoint"`
		Destination  ocsfEndpoint     `json:"dst_endpoint"`
		Request      ocsfRequest      `json:"http_request"`
		Response     ocsfResponse     `json:"http_response"`
		TLS          *ocsfTLS         `json:"tls,omitempty"`
		Traffic      ocsfTraffic      `json:"traffic"`
		Rule         *ocsfRule        `json:"firewall_rule,omitempty"`
		Enrichments  []ocsfEnrichment `json:"enrichments,omitempty"`
		Observables  []ocsfObservable `json:"observables,omitempty"`
		Unmapped     jsonOwn          `json:"unmapped"`
	}
	ocsfMetadata struct {
		Version      string      `json:"version"`
		Product      ocsfProduct `json:"product"`
		Profiles     []string    `json:"profiles"`
		UID          string      `json:"uid"`
		LogName      string      `json:"log_name"`
		LogProvider  string      `json:"log_provider"`
		OriginalTime string      `json:"original_time"`
	}
	ocsfProduct struct {
		Name       string `json:"name"`
		VendorName string `json:"vendor_name"`
		Version    string `json:"version,omitempty"`
	}
	ocsfEndpoint struct {
		IP       string `json:"ip,omitempty"`
		Port     uint16 `json:"port,omitempty"`
		Hostname string `json:"hostname,omitempty"`
		Name     string `json:"name,omitempty"`
	}
	ocsfHeader struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	ocsfURL struct {
		Scheme   string `json:"scheme,omitempty"`
		Hostname string `json:"hostname,omitempty"`
		Port     uint16 `json:"port,omitempty"`
		Path     string `json:"path"`
		Query    string `json:"query_string,omitempty"`
		Text     string `json:"url_string"`
	}
	ocsfRequest struct {
		UID       string       `json:"uid"`
		Method    string       `json:"http_method,omitempty"`
		Version   string       `json:"version"`
		URL       ocsfURL      `json:"url"`
		Args      string       `json:"args,omitempty"`
		UserAgent string       `json:"user_agent,omitempty"`
		Referrer  string       `json:"referrer,omitempty"`
		Headers   []ocsfHeader `json:"http_headers,omitempty"`
		Length    int64        `json:"length"`
	}
	ocsfResponse struct {
		Code        int          `json:"code"`
		ContentType string       `json:"content_type,omitempty"`
		Headers     []ocsfHeader `json:"http_headers,omitempty"`
		Length      int64        `json:"length"`
		Latency     int64        `json:"latency"`
	}
	ocsfTLS struct {
		Version string `json:"version"`
		SNI     string `json:"sni,omitempty"`
	}
	ocsfTraffic struct {
		In  int64 `json:"bytes_in"`
		Out int64 `json:"bytes_out"`
	}
	ocsfRule struct {
		UID      string   `json:"uid"`
		Name     string   `json:"name"`
		Desc     string   `json:"desc,omitempty"`
		Category string   `json:"category,omitempty"`
		Type     string   `json:"type"`
		Version  string   `json:"version,omitempty"`
		Location string   `json:"match_location,omitempty"`
		Details  []string `json:"match_details,omitempty"`
	}
	ocsfEnrichment struct {
		Name     string    `json:"name"`
		Value    string    `json:"value"`
		Type     string    `json:"type"`
		Provider string    `json:"provider"`
		Data     *jsonData `json:"data"`
	}
	ocsfObservable struct {
		Name   string `json:"name"`
		Type   string `json:"type"`
		TypeID int    `json:"type_id"`
		Value  string `json:"value"`
	}
)

// schema is the version of OCSF.
const schema = "1.2.0"

// appendOCSF appends the record of v as one event on one line.
func (l *Log) appendOCSF(dst []byte, v *view) []byte {
	x := v.x
	e := ocsfEvent{
		CategoryUID: 4, CategoryName: "Network Activity", ClassUID: 4002, ClassName: "HTTP Activity",
		Time: x.Start.UnixMilli(), StartTime: x.Start.UnixMilli(), EndTime: v.end().UnixMilli(), Duration: x.Answer.Duration.Milliseconds(),
		StatusCode: strconv.Itoa(x.Answer.Status), StatusDetail: clean(v.reasonText()), Message: v.headline(),
		Metadata: ocsfMetadata{
			Version: schema, Product: ocsfProduct{Name: "Lunette", VendorName: "Lunette", Version: l.cfg.Version}, Profiles: []string{"security_control"},
			UID: clean(x.ID), LogName: "audit_log", LogProvider: "Lunette", OriginalTime: x.Start.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		},
		Source: endpoint(v.client), Destination: endpoint(v.local), Request: v.ocsfRequest(), TLS: v.ocsfTLS(),
		Response: ocsfResponse{
			Code: x.Answer.Status, ContentType: clean(value(v.reply, "Content-Type")), Headers: ocsfHeaders(v.reply),
			Length: x.Answer.BytesOut, Latency: x.Answer.First.Milliseconds(),
		},
		Traffic: ocsfTraffic{In: x.Answer.BytesIn, Out: x.Answer.BytesOut}, Unmapped: v.own(),
	}
	e.ActivityID, e.ActivityName = activity(x.Request.Method)
	e.TypeUID, e.TypeName = 100*e.ClassUID+e.ActivityID, "HTTP Activity: "+e.ActivityName
	e.SeverityID, e.Severity = severity(v.worst())
	e.outcome(x)
	e.Destination.Hostname, _ = hostPort(x.Request.Authority)
	e.Destination.Name = clean(x.Site)
	if v.has("HK") {
		e.rules(v)
	}
	e.observe()
	return appendObject(dst, e)
}

// activity maps a method to activity_id.
func activity(method string) (id int, name string) {
	for i, m := range []string{"Connect", "Delete", "Get", "Head", "Options", "Post", "Put", "Trace"} {
		if strings.ToUpper(m) == method {
			return i + 1, m
		}
	}
	return 99, "Other"
}

// severity maps a severity of rules to severity_id. What no rule found is informational.
func severity(name string) (id int, caption string) {
	switch name {
	case "emergency":
		return 6, "Fatal"
	case "alert", "critical":
		return 5, "Critical"
	case "error":
		return 4, "High"
	case "warning":
		return 3, "Medium"
	case "notice":
		return 2, "Low"
	}
	return 1, "Informational"
}

// outcome says what became of the request: whether it was let through, what rules did, and whether it was answered well.
func (e *ocsfEvent) outcome(x *exchange.Exchange) {
	e.StatusID, e.Status = 1, "Success"
	if x.Answer.Status >= 400 || x.Answer.Status == 0 || x.Answer.Reason != "" {
		e.StatusID, e.Status = 2, "Failure"
	}
	e.ActionID, e.Action = 1, "Allowed"
	switch {
	case x.WAF.Verdict == "block":
		e.ActionID, e.Action, e.DispositID, e.Disposition = 2, "Denied", 2, "Blocked"
	case denied(x):
		e.ActionID, e.Action, e.DispositID, e.Disposition = 2, "Denied", 27, "Error"
	case x.Refused != nil:
		e.ActionID, e.Action, e.DispositID, e.Disposition = 2, "Denied", 25, "Rejected"
	case x.WAF.Verdict == "detect":
		e.DispositID, e.Disposition = 15, "Detected"
	case len(x.WAF.Matches) > 0:
		e.DispositID, e.Disposition = 17, "Logged"
	default:
		e.DispositID, e.Disposition = 1, "Allowed"
	}
}

// headline is the one sentence of the event.
func (v *view) headline() string {
	what := "Passed"
	switch {
	case v.x.WAF.Verdict == "detect":
		what = "Would have been blocked"
	case denied(v.x):
		what = "Blocked"
	case v.x.Refused != nil:
		what = "Refused"
	}
	switch m := v.chief(); {
	case m != nil:
		return what + ": " + clean(m.Message)
	case len(v.notes) > 0:
		return what + ": " + clean(v.notes[0])
	}
	return what
}

// chief is the message that says most: that of the rule that decided by itself, else of the worst that matched first. Rules that keep the
// books say little.
func (v *view) chief() *message {
	var best *message
	rank := func(m *message) int {
		n := severityNumber(m.Severity)
		if n < 0 {
			n = len(severities())
		}
		if !m.Scoring {
			n += 10
		}
		return n
	}
	for i := range v.messages {
		m := &v.messages[i]
		if m.decides && (m.ID/1000 != 949 && m.ID/1000 != 959) {
			return m
		}
		if best == nil || rank(m) < rank(best) {
			best = m
		}
	}
	return best
}

func endpoint(a netip.AddrPort) ocsfEndpoint { return ocsfEndpoint{IP: address(a), Port: a.Port()} }

// hostPort takes an authority apart; "" for a host that is no name or address.
func hostPort(authority string) (host string, port uint16) {
	host, text := authority, ""
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		host, text = authority[:i], authority[i+1:]
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err == nil {
		port = uint16(n)
	}
	host = strings.Trim(host, "[]")
	if _, err := netip.ParseAddr(host); err == nil {
		return host, port
	}
	if host == "" || len(host) > 253 || strings.Trim(strings.ToLower(host), "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" {
		return "", port
	}
	return host, port
}

func (v *view) ocsfRequest() ocsfRequest {
	x := v.x
	r := &x.Request
	path, _, _ := strings.Cut(v.uri, "?")
	out := ocsfRequest{
		UID: clean(x.ID), Version: clean(cut(strings.TrimPrefix(r.Version(), "HTTP/"), maxName)), Args: clean(v.query), Length: x.Answer.BytesIn,
		UserAgent: clean(value(v.headers, "User-Agent")), Referrer: clean(value(v.headers, "Referer")), Headers: ocsfHeaders(v.headers),
		URL: ocsfURL{Scheme: r.Scheme, Path: clean(path), Query: clean(v.query), Text: clean(v.uri)},
	}
	if id, _ := activity(r.Method); id != 99 {
		out.Method = r.Method
	}
	out.URL.Hostname, out.URL.Port = hostPort(r.Authority)
	if out.URL.Hostname != "" && strings.HasPrefix(v.uri, "/") {
		out.URL.Text = clean(r.Scheme + "://" + cut(r.Authority, maxName) + v.uri)
	}
	return out
}

func value(list []exchange.Field, name string) string { return exchange.Header(list).Get(name) }

func ocsfHeaders(list []exchange.Field) (out []ocsfHeader) {
	for _, f := range list {
		out = append(out, ocsfHeader{Name: clean(f.Name), Value: clean(f.Value)})
	}
	return out
}

func (v *view) ocsfTLS() *ocsfTLS {
	c := v.x.Client
	if c == nil || c.TLS == nil {
		return nil
	}
	names := map[uint16]string{0x301: "1.0", 0x302: "1.1", 0x303: "1.2", 0x304: "1.3"}
	return &ocsfTLS{Version: names[c.TLS.Version], SNI: clean(cut(c.TLS.ServerName, maxName))}
}

// rules adds the rule that says most as firewall_rule, and all of them as enrichments.
func (e *ocsfEvent) rules(v *view) {
	if m := v.chief(); m != nil {
		e.Rule = &ocsfRule{UID: strconv.Itoa(m.ID), Name: clean(m.Message), Desc: clean(m.Data), Type: "SecLang", Version: clean(m.Ver), Location: clean(m.Target)}
		if e.Rule.Name == "" {
			e.Rule.Name = "rule " + e.Rule.UID
		}
		if m.Part != "" {
			e.Rule.Details = []string{clean(m.Part)}
		}
		for _, t := range m.Tags {
			if strings.HasPrefix(t, "attack-") {
				e.Rule.Category = clean(t)
				break
			}
		}
	}
	for i := range v.messages {
		m := &v.messages[i]
		e.Enrichments = append(e.Enrichments, ocsfEnrichment{
			Name: "firewall_rule.uid", Value: strconv.Itoa(m.ID), Type: "rule", Provider: "Lunette", Data: m.data(),
		})
	}
}

// observe lists what an analyst searches for across events.
func (e *ocsfEvent) observe() {
	for _, o := range []ocsfObservable{
		{"src_endpoint.ip", "IP Address", 2, e.Source.IP}, {"dst_endpoint.hostname", "Hostname", 1, e.Destination.Hostname},
		{"http_request.url.url_string", "URL String", 6, e.Request.URL.Text}, {"http_request.user_agent", "HTTP User-Agent", 16, e.Request.UserAgent},
	} {
		if o.Value != "" {
			e.Observables = append(e.Observables, o)
		}
	}
}
