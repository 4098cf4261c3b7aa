package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/lunette-waf/lunette/test/captures"
)

// explained runs the command where the captures lie, with their secrets, and returns the output.
func explained(t *testing.T, name string, more ...string) string {
	t.Helper()
	t.Chdir(captures.Dir())
	args := append([]string{"explain", "--utc", "--width", "100", filepath.Base(captures.Find(t, name).Path)}, secretArgs(t, name)...)
	for i, arg := range more {
		if i > 0 && more[i-1] == "--compare" {
			more = append(more, secretArgs(t, arg)...)
			more[i] = filepath.Base(captures.Find(t, arg).Path)
		}
	}
	out, errs, code := run(t, append(args, more...)...)
	if code != exitOK || errs != "" {
		t.Fatalf("%s: exit %d: %s", name, code, errs)
	}
	return out
}

func secretArgs(t *testing.T, name string) (args []string) {
	t.Helper()
	c := captures.Find(t, name)
	if c.KeyLog != "" {
		args = append(args, "--keylog", filepath.Base(c.KeyLog))
	} else if c.RSA {
		args = append(args, "--key", captures.RSAKeyFile(t))
	}
	return args
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(goldens, name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what is printed (go test -run %s -update, then look at the difference); now:\n%s", path, t.Name(), got)
	}
}

// goldens is where they lie, seen from the captures.
var goldens = func() string {
	dir, err := filepath.Abs(filepath.Join("testdata", "explain"))
	if err != nil {
		panic(err)
	}
	return dir
}()

// TestExplainText holds the ladders to what is committed.
func TestExplainText(t *testing.T) {
	for _, name := range []string{
		"founding_01_normal_direct_tls10_rsa", "founding_02_abnormal_via_waf_504_tls10_rsa", "damaged_gcm_lost_server_record", "damaged_gcm_disorder_dup",
		"damaged_gcm_midstream", "damaged_gcm_no_cke", "bad_21804_alert_handshake_failure40", "bad_21810_plain_http_on_tls_port", "bad_21834_truncated_content_length",
		"bad_21839_cl_and_te", "bad_21843_slow_ttfb_8s", "client_h2_curl", "client_pha_curl", "client_go_optional_never_nocert", "dec_tls13_keyupdate", "dec_tls13_hrr_p384",
		"dec_tls13_psk_resumption_0rtt", "dec_java_sslv3_rc4_reneg", "post_1m_iislike_go_once", "dsb_tls12_ecdhe_abnormal_ignored",
	} {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", explained(t, name)) })
	}
}

// TestExplainForms holds the forms for programs, and the looks of text, to what is committed.
func TestExplainForms(t *testing.T) {
	for file, c := range map[string]struct {
		capture string
		args    []string
	}{
		"founding_01.json":         {"founding_01_normal_direct_tls10_rsa", []string{"--format", "json"}},
		"founding_02.ndjson":       {"founding_02_abnormal_via_waf_504_tls10_rsa", []string{"--format", "ndjson"}},
		"h2.json":                  {"client_h2_curl", []string{"--format", "json", "--flow", "1"}},
		"hello_retry.json":         {"dec_tls13_hrr_p384", []string{"--format", "json"}},
		"founding_01.har":          {"founding_01_normal_direct_tls10_rsa", []string{"--format", "har", "--bodies"}},
		"h2.har":                   {"client_h2_curl", []string{"--format", "har"}},
		"keepalive.har":            {"bad_21846_keepalive_rst_on_second", []string{"--format", "har"}},
		"founding_compare.txt":     {"founding_02_abnormal_via_waf_504_tls10_rsa", []string{"--compare", "founding_01_normal_direct_tls10_rsa"}},
		"founding_compare.json":    {"founding_02_abnormal_via_waf_504_tls10_rsa", []string{"--format", "json", "--compare", "founding_01_normal_direct_tls10_rsa"}},
		"same_compare.txt":         {"founding_01_normal_direct_tls10_rsa", []string{"--compare", "founding_01_normal_direct_tls10_rsa"}},
		"founding_02_color.txt":    {"founding_02_abnormal_via_waf_504_tls10_rsa", []string{"--color", "always", "--flow", "2"}},
		"founding_02_ascii_60.txt": {"founding_02_abnormal_via_waf_504_tls10_rsa", []string{"--ascii", "--width", "60", "--time", "absolute", "--flow", "2"}},
		"founding_01_bodies.txt":   {"founding_01_normal_direct_tls10_rsa", []string{"--bodies", "--filter", "port=21700"}},
	} {
		t.Run(file, func(t *testing.T) {
			golden(t, file, strings.ReplaceAll(explained(t, c.capture, c.args...), version(), "VERSION"))
		})
	}
}

// TestExplainCompareFamilies finds the cause in every family of the set: the client that ignores or refuses a HelloRequest.
func TestExplainCompareFamilies(t *testing.T) {
	n := 0
	t.Chdir(captures.Dir())
	for _, c := range captures.All(t) {
		family, how, ok := strings.Cut(c.Name, "__abnormal_")
		if !ok {
			continue
		}
		n++
		out := explained(t, c.Name, "--compare", family+"__normal")
		want := "First difference that matters: after HelloRequest"
		abnormal := map[string]string{"ignored": "abnormal:  the client says nothing for ", "refused": "abnormal:  the client answers with Alert 100, no_renegotiation"}[how]
		_, cause, _ := strings.Cut(out, "\n  cause: ")
		if line, _, _ := strings.Cut(cause, "\n"); !strings.HasPrefix(line, "tls.hello_request_"+how+" · ") || !strings.Contains(line, " · certain · ") || strings.Count(out, "mend on Lunette: ") != 1 {
			t.Errorf("%s: the cause is %q, or not told once:\n%s", c.Name, line, out)
		}
		if !strings.Contains(out, want) || !strings.Contains(out, "normal:    the client answers with ClientHello after ") || !strings.Contains(out, abnormal) {
			t.Errorf("%s:\n%s", c.Name, out)
		}
	}
	if n < 20 {
		t.Errorf("only %d pairs", n)
	}
}

// TestExplainEveryCapture looks at what must hold for all: no line is too wide, and nothing but printable characters.
func TestExplainEveryCapture(t *testing.T) {
	t.Chdir(captures.Dir())
	for i, c := range captures.All(t) {
		width := []int{60, 100, 140}[i%3]
		out, errs, code := run(t, append([]string{"explain", "--utc", filepath.Base(c.Path), "--width", strconv.Itoa(width)}, secretArgs(t, c.Name)...)...)
		if code != exitOK || errs != "" {
			t.Errorf("%s: exit %d: %s", c.Name, code, errs)
		}
		for line := range strings.Lines(out) {
			line = strings.TrimSuffix(line, "\n")
			command := strings.HasPrefix(line, "        ") && !strings.ContainsAny(line, "│┊") // to be copied, whole
			if n := len([]rune(line)); n > width && !command || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: %d columns, %d asked for: %q", c.Name, n, width, line)
			}
		}
	}
}

func TestParseFilters(t *testing.T) {
	start := time.Date(2026, 11, 22, 11, 53, 51, 5e8, time.UTC)
	zone := time.FixedZone("", 3600) // the capture's day there begins an hour earlier
	for text, want := range map[string]time.Time{
		"after=+12.5":                start.Add(12500 * time.Millisecond),
		"from=+500ms":                start.Add(500 * time.Millisecond),
		"after=11:54:00":             time.Date(2026, 11, 22, 10, 54, 0, 0, time.UTC),
		"after=11:54:00.25":          time.Date(2026, 11, 22, 10, 54, 0, 25e7, time.UTC),
		"after=11:54":                time.Date(2026, 11, 22, 10, 54, 0, 0, time.UTC),
		"after=2026-11-22T11:54:00Z": time.Date(2026, 11, 22, 11, 54, 0, 0, time.UTC),
		"after=2026-11-22T11:54":     time.Date(2026, 11, 22, 10, 54, 0, 0, time.UTC),
	} {
		f, err := parseFilters([]string{text}, zone, func() (time.Time, error) { return start, nil })
		if err != nil || !f.From.Equal(want) {
			t.Errorf("%s is from %v, %v; want %v", text, f.From, err, want)
		}
	}
	f, err := parseFilters([]string{"host=a.example,b.example port=443", " 192.0.2.0/24 before=+1"}, zone, func() (time.Time, error) { return start, nil })
	if err != nil || len(f.Hosts) != 2 || len(f.Ports) != 1 || len(f.Addrs) != 1 || !f.To.Equal(start.Add(time.Second)) {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := parseFilters([]string{"port=1  colour=red"}, zone, nil); err == nil || !strings.Contains(err.Error(), "column 9: colour=red") {
		t.Error(err)
	}
}

// TestExplainInterrupted ends without a word more when the context is over.
func TestExplainInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := Main(ctx, []string{"explain", captures.Find(t, "client_h2_curl").Path}, &out, &errs); code != exitFailed || out.Len() > 0 {
		t.Errorf("exit %d, %d bytes written: %s", code, out.Len(), errs.String())
	}
}
