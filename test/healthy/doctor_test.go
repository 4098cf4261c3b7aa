package healthy

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/test/peer"
)

// within is how long the doctor may take for an origin that is well; the bound of the tests allows for machines that are busy.
const within = 15 * time.Second

// report is what the tests read of the doctor's document.
type report struct {
	Verdict  string
	Findings []struct{ Code, Severity, Confidence, Summary string }
	Took     float64 `json:"took_s"`
	Lines    []struct{ Step, What, Text, Mark string }
	// Connections are those that it made, but for the one that proves the settings.
	Connections []struct{ Purpose, Failed, Error string }
	Settings    struct {
		YAML, Proof string
		Proven      bool
	}
}

// examine runs the command.
func examine(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Main(context.Background(), append([]string{"doctor"}, args...), &out, &errs)
	if errs.Len() > 0 {
		t.Logf("it says: %s", &errs)
	}
	return code, out.String()
}

// patient are the arguments for a site, and the file that the connections are written to.
func (p *place) patient(t *testing.T, s *site) (args []string, written string) {
	t.Helper()
	scheme := "https://"
	if s.clear {
		scheme = "http://"
	}
	written = filepath.Join(t.TempDir(), "doctor.pcapng")
	args = []string{scheme + name + "/", "--origin", s.addr, "--ca", p.ca, "--write", written}
	if s.mtls != "" {
		args = append(args, "--client-cert", p.cert.File, "--client-key", p.cert.Key)
	}
	return args, written
}

// TestDoctor lets the doctor examine servers that are well.
func TestDoctor(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds for each server")
	}
	t.Parallel()
	ca := peer.NewCA(t)
	p := newPlace(t, ca)
	sites := allSites(t, ca)
	most := announced(t, p, &sites[0])
	each(sites, 2, func(s *site) { p.wellAgain(t, s, most) })
	for i := range sites {
		if sites[i].log != nil {
			harmless(t, sites[i].what, sites[i].log())
		}
	}
}

// wellAgain examines one of them.
func (p *place) wellAgain(t *testing.T, s *site, most int, more ...string) {
	t.Helper()
	args, written := p.patient(t, s)
	begun := time.Now()
	code, out := examine(t, append(append(args, "--format", "json"), more...)...)
	took := time.Since(begun)
	var r report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Errorf("%s: exit code %d: %v: %.300s", s.what, code, err, out)
		return
	}
	t.Logf("%s: exit code %d, %s, %d connections, %q", s.what, code, took.Round(time.Millisecond), len(r.Connections), r.Verdict)
	if code != 0 || !r.Settings.Proven {
		t.Errorf("%s: exit code %d, %s, proven %v: %s\n%s", s.what, code, r.Verdict, r.Settings.Proven, r.Settings.Proof, r.Settings.YAML)
	}
	for _, f := range r.Findings {
		if f.Severity != "info" {
			t.Errorf("%s: %s %s %s: %s", s.what, f.Code, f.Severity, f.Confidence, f.Summary)
		} else {
			t.Logf("%s: %s %s %s: %s", s.what, f.Code, f.Severity, f.Confidence, f.Summary)
		}
	}
	if took > 2*within {
		t.Errorf("%s: it took %s; %+v", s.what, took, r.Lines)
	}
	if len(r.Connections) > most {
		t.Errorf("%s: it made %d connections and had announced %d", s.what, len(r.Connections), most)
	}
	for _, c := range cases(t, written, nil) {
		for _, x := range c.Flow.Exchanges() {
			if x.Request != nil && !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, x.Request.Method) {
				t.Errorf("%s: it sent %s", s.what, x.Line())
			}
		}
	}
}

// announced is how many connections the command says that it makes at most.
func announced(t *testing.T, p *place, s *site) int {
	t.Helper()
	args, _ := p.patient(t, s)
	code, out := examine(t, args...)
	m := regexp.MustCompile(`at most (\d+) connections, in at most`).FindStringSubmatch(out)
	if code != 0 || m == nil {
		t.Fatalf("exit code %d: %s", code, out)
	}
	t.Logf("%s", out)
	n, err := strconv.Atoi(m[1])
	must(t, err)
	return n
}

// harmless fails for requests that change something, in an access log.
func harmless(t *testing.T, what, log string) {
	t.Helper()
	lines := regexp.MustCompile(`"([A-Z]+) /`).FindAllStringSubmatch(log, -1)
	if len(lines) < 5 {
		t.Errorf("%s: its access log has %d requests", what, len(lines))
	}
	for _, m := range lines {
		if !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, m[1]) {
			t.Errorf("%s: it was sent %s", what, m[1])
		}
	}
}

// TestDoctorByName examines a server on loopback by a name that the system knows, and at an address that is given.
func TestDoctorByName(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"localhost", "127.0.0.1"}, RSA: 2048})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; ssl_certificate " + cert.File + "; ssl_certificate_key " + cert.Key + "; }"})
	_, port, err := net.SplitHostPort(s.Addr)
	must(t, err)
	for _, args := range [][]string{
		{"https://127.0.0.1:" + port + "/", "--ca", ca.File},
		{"https://localhost:" + port + "/", "--ca", ca.File, "--origin", "127.0.0.1"},
		{"https://localhost:" + port + "/", "--ca", ca.File, "--origin", s.Addr},
		{"https://localhost:" + port + "/", "--ca", ca.File, "--origin", "localhost"},
	} {
		code, out := examine(t, append(args, "--format", "json")...)
		var r report
		must(t, json.Unmarshal([]byte(out), &r))
		for _, f := range r.Findings {
			if f.Severity != "info" {
				t.Errorf("%q: %s %s %s: %s", args, f.Code, f.Severity, f.Confidence, f.Summary)
			}
		}
		if code != 0 || !r.Settings.Proven {
			t.Errorf("%q: exit code %d, proven %v: %s %+v", args, code, r.Settings.Proven, r.Settings.Proof, r.Lines)
		}
	}
	if data, err := os.ReadFile(filepath.Join(s.Dir, "access.log")); err == nil {
		harmless(t, "nginx", string(data))
	}
}
