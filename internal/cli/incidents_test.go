package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
	"github.com/lunette-waf/lunette/test/captures"
)

const (
	incidentCapture = "dsb_tls12_ecdhe_abnormal_ignored"
	incidentCause   = "tls.hello_request_ignored"
)

// incidentFolder is a folder with one incident, as the gateway leaves it: what a recorded connection shows, encrypted unless recipient is "".
func incidentFolder(t *testing.T, recipient string) (folder, id string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "incidents")
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	cfg := incident.Config{Folder: folder, Plain: recipient == "", Version: "test"}
	if recipient != "" {
		cfg.Recipients = []string{recipient}
	}
	k, err := incident.New(cfg, s)
	if err != nil {
		t.Fatal(err)
	}
	id = k.Add(recordedFailure(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var wait sync.WaitGroup
	wait.Go(func() { k.Run(ctx) }) // which writes what waits, and ends
	wait.Wait()
	return folder, id
}

// recordedFailure is the failure that a capture shows.
func recordedFailure(t *testing.T) incident.Failure {
	t.Helper()
	f, _ := recordedFlow(t)
	return f
}

func recordedFlow(t *testing.T) (incident.Failure, *flow.Flow) {
	t.Helper()
	path := captures.Find(t, incidentCapture).Path
	in, err := analysis.File(path)
	if err != nil {
		t.Fatal(err)
	}
	cfg := analysis.Config{Inputs: []analysis.Input{in}, Flow: flow.Config{Silence: int64(time.Second)}}
	report, err := analysis.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	results, err := report.Diagnose(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results {
		for j := range results[i].Findings {
			if found := &results[i].Findings[j]; found.Code == incidentCause {
				f := incident.Failure{Site: "shop.test", Origin: "https://10.0.0.1", Request: "01REQUESTREQUESTREQUESTREQ", Reason: reason.ReadFirstByteTimeout, Finding: found, Judged: true,
					Sample: &incident.Sample{Facts: report.Flows[i].Facts, Result: &results[i], Method: "GET", URL: "https://shop.test/", Status: 504, Record: []byte(`{"client":{"address":"203.0.113.9"}}`),
						Packets: func(w io.Writer) error {
							data, err := os.ReadFile(path)
							if err == nil {
								_, err = w.Write(data)
							}
							return err
						}}}
				return f, report.Flows[i]
			}
		}
	}
	t.Fatalf("%s does not show %s", incidentCapture, incidentCause)
	return incident.Failure{}, nil
}

// ran runs a command that must work.
func ran(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := run(t, args...)
	if code != exitOK {
		t.Fatalf("%v: exit %d: %s", args, code, errs)
	}
	return out
}

func wants(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

// TestIncidents lists, shows, exports and resolves an incident with a plain sample. The exported packets give the finding again.
func TestIncidents(t *testing.T) {
	folder, id := incidentFolder(t, "")
	wants(t, ran(t, "incidents", "--folder", folder), id, "open", "shop.test → https://10.0.0.1", incidentCause+" · certain", "1 incident;")
	wants(t, ran(t, "incidents", "--folder", folder, "--json"), `"id": "`+id+`"`, `"count": 1`)
	wants(t, ran(t, "incidents", "--folder", folder, "--events"), "incident_opened")
	for _, name := range []string{id, strings.ToLower(id[:12]), "01REQUESTREQUESTREQUESTREQ"} {
		wants(t, ran(t, "incidents", "show", "--folder", folder, name), "proof:", "mend on Apache", incidentCause, "plain")
	}
	out := filepath.Join(t.TempDir(), "out")
	ran(t, "incidents", "export", "--folder", folder, "-o", out, id[:12])
	for _, name := range []string{"incident.json", "flow.pcapng", "report.md"} {
		info, err := os.Stat(filepath.Join(out, name))
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v", name, err)
		}
	}
	wants(t, ran(t, "explain", filepath.Join(out, "flow.pcapng")), incidentCause, "certain")
	if _, errs, code := run(t, "incidents", "export", "--folder", folder, "-o", out, id); code == exitOK {
		t.Errorf("files were replaced: %s", errs)
	}
	redacted := filepath.Join(t.TempDir(), "redacted")
	ran(t, "incidents", "export", "--folder", folder, "--redact", "--sample", "oldest", "-o", redacted, id)
	doc, err := os.ReadFile(filepath.Join(redacted, "incident.json"))
	if err != nil || strings.Contains(string(doc), "203.0.113.9") || !strings.Contains(string(doc), `"redacted": true`) {
		t.Errorf("%v %s", err, doc)
	}
	if text := ran(t, "explain", filepath.Join(redacted, "flow.pcapng")); strings.Contains(text, "GET /") {
		t.Errorf("redacted packets can be read:\n%s", text)
	}
	log, err := os.ReadFile(filepath.Join(folder, "audit.log"))
	if err != nil || strings.Count(string(log), "\n") != 2 || !strings.Contains(string(log), id) || !strings.Contains(string(log), "redacted") {
		t.Errorf("%v %s", err, log)
	}
	wants(t, ran(t, "incidents", "resolve", "--folder", folder, id[:12]), id+" resolved")
	wants(t, ran(t, "incidents", "resolve", "--folder", folder, id), "was resolved already")
	wants(t, ran(t, "incidents", "--folder", folder), "no incident is open")
	wants(t, ran(t, "incidents", "--folder", folder, "--all"), id, "resolved")
	if _, errs, code := run(t, "incidents", "show", "--folder", folder, "nothing"); code != exitFailed || !strings.Contains(errs, "no incident") {
		t.Errorf("%d %s", code, errs)
	}
}

// TestIncidentsEncrypted opens an encrypted sample with its key alone.
func TestIncidentsEncrypted(t *testing.T) {
	key, other := filepath.Join(t.TempDir(), "key.txt"), filepath.Join(t.TempDir(), "other.txt")
	_, recipient, _ := strings.Cut(ran(t, "incidents", "key", "-o", key), "[")
	ran(t, "incidents", "key", "-o", other)
	folder, id := incidentFolder(t, strings.TrimSuffix(strings.TrimSpace(recipient), "]"))
	text := ran(t, "incidents", "show", "--folder", folder, id)
	wants(t, text, incidentCause, "mend on IIS", `the sample is encrypted: "lunette incidents show `+id+" --folder "+folder+" --identity KEYFILE\"")
	if strings.Contains(text, "proof:") || strings.Contains(text, "cannot be read") {
		t.Error("an encrypted sample was read without its key, or told as broken")
	}
	if strings.Contains(text, "{host}") || strings.Contains(text, "{port}") || !strings.Contains(text, "shop.test") {
		t.Errorf("blanks are left:\n%s", text)
	}
	wants(t, ran(t, "incidents", "show", "--folder", folder, "--identity", key, id), "proof:")
	for _, args := range [][]string{{}, {"--identity", other}} {
		if _, errs, code := run(t, append([]string{"incidents", "export", "--folder", folder, "-o", filepath.Join(t.TempDir(), "x"), id}, args...)...); code != exitFailed || !strings.Contains(errs, "the sample is encrypted") {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "audit.log")); err == nil {
		t.Error("an export that was none left a line")
	}
	ran(t, "incidents", "export", "--folder", folder, "--identity", key, "-o", filepath.Join(t.TempDir(), "x"), id)
}

// TestIncidentsNextSteps prints commands that work as they stand, and says what is wrong with a word.
func TestIncidentsNextSteps(t *testing.T) {
	folder, id := incidentFolder(t, "")
	typed := func(text, begins string) []string {
		t.Helper()
		_, rest, found := strings.Cut(text, `"lunette `+begins)
		command, _, ended := strings.Cut(rest, `"`)
		if !found || !ended {
			t.Fatalf("no %q in:\n%s", begins, text)
		}
		return strings.Fields(strings.ReplaceAll(begins+command, "ID", id))
	}
	shown := ran(t, typed(ran(t, "incidents", "--folder", folder), "incidents show")...)
	wants(t, shown, time.Now().Format("MST"))
	t.Chdir(t.TempDir())
	ran(t, typed(shown, "incidents export")...)

	file := filepath.Join(t.TempDir(), "my lunette.yaml")
	text := fmt.Sprintf("listen: [{address: \"127.0.0.1:0\"}]\nincidents: {folder: %q, plain: true}\nsites: [{names: [a.test], origin: {urls: [\"http://127.0.0.1:9\"]}}]\n", folder)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, ran(t, "incidents", file), id, "incidents show ID --config '"+file+"'")
	if err := os.Rename(file, "lunette.yaml"); err != nil {
		t.Fatal(err)
	}
	wants(t, ran(t, "incidents"), id, "incidents show ID --config lunette.yaml")
	for _, c := range []struct{ word, want string }{{"sho", `did you mean "show"`}, {"nofile.yaml", "no such file or directory"}} {
		if _, errs, code := run(t, "incidents", c.word); code == exitOK || !strings.Contains(errs, c.want) && runtime.GOOS != "windows" || strings.Contains(errs, "faults") {
			t.Errorf("%s: exit %d: %s", c.word, code, errs)
		}
	}
	if err := os.WriteFile("lunette.yaml", []byte("admin: {address: \"127.0.0.1:9180\"}\nlisten: [{address: \"127.0.0.1:0\"}]\nsites: [{names: [a.test], origin: {urls: [\"http://127.0.0.1:9\"]}}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := run(t, "incidents"); code == exitOK || !strings.Contains(errs, "curl http://127.0.0.1:9180/incidents") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestIncidentsDemonstrated tells what a trial demonstrated first, and no other settings.
func TestIncidentsDemonstrated(t *testing.T) {
	folder, id := incidentFolder(t, "")
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	key := store.Key{Site: "shop.test", Origin: "https://10.0.0.1", Cause: incidentCause}
	if _, err := s.Apply(t.Context(), []store.Change{{Key: key, Proven: "With renegotiation: auto it was answered.", Cure: "origin: {tls: {renegotiation: auto}}\n"}}); err != nil {
		t.Fatal(err)
	}
	wants(t, ran(t, "incidents", "--folder", folder), incidentCause+" · demonstrated", "mend, demonstrated: With renegotiation: auto", "      origin: {tls:")
	shown := ran(t, "incidents", "show", "--folder", folder, id)
	wants(t, shown, incidentCause+" · critical · demonstrated · ", "origin: {tls: {renegotiation: auto}}", "mend on Apache")
	if strings.Contains(shown, "mend on Lunette") || strings.Index(shown, "mend, demonstrated") > strings.Index(shown, "proof:") || strings.Contains(shown, "proven by trial") {
		t.Errorf("what was demonstrated does not stand first:\n%s", shown)
	}
	wants(t, ran(t, "incidents", "--folder", folder, "--json"), `"confidence": "demonstrated"`)
}

// TestDoctorToType fills in what "lunette doctor" wants.
func TestDoctorToType(t *testing.T) {
	n := &store.Incident{Key: store.Key{Site: "shop.test", Origin: "https://[2001:db8::1]:8443"}}
	for in, want := range map[string]string{
		`"lunette doctor" tries it`: `"lunette doctor https://shop.test/ --origin [2001:db8::1]:8443 --origin-is-mine" tries it`,
		"(lunette doctor asks so)":  `("lunette doctor https://shop.test/ --origin [2001:db8::1]:8443 --origin-is-mine" asks so)`,
		"ask":                       "ask",
	} {
		if got := withDoctor(in, n); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	n.Site = "evil; rm -rf"
	if got := withDoctor("lunette doctor", n); got != "lunette doctor" {
		t.Error(got)
	}
}

// TestIncidentsOriginLog joins the other side's log with the connection of the sample.
func TestIncidentsOriginLog(t *testing.T) {
	folder, id := incidentFolder(t, "")
	_, f := recordedFlow(t)
	path := filepath.Join(t.TempDir(), "httperr1.log")
	ended := f.Start.Time().Add(4 * time.Second).Format("2006-01-02 15:04:05")
	line := fmt.Sprintf("%s %s %d %s %d HTTP/1.1 GET /optional/ - 1 Timer_SslRenegotiation DefaultAppPool\n", ended, f.Client.Addr(), f.Client.Port(), f.Server.Addr(), f.Server.Port())
	head := "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"
	if err := os.WriteFile(path, []byte(head+line), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, ran(t, "incidents", "show", "--folder", folder, "--origin-log", path, id), "the origin logged Timer_SslRenegotiation", incidentCause+" · critical · certain")
	if _, errs, code := run(t, "incidents", "show", "--folder", folder, "--origin-log", path+"x", id); code != exitFailed || !strings.Contains(errs, "no such file") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
