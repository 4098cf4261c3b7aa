package watch

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// failing is an origin of TLS 1.3 whose server behind it is down: only who reads the answers sees it.
func failing(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no server is available", http.StatusServiceUnavailable)
	}))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

const unavailable = "origin.unavailable"

// TestKeyLogOpensWhatPassesBy follows the key log of the program that speaks to the origin.
func TestKeyLogOpensWhatPassesBy(t *testing.T) {
	t.Parallel()
	origin := failing(t)
	keys, err := os.Create(filepath.Join(t.TempDir(), "keys.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	w := start(t, "--host", origin.Listener.Addr().String(), "--keylog", keys.Name())
	tr := origin.Client().Transport.(*http.Transport).Clone()
	tr.TLSClientConfig.KeyLogWriter = keys
	for range 3 {
		res, err := tr.RoundTrip(httptest.NewRequest(http.MethodGet, origin.URL, nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		tr.CloseIdleConnections()
	}
	for n := int64(1); n <= 3; n++ {
		if l := w.until(t, unavailable); l.Count != n || l.New != (n == 1) || l.Lasts {
			t.Errorf("failure %d: %+v", n, l)
		}
	}
	if s := w.summary(t); s.Incidents != 1 || s.Opened != 3 {
		t.Errorf("in the end: %+v", s)
	}
}

// TestProgramsGiveTheirKeys reads the secrets of an nginx that knows nothing of it, on its leg to the origin.
func TestProgramsGiveTheirKeys(t *testing.T) {
	t.Parallel()
	if err := uprobe.Allowed(); err != nil {
		t.Skip("secrets of programs cannot be read here: ", err)
	}
	origin := failing(t)
	nginx := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}}; location / { proxy_pass https://" + origin.Listener.Addr().String() + "; proxy_ssl_protocols TLSv1.3; } }"})
	w := start(t, "--host", origin.Listener.Addr().String(), "--exe", "nginx")
	res, err := http.Get("http://" + nginx.Addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if l := w.until(t, unavailable); l.Finding.Confidence != "certain" {
		t.Errorf("%+v", l)
	}
	if s := w.summary(t); s.Opened == 0 {
		t.Errorf("in the end: %+v", s)
	}
}
