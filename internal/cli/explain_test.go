package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		if !strings.Contains(out, want) || !strings.Contains(out, "normal:    the client answers with ClientHello after ") || !strings.Contains(out, abnormal) {
			t.Errorf("%s:\n%s", c.Name, out)
		}
	}
	if n < 20 {
		t.Errorf("only %d pairs", n)
	}
}

// TestExplainEveryCapture looks at what must hold for all: nothing but printable characters, no line too wide.
func TestExplainEveryCapture(t *testing.T) {
	t.Chdir(captures.Dir())
	for _, c := range captures.All(t) {
		for _, width := range []string{"60", "100", "140"} {
			out, errs, code := run(t, append([]string{"explain", "--utc", filepath.Base(c.Path), "--width", width}, secretArgs(t, c.Name)...)...)
			if code != exitOK || errs != "" {
				t.Errorf("%s: exit %d: %s", c.Name, code, errs)
			}
			for line := range strings.Lines(out) {
				if n := len([]rune(strings.TrimSuffix(line, "\n"))); width == "60" && n > 60 || width == "100" && n > 100 || n > 140 {
					t.Errorf("%s: %d columns, %s asked for: %s", c.Name, n, width, line)
				}
			}
		}
	}
}
