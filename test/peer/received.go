package peer

import (
	"encoding/json"
	"strings"
	"testing"
)

// Received is one request as an origin read it: nginx and Node show the fields as they came, Apache joins those of one
// name into a list and shows no body, Tomcat writes names in lower case and groups them.
type Received struct {
	Method string      `json:"method"`
	Target string      `json:"target"`
	Header [][2]string `json:"header"` // name and value, in order
	Body   []byte      `json:"body"`   // nil where the origin's log has none (Apache)
}

// Get returns the value of the first field called name, or "".
func (r Received) Get(name string) string {
	for _, f := range r.Header {
		if strings.EqualFold(f[0], name) {
			return f[1]
		}
	}
	return ""
}

// Received returns the requests that an [EchoOrigin] or any [Apache] has written down so far.
func (s *Server) Received(t testing.TB) []Received {
	t.Helper()
	var out []Received
	for line := range strings.Lines(s.Log("requests.log")) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		var r struct {
			Received
			Raw, Text string // nginx: the head as it was read, the body as text
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s wrote %q: %v", s.Name, line, err)
		}
		if r.Raw != "" {
			r.Received = rawHead(r.Raw)
			r.Body = []byte(r.Text)
		}
		out = append(out, r.Received)
	}
	for line := range strings.Lines(s.Log("forensic.log")) {
		if r, ok := forensic(strings.TrimSuffix(line, "\n")); ok && strings.HasSuffix(line, "\n") {
			out = append(out, r)
		}
	}
	return out
}

// rawHead splits a head as it came over the wire.
func rawHead(head string) Received {
	var r Received
	first, rest, _ := strings.Cut(head, "\n")
	r.Method, r.Target, _ = strings.Cut(strings.TrimRight(first, "\r"), " ")
	r.Target, _, _ = strings.Cut(r.Target, " HTTP/")
	for line := range strings.Lines(rest) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			r.Header = append(r.Header, [2]string{name, strings.Trim(value, " \t")})
		}
	}
	return r
}

// forensic reads one line of mod_log_forensic: "+id|request line|name:value|…"; a line that begins with "-" ends a request.
func forensic(line string) (Received, bool) {
	rest, ok := strings.CutPrefix(line, "+")
	parts := strings.Split(rest, "|")
	if !ok || len(parts) < 2 {
		return Received{}, false
	}
	var r Received
	r.Method, r.Target, _ = strings.Cut(unescapeForensic(parts[1]), " ")
	r.Target, _, _ = strings.Cut(r.Target, " HTTP/")
	for _, field := range parts[2:] {
		name, value, _ := strings.Cut(field, ":")
		r.Header = append(r.Header, [2]string{unescapeForensic(name), unescapeForensic(value)})
	}
	return r, true
}

// unescapeForensic undoes %xx, which mod_log_forensic writes for control characters, "|", ":" and "%".
func unescapeForensic(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := strings.IndexByte("0123456789abcdef", s[i+1]|0x20), strings.IndexByte("0123456789abcdef", s[i+2]|0x20)
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
