package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/store"
)

// learnedDoc is a profile as it is stored: of an IIS that renegotiates and changed its certificate.
const learnedDoc = `{"format":1,"site":"%s","url":"https://10.0.0.%d","first":"2026-03-01T12:00:00Z","last":"2026-03-02T12:00:00Z","requests":120,"connections":7,
"statuses":[0,0,118,0,2,0],"server":"Microsoft-IIS/10.0","tls_versions":{"seen":5,"members":[{"value":"TLS 1.2","state":"current","count":5}]},
"tls_ceiling":"TLS 1.2","tls_offered":"TLS 1.3","full_handshakes":5,"resumed_handshakes":2,"secure_renegotiation":"yes",
"renegotiation":{"count":3,"last":"2026-03-02T12:00:00Z","paths":[{"path":"/login","count":3}]},"client_certificate":{"renegotiation":3},
"idle_close":{"at_least_ns":900000000,"at_most_ns":1100000000,"closures":9},
"events":[{"at":"2026-03-02T10:00:00Z","site":"%[1]s","origin":"https://10.0.0.%[2]d","kind":"certificate_changed","text":"the \u001b[31mcertificate changed","advice":"look at it"}]}`

func learnedStore(t *testing.T) (folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "incidents")
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, site := range []string{"www.a.test", "www.b.test"} {
		if err := s.PutProfile(t.Context(), site, fmt.Sprintf("https://10.0.0.%d", i+1), fmt.Appendf(nil, learnedDoc, site, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func runOrigins(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Main(t.Context(), append([]string{"origins"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestOrigins(t *testing.T) {
	folder := learnedStore(t)
	live := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/origins" || r.Header.Get("Authorization") != "Bearer 0123456789abcdef" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, `{"at":"2026-03-02T12:00:05Z","source":"gateway","origins":[`+learnedDoc+`]}`, "live.test", 9)
	}))
	defer live.Close()
	config := func(admin, folder string) string {
		text := "listen: [{address: \"127.0.0.1:0\"}]\nsites:\n  - names: [www.a.test]\n    origin: {urls: [\"https://10.0.0.1\"]}\n"
		if admin != "" {
			text += "admin: {address: \"" + admin + "\", token: 0123456789abcdef}\n"
		}
		if folder != "" {
			text += "incidents: {folder: \"" + folder + "\", plain: true}\n"
		}
		file := filepath.Join(t.TempDir(), "lunette.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	alive, dead := strings.TrimPrefix(live.URL, "http://"), "127.0.0.1:1"
	for _, c := range []struct {
		name string
		args []string
		code int
		want []string // in stdout, or stderr where code is not 0
		not  string
	}{
		{"folder", []string{"--folder", folder}, 0, []string{"www.a.test → https://10.0.0.1\n", "www.b.test", "SSL Settings", "/login", "keepalive_idle: 700ms", "although TLS 1.3 was offered", "certificate changed", "2 of 7 handshakes resumed"}, "\x1b"},
		{"one site", []string{"--folder", folder, "www.b.test"}, 0, []string{"www.b.test"}, "www.a.test"},
		{"part of a URL", []string{"--folder", folder, "0.0.1"}, 0, []string{"www.a.test"}, "www.b.test"},
		{"no such", []string{"--folder", folder, "nobody"}, 1, []string{`no origin fits "nobody"`, "all 2"}, ""},
		{"events", []string{"--folder", folder, "--events"}, 0, []string{"2026-03-02 10:00:00 certificate_changed www.a.test", "look at it"}, "renegotiat"},
		{"no store", []string{"--folder", t.TempDir()}, 1, []string{"no store in"}, ""},
		{"live", []string{"--config", config(alive, folder)}, 0, []string{"live.test → https://10.0.0.9"}, "www.a.test"},
		{"live, no folder", []string{"--config", config(alive, "")}, 0, []string{"live.test"}, "www.a.test"},
		{"gateway down", []string{"--config", config(dead, folder)}, 0, []string{"as the gateway wrote it down last", dead, "www.a.test"}, ""},
		{"gateway down, no folder", []string{"--config", config(dead, "")}, 1, []string{"does the gateway run?"}, ""},
		{"neither", []string{"--config", config("", "")}, 1, []string{"admin.address", "incidents.folder"}, ""},
		{"both", []string{"--config", "x", "--folder", "y"}, 2, []string{"not both"}, ""},
		{"nowhere", nil, 2, []string{"give --config FILE"}, ""},
		{"two names", []string{"a", "b"}, 2, []string{"at most one NAME"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := runOrigins(t, c.args...)
			text := stdout
			if code != 0 {
				text = stderr
			}
			if code != c.code {
				t.Errorf("exit %d, want %d: %s%s", code, c.code, stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("lacks %q in\n%s", want, text)
				}
			}
			if c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("holds %q:\n%s", c.not, text)
			}
		})
	}
}

func TestOriginsJSON(t *testing.T) {
	folder := learnedStore(t)
	_, stdout, _ := runOrigins(t, "--folder", folder, "--json", "www.a.test")
	var got struct {
		Source  string
		Origins []struct {
			Site        string
			Server      string
			Suggestions []struct{ Setting, Why string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Source != folder || len(got.Origins) != 1 || got.Origins[0].Site != "www.a.test" || got.Origins[0].Server != "Microsoft-IIS/10.0" || len(got.Origins[0].Suggestions) != 2 {
		t.Errorf("%+v", got)
	}
	_, stdout, _ = runOrigins(t, "--folder", folder, "--json", "--events")
	var events []struct{ Kind, Advice string }
	if err := json.Unmarshal([]byte(stdout), &events); err != nil || len(events) != 2 || events[0].Kind != "certificate_changed" || events[0].Advice == "" {
		t.Errorf("%v %+v", err, events)
	}
}
