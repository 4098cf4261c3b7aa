//go:build unix

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

// A named pipe gives its bytes once: with several files, of which the first packets are looked at before, and for a second reading.
func TestExplainNamedPipe(t *testing.T) {
	c := captures.Find(t, "dsb_tls12_ecdhe_abnormal_ignored")
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{{"explain", pipe}, {"explain", pipe, c.Path}, {"keys", "check", pipe}} {
		done := make(chan error, 1)
		go func() { done <- os.WriteFile(pipe, data, 0) }()
		out, errs, code := run(t, args...)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if code != exitOK || errs != "" || !strings.Contains(out, "21612") {
			t.Errorf("%s: exit %d: %s%s", args, code, out, errs)
		}
	}
}

// What comes from a command line or a file name does not steer the terminal in an error.
func TestErrorsArePrintable(t *testing.T) {
	for _, args := range [][]string{{"explain", "no\x1b[31m\u202efile"}, {"explain", "--format", "\x1b]0;x\a", "f"}, {"explain", "--keylog", "\x9b1m", "f"},
		{"\x1b[31m"}, {"explain", "--\x1b[31m"}, {"keys", "check", "\x1bc"}} {
		_, errs, code := run(t, args...)
		if code == exitOK || strings.ContainsAny(errs, "\x1b\u009b\a\u202e") {
			t.Errorf("%q: exit %d: %q", args, code, errs)
		}
	}
}

// The files that a run reads are not replaced by what it writes.
func TestWriteDecryptedSparesSecrets(t *testing.T) {
	c := captures.Find(t, "founding_01_normal_direct_tls10_rsa")
	log, err := os.ReadFile(c.KeyLog)
	if err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(t.TempDir(), "keys.txt")
	if err := os.WriteFile(mine, log, 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := run(t, "explain", c.Path, "--keylog", mine, "--write-decrypted", mine, "--force")
	if now, err := os.ReadFile(mine); err != nil || string(now) != string(log) || code != exitUsage || !strings.Contains(errs, "give another name") {
		t.Errorf("exit %d: %s %v", code, errs, err)
	}
}
