package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// CurlResult is what curl got.
type CurlResult struct {
	Exit   int // curl's exit code: 0, 28 for a timeout, 52 for an empty answer, …
	Status int // of the last answer, 0 without
	Proto  string
	Header http.Header // of the last answer
	Body   []byte
	Stderr string
}

// Curl runs curl with args (URL and options) for at most two minutes. It takes the proxy from nowhere and needs no
// configuration file. For the output use CurlResult: -o, -D and -w are taken.
func Curl(t testing.TB, args ...string) CurlResult {
	t.Helper()
	path := Need(t, "curl", "curl")
	dir := t.TempDir()
	head, body := filepath.Join(dir, "head"), filepath.Join(dir, "body")
	all := append([]string{"-q", "-sS", "--noproxy", "*", "-D", head, "-o", body, "-w", "%{http_code} %{http_version}"}, args...)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, all...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	res := CurlResult{}
	var exit *exec.ExitError
	switch err := cmd.Run(); {
	case errors.As(err, &exit):
		res.Exit = exit.ExitCode()
	case err != nil:
		t.Fatalf("run curl: %v", err)
	}
	res.Stderr = stderr.String()
	if _, err := fmt.Sscan(stdout.String(), &res.Status, &res.Proto); err != nil && res.Exit == 0 {
		t.Fatalf("curl printed %q: %v", stdout.String(), err)
	}
	res.Body, _ = os.ReadFile(body) // none without a body
	raw, _ := os.ReadFile(head)     // none without an answer
	res.Header = lastHead(string(raw))
	return res
}

// lastHead reads the last of the heads that curl dumped (100, redirects and 401 come before it).
func lastHead(raw string) http.Header {
	h := http.Header{}
	for line := range strings.Lines(raw) {
		line = strings.TrimRight(line, "\r\n")
		if strings.HasPrefix(line, "HTTP/") {
			h = http.Header{}
		} else if name, value, ok := strings.Cut(line, ":"); ok {
			h.Add(name, strings.TrimSpace(value))
		}
	}
	return h
}
