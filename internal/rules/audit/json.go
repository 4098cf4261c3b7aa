package audit

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// The types below are a record in JSON. The names of their members are those of Coraza's audit log; what it lacks stands under lunette.
type (
	jsonRecord struct {
		Transaction jsonTransaction `json:"transaction"`
		Messages    []jsonMessage   `json:"messages,omitempty"`
		Lunette     jsonOwn         `json:"lunette"`
	}
	jsonTransaction struct {
		Timestamp       string        `json:"timestamp"`
		UnixTimestamp   int64         `json:"unix_timestamp"` // nanoseconds
		ID              string        `json:"id"`
		ClientIP        string        `json:"client_ip"`
		ClientPort      int           `json:"client_port"`
		HostIP          string        `json:"host_ip"`
		HostPort        int           `json:"host_port"`
		ServerID        string        `json:"server_id"`
		Request         jsonRequest   `json:"request"`
		Response        *jsonResponse `json:"response,omitempty"`
		Producer        *jsonProducer `json:"producer,omitempty"`
		HighestSeverity string        `json:"highest_severity"`
		IsInterrupted   bool          `json:"is_interrupted"`
	}
	jsonRequest struct {
		Method      string              `json:"method"`
		Protocol    string              `json:"protocol"`
		URI         string              `json:"uri"`
		HTTPVersion string              `json:"http_version"`
		Headers     map[string][]string `json:"headers"`
		Body        string              `json:"body"`
		Files       []jsonFile          `json:"files"`
		Args        map[string][]string `json:"args"`
		Length      int64               `json:"length"`
	}
	jsonFile struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
		Mime string `json:"mime"`
	}
	jsonResponse struct {
		Protocol string              `json:"protocol"`
		Status   int                 `json:"status"`
		Headers  map[string][]string `json:"headers"`
		Body     string              `json:"body"`
	}
	jsonProducer struct {
		Connector  string   `json:"connector"`
		Version    string   `json:"version"`
		Server     string   `json:"server"`
		RuleEngine string   `json:"rule_engine"`
		Stopwatch  string   `json:"stopwatch"`
		Rulesets   []string `json:"rulesets"`
	}
	jsonMessage struct {
		Actionset    string    `json:"actionset"`
		Message      string    `json:"message"`
		ErrorMessage string    `json:"error_message"`
		Data         *jsonData `json:"data"`
	}
	jsonData struct {
		File     string   `json:"file"`
		Line     int      `json:"line"`
		ID       int      `json:"id"`
		Rev      string   `json:"rev"`
		Msg      string   `json:"msg"`
		Data     string   `json:"data"`
		Severity int      `json:"severity"`
		Ver      string   `json:"ver"`
		Maturity int      `json:"maturity"`
		Accuracy int      `json:"accuracy"`
		Tags     []string `json:"tags"`

		Target          string `json:"target"`
		Match           string `json:"match"`
		Transformations string `json:"transformations"`
		Score           int    `json:"score"`
		Paranoia        int    `json:"paranoia"`
	}
	// jsonOwn is what the names of others have no place for.
	jsonOwn struct {
		Site      string   `json:"site"`
		Route     string   `json:"route"`
		Mode      string   `json:"mode"`
		Verdict   string   `json:"verdict"`
		Phase     string   `json:"phase"`
		Score     int      `json:"score"`
		Threshold int      `json:"threshold"`
		Reason    string   `json:"reason"`
		Rules     []int    `json:"rules"`
		Notes     []string `json:"notes"`
	}
)

// appendJSON appends the record of v as one line.
func (l *Log) appendJSON(dst []byte, v *view) []byte {
	return appendObject(dst, jsonRecord{Transaction: l.jsonTransaction(v), Messages: v.jsonMessages(), Lunette: v.own()})
}

// appendObject appends o as one line.
func appendObject(dst []byte, o any) []byte {
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if e.Encode(o) != nil { // our own types: that cannot be
		return dst
	}
	return b.Bytes()
}

func (l *Log) jsonTransaction(v *view) jsonTransaction {
	x := v.x
	at := x.Start.UTC()
	t := jsonTransaction{
		Timestamp: at.Format("2006/01/02 15:04:05"), UnixTimestamp: at.UnixNano(), ID: clean(x.ID),
		ClientIP: address(v.client), ClientPort: int(v.client.Port()), HostIP: address(v.local), HostPort: int(v.local.Port()),
		ServerID: clean(cut(x.Request.Authority, maxName)), HighestSeverity: v.worst(), IsInterrupted: x.WAF.Verdict == "block",
		Request: jsonRequest{
			Method: clean(cut(x.Request.Method, maxName)), Protocol: clean(cut(x.Request.Version(), maxName)), URI: clean(v.uri),
			HTTPVersion: clean(cut(strings.TrimPrefix(x.Request.Version(), "HTTP/"), maxName)),
			Headers:     grouped(v.headers, true), Args: grouped(v.args, false), Body: clean(v.body), Files: []jsonFile{}, Length: x.Answer.BytesIn,
		},
	}
	for _, f := range v.files {
		t.Request.Files = append(t.Request.Files, jsonFile{Name: clean(cut(f.Name, maxName)), Size: f.Size, Mime: clean(cut(f.Type, maxName))})
	}
	if v.has("EF") {
		t.Response = &jsonResponse{Protocol: x.Request.Proto.String(), Status: x.Answer.Status, Headers: grouped(v.reply, true), Body: clean(v.replyBody)}
	}
	if v.has("H") {
		t.Producer = &jsonProducer{Connector: "Lunette", Version: l.cfg.Version, RuleEngine: v.engine(), Stopwatch: v.stopwatch(), Rulesets: v.rulesets()}
	}
	return t
}

// grouped gathers fields by name, in lower case where names have no case.
func grouped(list []exchange.Field, fold bool) map[string][]string {
	out := make(map[string][]string, len(list))
	for _, f := range list {
		name := f.Name
		if fold {
			name = strings.ToLower(name)
		}
		name = clean(name)
		out[name] = append(out[name], clean(f.Value))
	}
	return out
}

// stopwatch says when the exchange began and how long it and its rules took, in microseconds.
func (v *view) stopwatch() string {
	return strconv.FormatInt(v.x.Start.UnixMicro(), 10) + " " + strconv.FormatInt(v.x.Answer.Duration.Microseconds(), 10) +
		"; combined=" + strconv.FormatInt(v.x.WAF.Spent.Microseconds(), 10)
}

// jsonMessages returns the messages: with part K all of them, with H alone just their sentences.
func (v *view) jsonMessages() []jsonMessage {
	if !v.has("HK") {
		return nil
	}
	out := make([]jsonMessage, 0, len(v.messages))
	for i := range v.messages {
		m := &v.messages[i]
		o := jsonMessage{}
		if v.has("H") {
			o.ErrorMessage = string(v.appendMessage(nil, m))
		}
		if v.has("K") {
			o.Actionset, o.Message, o.Data = clean(m.Ver), clean(m.Message), m.data()
		}
		out = append(out, o)
	}
	return out
}

func (m *message) data() *jsonData {
	d := &jsonData{
		File: clean(m.File), Line: m.Line, ID: m.ID, Rev: clean(m.Rev), Msg: clean(m.Message), Data: clean(m.Data), Severity: severityNumber(m.Severity),
		Ver: clean(m.Ver), Maturity: m.Maturity, Accuracy: m.Accuracy, Tags: make([]string, 0, len(m.Tags)),
		Target: clean(m.Target), Match: clean(m.Part), Transformations: m.Transformations, Score: m.Score, Paranoia: m.Paranoia,
	}
	for _, t := range m.Tags {
		d.Tags = append(d.Tags, clean(t))
	}
	return d
}

func (v *view) own() jsonOwn {
	w := &v.x.WAF
	o := jsonOwn{
		Site: clean(v.x.Site), Route: clean(v.x.Route), Mode: w.Mode, Verdict: w.Verdict, Phase: w.Phase, Score: w.Score, Threshold: w.Threshold,
		Reason: clean(v.reasonText()), Rules: w.Rules[:min(len(w.Rules), maxRules)], Notes: make([]string, 0, len(v.notes)),
	}
	if o.Rules == nil {
		o.Rules = []int{}
	}
	for _, n := range v.notes {
		o.Notes = append(o.Notes, clean(n))
	}
	return o
}
