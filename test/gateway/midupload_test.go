package gateway_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestCurlReadsARefusalInMidUpload: a client that is still sending gets the whole page, over both versions, every time.
func TestCurlReadsARefusalInMidUpload(t *testing.T) {
	t.Parallel()
	p := newPKI(t, "*.test")
	g := start(t, listens+"sites:\n"+p.site("a.test", `
    limits: {body: 64KiB}
    origin: {urls: ["http://127.0.0.1:1"]}
    waf: {mode: `+inspected(t)+`}
`))
	file := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789abcdef"), 1<<19), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"--http1.1", "--http2"} {
		for i := range 15 {
			for _, c := range []struct {
				path, code string
				status     int
			}{{"/a%2fb", "client.path_refused", 400}, {"/up", "limit.body_too_big", 413}} {
				r := g.curl("a.test", c.path, version, "-T", file, "-X", "POST")
				if r.Status != c.status || !bytes.Contains(r.Body, []byte(c.code)) {
					t.Fatalf("%s %d: %s: %d %q (%s)", version, i, c.path, r.Status, r.Body, r.Stderr)
				}
			}
		}
	}
}
