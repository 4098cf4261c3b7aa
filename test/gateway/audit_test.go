package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// auditRecord is what tests read of a record in JSON.
type auditRecord struct {
	Transaction struct {
		ID          string
		ClientIP    string `json:"client_ip"`
		Interrupted bool   `json:"is_interrupted"`
		Request     struct {
			Method, URI, Body string
			Headers, Args     map[string][]string
		}
		Response struct {
			Status  int
			Headers map[string][]string
			Body    string
		}
		Producer struct{ Rulesets []string }
	}
	Messages []struct {
		Data struct {
			ID, Line  int
			File, Msg string
		}
	}
	Lunette struct{ Site, Verdict, Reason string }
}

// records reads an audit log in JSON.
func records(t *testing.T, file string) (out []auditRecord) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var r auditRecord
		if err := json.Unmarshal(line, &r); err != nil || !bytes.HasSuffix(line, []byte("}\n")) {
			t.Fatalf("%v in %q", err, line)
		}
		out = append(out, r)
	}
	return out
}

// auditSites are a site that blocks and one that only detects, in front of one origin, with rules of their own, and with the Core Rule Set
// where it matters: it takes its time to compile.
func auditSites(t *testing.T, setting string, core bool) (yaml, file string) {
	t.Helper()
	s := newGoOrigin(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Set-Cookie", "sid=n3w5ecr3t")
		fmt.Fprint(w, `{"hello":"you","token":"deadbeef"}`)
	})
	s.Start()
	t.Cleanup(s.Close)
	dir := t.TempDir()
	rules := filepath.Join(dir, "own.conf")
	text := `SecRule ARGS:own "@streq parts" "id:100,phase:1,pass,nolog,ctl:auditLogParts=+E,ctl:auditLogParts=-H"
SecRule ARGS:own "@streq off" "id:101,phase:1,pass,nolog,ctl:auditEngine=Off"
SecRule ARGS:own "@streq on" "id:102,phase:1,pass,nolog,ctl:auditEngine=On"
SecRule ARGS:own "@streq quiet" "id:103,phase:1,pass,nolog,auditlog,msg:'seen'"
SecRule ARGS:own "@streq silent" "id:104,phase:1,deny,noauditlog,msg:'not to be told'"
`
	if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	yaml = "listen:\n  - {address: \"127.0.0.1:0\"}\ndrain_timeout: 5s\n" + setting + "sites:\n"
	for _, mode := range []string{"block", "detect"} {
		yaml += fmt.Sprintf("  - {names: [%s.test], origin: {urls: [%q]}, waf: {mode: %s, core_rules: %v, rules: [%s], inspect_responses: true}}\n", mode, s.URL, mode, core, rules)
	}
	return yaml, filepath.Join(dir, "audit.log")
}

// asks sends a request over plain HTTP.
func (g *gateway) asks(t *testing.T, method, host, target, body string) answer {
	t.Helper()
	field := []string{"Host", host, "Cookie", "sid=5ecr3t", "User-Agent", "Mozilla/5.0", "Accept", "*/*"}
	if body != "" {
		field = append(field, "Content-Type", "application/x-www-form-urlencoded")
	}
	return do(t, http.DefaultClient, method, "http://"+g.Addrs()[0]+target, strings.NewReader(body), field...)
}

const attack = "q=1%27+OR+%271%27%3D%271%27+UNION+SELECT+password+FROM+users--+"

func TestAuditLog(t *testing.T) {
	t.Parallel()
	yaml, file := auditSites(t, "", true)
	g := start(t, fmt.Sprintf("audit_log: {file: %s, parts: ABCFHJKZ, body: 1KiB}\n", file)+yaml)
	for _, c := range []struct {
		host, target, body string
		status             int
	}{
		{"block.test", "/clean?q=shoes", "", 200}, {"block.test", "/blocked?token=hunter2", attack + "&password=hunter2", 403},
		{"detect.test", "/detected?" + attack, "", 200}, {"block.test", "/parts?own=parts&" + attack, "", 403}, {"block.test", "/off?own=off&" + attack, "", 403},
		{"block.test", "/on?own=on", "", 200}, {"block.test", "/quiet?own=quiet", "", 200}, {"block.test", "/silent?own=silent", "", 403},
		{"detect.test", "/answer?own=parts&" + attack, "", 200},
	} {
		method := "GET"
		if c.body != "" {
			method = "POST"
		}
		if a := g.asks(t, method, c.host, c.target, c.body); a.status != c.status {
			t.Errorf("%s: %d, want %d", c.target, a.status, c.status)
		}
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	byPath := map[string]auditRecord{}
	for _, r := range records(t, file) {
		path, _, _ := strings.Cut(r.Transaction.Request.URI, "?")
		byPath[path] = r
	}
	for _, c := range []struct {
		path, verdict string
		rules         []int // at least
		status        int
		head          bool // part H
	}{
		{"/blocked", "block", []int{942100, 949110}, 403, true}, {"/detected", "detect", []int{942100, 949110}, 200, true},
		{"/parts", "block", []int{942100}, 403, false}, {"/on", "pass", nil, 200, true}, {"/quiet", "pass", []int{103}, 200, true},
		{"/answer", "detect", []int{942100}, 200, false},
	} {
		r, ok := byPath[c.path]
		delete(byPath, c.path)
		if !ok || r.Lunette.Verdict != c.verdict || r.Transaction.Response.Status != c.status || r.Transaction.Interrupted != (c.verdict == "block") ||
			r.Transaction.ClientIP != "127.0.0.1" || c.head && r.Transaction.Request.Headers["user-agent"] == nil {
			t.Errorf("%s: %v %+v", c.path, ok, r)
		}
		seen := map[int]bool{}
		for _, m := range r.Messages {
			seen[m.Data.ID] = true
			if m.Data.Line == 0 || m.Data.File == "" {
				t.Errorf("%s: rule %d stands nowhere", c.path, m.Data.ID)
			}
		}
		for _, id := range c.rules {
			if !seen[id] {
				t.Errorf("%s: rule %d is not among %+v", c.path, id, r.Messages)
			}
		}
		if got := r.Transaction.Producer.Rulesets != nil; got != c.head {
			t.Errorf("%s: a producer: %v", c.path, got)
		}
		switch c.path {
		case "/blocked":
			if b := r.Transaction.Request.Body; b != attack+"&password=[masked 7 bytes]" {
				t.Errorf("body %q", b)
			}
		case "/answer":
			if b := r.Transaction.Response.Body; b != `{"hello":"you","token":"[masked 10 bytes]"}` {
				t.Errorf("answer %q", b)
			}
		default:
			if r.Transaction.Response.Body != "" {
				t.Errorf("%s: answer %q", c.path, r.Transaction.Response.Body)
			}
		}
	}
	if len(byPath) > 0 {
		t.Errorf("logged besides: %+v", byPath)
	}
	all, _ := os.ReadFile(file)
	for _, s := range []string{"hunter2", "5ecr3t", "deadbeef"} {
		if bytes.Contains(all, []byte(s)) {
			t.Errorf("%s is in the log", s)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// TestAuditLogOfRefusedRequests: what never becomes a well-formed request is there with what rules say of it, on one line.
func TestAuditLogOfRefusedRequests(t *testing.T) {
	t.Parallel()
	yaml, file := auditSites(t, "", false)
	g := start(t, fmt.Sprintf("audit_log: {file: %s}\n", file)+yaml)
	c, err := net.Dial("tcp", g.Addrs()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /refused?password=hunter2&own=quiet HTTP/1.1\nHost: block.test\nUser-Agent: x\n\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.HasPrefix(got, []byte("HTTP/1.1 400 ")) {
		t.Fatalf("%v %q", err, got)
	}
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	all := records(t, file)
	if len(all) != 1 {
		t.Fatalf("%d records: %+v", len(all), all)
	}
	r := all[0]
	if len(r.Messages) == 0 || r.Transaction.Response.Status != 400 || !strings.HasPrefix(r.Lunette.Reason, "http1.") || strings.Contains(r.Transaction.Request.URI, "hunter2") {
		t.Errorf("%+v", r)
	}
}

// TestAuditLogRotates moves the file away: no record is lost, torn or written twice.
func TestAuditLogRotates(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "ocsf", "native"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			yaml, file := auditSites(t, "", false)
			g := start(t, fmt.Sprintf("audit_log: {file: %s, when: all, format: %s}\n", file, format)+yaml)
			const n = 6
			for i := range n {
				path := fmt.Sprintf("/%d", i)
				g.asks(t, "GET", "detect.test", path, "")
				g.log.path(t, path)
				if i%2 == 1 {
					if err := os.Rename(file, fmt.Sprint(file, ".", i)); err != nil {
						t.Fatal(err)
					}
					g.Reopen(context.Background())
				}
			}
			if err := g.stop(); err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(file + "*")
			if len(files) != 1+n/2 {
				t.Errorf("files %q", files)
			}
			seen := ""
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				seen += string(b)
			}
			for i := range n {
				want := map[string]string{"json": `"uri":"/%d"`, "ocsf": `"path":"/%d"`, "native": "\nGET /%d HTTP/1.1\n"}[format]
				if c := strings.Count(seen, fmt.Sprintf(want, i)); c != 1 {
					t.Errorf("request %d stands %d times in %s", i, c, seen)
				}
			}
		})
	}
}

// TestAuditLogOnAFullDisk: requests are served as ever, and it is said once.
func TestAuditLogOnAFullDisk(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	yaml, _ := auditSites(t, "audit_log: {file: /dev/full, when: all}\n", false)
	g := &gateway{t: t, file: filepath.Join(t.TempDir(), "lunette.yaml"), log: newAccessLog(), oper: new(lockedBuffer)}
	g.write(yaml)
	var err error
	if g.App, err = app.New(g.file, app.Options{Version: "test", Log: g.oper, Access: g.log}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	for i := range 200 {
		if a := g.asks(t, "GET", "block.test", fmt.Sprintf("/full?i=%d", i), ""); a.status != 200 {
			t.Fatalf("request %d: %d", i, a.status)
		}
	}
	g.log.all(t, 200, func(r *telemetry.Record) bool { return r.Request.Path == "/full" })
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "close audit log: ") || !strings.Contains(err.Error(), "are lost") {
		t.Errorf("stopped with %v", err)
	}
	if n := strings.Count(g.oper.String(), "the audit log cannot be written"); n != 1 {
		t.Errorf("said %d times in\n%s", n, g.oper)
	}
}
