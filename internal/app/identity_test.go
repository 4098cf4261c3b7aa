package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
)

// buffer is a bytes.Buffer that the log's goroutine may write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// TestClientIdentityLost: the origin asks for a certificate, the client has shown one, and it goes no further than us.
func TestClientIdentityLost(t *testing.T) {
	for _, c := range []struct{ name, forward, want string }{
		{"ends at us", "", "tls.client_identity_lost"},
		{"forwarded", "\n    forward_client_cert: [client-cert]", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			origin, err := lab.Start(t.Context(), lab.Config{Renegotiate: lab.Renegotiation{Path: "/", Auth: tlspeer.Accept}})
			if err != nil {
				t.Fatal(err)
			}
			defer origin.Close()
			ca, client, dir := gatewayFiles(t, origin)
			text := fmt.Sprintf(`listen: [{address: "127.0.0.1:0", tls: true}]
sites:
  - names: [%s]
    certificate: {file: site.crt, key: site.key}
    client_auth: {mode: request, ca: ca.pem}%s
    origin: {urls: ["https://%s"], tls: {ca: origin.pem, profile: compatible}}
    waf: {mode: "off"}
`, lab.DefaultName, c.forward, origin.Addr())
			if err := os.WriteFile(filepath.Join(dir, "lunette.yaml"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var log buffer
			a, err := New(filepath.Join(dir, "lunette.yaml"), Options{Log: io.Discard, Access: &log})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- a.Run(ctx) }() // ends with stop
			tr := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{ServerName: lab.DefaultName, RootCAs: ca.Pool(), Certificates: []tls.Certificate{client.TLS()}}}
			req, _ := http.NewRequest(http.MethodGet, "https://"+a.Addrs()[0]+"/", nil)
			req.Host = lab.DefaultName
			res, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			stop()
			if err := <-ended; err != nil { // the log is whole once Run has returned
				t.Fatal(err)
			}
			var line struct {
				Attempts []struct{ Reason, Detail string }
			}
			if err := json.Unmarshal(log.b.Bytes(), &line); err != nil || len(line.Attempts) != 1 {
				t.Fatalf("%v in %s", err, log.b.String())
			}
			if res.StatusCode != 200 || line.Attempts[0].Reason != c.want {
				t.Errorf("status %d, reason %q (%s), want %q", res.StatusCode, line.Attempts[0].Reason, line.Attempts[0].Detail, c.want)
			}
		})
	}
}

// gatewayFiles writes what the configuration names and returns the authority and a client's certificate.
func gatewayFiles(t *testing.T, origin *lab.Origin) (*certs.CA, *certs.Certificate, string) {
	t.Helper()
	dir := t.TempDir()
	ca, err := certs.NewCA("test", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	site, err := ca.Issue(certs.Options{Names: []string{lab.DefaultName}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Issue(certs.Options{Names: []string{"alice"}, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	key, err := site.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"site.crt": site.ChainPEM(), "site.key": key, "ca.pem": ca.PEM(), "origin.pem": origin.CA()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return ca, client, dir
}
