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
	wants(t, text, incidentCause, "mend on IIS", "encrypted", "--identity KEYFILE")
	if strings.Contains(text, "proof:") {
		t.Error("an encrypted sample was read without its key")
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
