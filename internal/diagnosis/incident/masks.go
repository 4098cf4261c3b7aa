package incident

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// masks takes out of documents what visitors sent, and remembers what that was, so that no sentence tells it either.
type masks struct {
	targets *targets
	spared  []string        // what sentences need: names of site and origin, ids
	secrets map[string]bool // values that were masked
	replace *strings.Replacer
}

const (
	leastSecret = 6    // bytes; what is shorter would be found everywhere
	mostSecrets = 4096 // that sentences are searched for
	mostValue   = 256  // bytes of a field that is kept
)

func newMasks(d *Document) *masks {
	return &masks{targets: newTargets(), spared: []string{d.Incident.Site, d.Incident.Origin, d.Incident.ID, d.Sample.Request}, secrets: map[string]bool{}}
}

// mask is masked, and remembers.
func (m *masks) mask(text string) string {
	if len(text) >= leastSecret && !isMask(text) && len(m.secrets) < mostSecrets && !slices.ContainsFunc(m.spared, func(s string) bool { return strings.Contains(s, text) }) {
		m.secrets[text] = true
	}
	return masked(text)
}

// short is a target of which sentences may tell no more than here.
func (m *masks) short(target string) string {
	out := short(target)
	if out != target && len(target) >= leastSecret && len(m.secrets) < mostSecrets && !strings.Contains(target, "[masked ") {
		m.secrets[target] = true
	}
	return out
}

// settle ends remembering: texts are searched for what is known now.
func (m *masks) settle() {
	all := make([]string, 0, len(m.secrets))
	for s := range m.secrets {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // the longest first: it is tried first
	pairs := make([]string, 0, 2*len(all))
	for _, s := range all {
		to := masked(s)
		if strings.HasPrefix(s, "/") || strings.Contains(s, "://") {
			to = short(s)
		}
		pairs = append(pairs, s, to)
	}
	m.replace = strings.NewReplacer(pairs...)
}

// text is a sentence without what was masked elsewhere, without queries, and with the first part of paths.
func (m *masks) text(text string) string {
	return m.targets.shortened(m.replace.Replace(WithoutQueries(text)))
}

// field is the value of a header field as it may be told: those that say how software talks, and nothing of who talks; of schemes of
// authentication the name.
func (m *masks) field(name, value string) string {
	name = strings.ToLower(name)
	switch {
	case len(value) > mostValue:
	case slices.Contains([]string{":authority", ":scheme", ":method", ":status", "host", "connection", "keep-alive", "proxy-connection", "content-length", "content-type", "content-encoding", "content-language",
		"transfer-encoding", "te", "trailer", "upgrade", "upgrade-insecure-requests", "expect", "server", "date", "age", "expires", "last-modified", "cache-control", "pragma", "vary", "allow", "retry-after",
		"http2-settings", "alt-svc", "strict-transport-security", "x-powered-by", "x-aspnet-version", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "sec-websocket-version",
		"sec-websocket-extensions", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user", "max-forwards", "priority"}, name), strings.HasPrefix(name, "accept"):
		return value
	case name == ":path":
		return m.short(value)
	case name == "www-authenticate" || name == "proxy-authenticate":
		if scheme, rest, more := strings.Cut(value, " "); slices.Contains([]string{"basic", "bearer", "digest", "negotiate", "ntlm"}, strings.ToLower(scheme)) {
			if more {
				scheme += " " + m.mask(rest)
			}
			return scheme
		}
	case name == "x-request-id" && slices.Contains(m.spared, value):
		return value
	}
	return m.mask(value)
}

// tree masks header fields that may tell of somebody, each text of a body, the values of cookies, queries, and paths.
func (m *masks) tree(v any, under string) {
	switch v := v.(type) {
	case map[string]any:
		m.pair(v, under)
		for name, x := range v {
			text, isText := x.(string)
			switch {
			case !isText:
				m.tree(x, name)
			case name == "text" && (under == "content" || under == "postData"), name == "hint", name == "redirectURL", name == "message" && v["format"] != nil,
				name == "client" && v["format"] != nil, name == "fileName":
				v[name] = m.mask(text)
			case name == "path" && under == "cookies", name == "url", name == "target":
				v[name] = m.short(text)
			case name == "phrase", name == "statusText":
				v[name] = m.phrase(v["status"], text)
			}
		}
	case []any:
		for _, x := range v {
			m.tree(x, under)
		}
	}
}

// pair masks the value of a header field, a cookie or a parameter; of a parameter the name too: a query without "=" is nothing else.
func (m *masks) pair(v map[string]any, under string) {
	name, isName := v["name"].(string)
	value, isValue := v["value"].(string)
	switch {
	case !isName || !isValue:
	case under == "headers" || under == "fields":
		v["value"] = m.field(name, value)
	case under == "queryString" || under == "params":
		v["name"], v["value"] = m.mask(name), m.mask(value)
	case under == "cookies":
		v["value"] = m.mask(value)
	}
}

// phrase is the text of a status where it is the usual one.
func (m *masks) phrase(status any, text string) string {
	n := 0
	switch s := status.(type) {
	case float64:
		n = int(s)
	case interface{ String() string }:
		n, _ = strconv.Atoi(s.String())
	}
	if strings.EqualFold(text, http.StatusText(n)) {
		return text
	}
	return m.mask(text)
}

// texts passes the sentences within v through text.
func (m *masks) texts(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			text, isText := x.(string)
			switch {
			case !isText && name == "_broken":
				if all, _ := x.([]any); all != nil {
					for i := range all {
						if s, ok := all[i].(string); ok {
							all[i] = m.text(s)
						}
					}
				}
			case !isText:
				m.texts(x)
			case slices.Contains([]string{"text", "comment", "_error", "detail", "debug"}, name):
				v[name] = m.text(text)
			}
		}
	case []any:
		for _, x := range v {
			m.texts(x)
		}
	}
}
