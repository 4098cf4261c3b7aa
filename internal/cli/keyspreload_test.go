package cli

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestPreload builds the library that "lunette keys nginx" shows and lets OpenSSL's client run with it: its key log has every
// secret that the server knows of the same connection.
func TestPreload(t *testing.T) {
	cc, openssl := peer.Need(t, "cc", "gcc"), peer.Need(t, "openssl", "openssl")
	dir := t.TempDir()
	source, library, keys := filepath.Join(dir, "keylog.c"), filepath.Join(dir, "libkeylog.so"), filepath.Join(dir, "keys.txt")
	if err := os.WriteFile(source, []byte(preload), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		var known locked
		srv := httptest.NewUnstartedServer(http.NotFoundHandler())
		srv.TLS = &tls.Config{KeyLogWriter: &known, MaxVersion: version}
		srv.StartTLS()
		client := exec.Command(openssl, "s_client", "-quiet", "-connect", srv.Listener.Addr().String())
		client.Env = append(os.Environ(), "LD_PRELOAD="+library, "SSLKEYLOGFILE="+keys)
		client.Stdin = strings.NewReader("GET / HTTP/1.0\r\n\r\n")
		out, err := client.CombinedOutput()
		srv.Close()
		if err != nil || !bytes.Contains(out, []byte("404")) {
			t.Fatalf("%v\n%s", err, out)
		}
		store := secrets.New()
		f, err := os.Open(keys)
		if err != nil {
			t.Fatal(err)
		}
		report, err := store.AddKeyLog("keys.txt", f)
		f.Close()
		if err != nil || report.Secrets == 0 || report.Faults != nil {
			t.Fatalf("%+v, %v", report, err)
		}
		if report, err = store.AddKeyLog("server", &known.Buffer); err != nil || report.Duplicate == 0 || report.Secrets != 0 {
			t.Errorf("%#x: what the server knows is not what the client wrote: %+v, %v", version, report, err)
		}
	}
}

// locked is a Buffer that connections may write to at once.
type locked struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}
