package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const demoExplanation = `
What happened
  The origin read the request, found that this path wants a client certificate, and sent a TLS HelloRequest inside the
  session: "please negotiate again". The careless proxy never answered, and RFC 5246 section 7.4.1.1 lets it. So the
  origin waited (IIS: 120 s), the proxy waited, and the user got 504. Nothing failed, so nothing was logged.
  Lunette answered the HelloRequest (renegotiation: auto, RFC 5746 only) with an empty certificate, got the page,
  and wrote down that it was asked.

How to mend it on IIS
  Stop asking, where the site does not need client certificates:
    %windir%\system32\inetsrv\appcmd.exe set config "Default Web Site" -section:system.webServer/security/access /sslFlags:"Ssl" /commit:apphost
  (in the manager: SSL Settings > Client certificates > Ignore), or ask during the handshake instead of in mid-request:
    netsh http add sslcert … clientcertnegotiation=enable
  IIS names this failure in one place only: %SystemRoot%\System32\LogFiles\HTTPERR, reason Timer_SslRenegotiation.

How to steer it in Lunette
  origin.tls.renegotiation: auto | never | once | freely, and origin.tls.client_certificate to show one of your own.`

func (d *demo) playground() string {
	host, port, _ := net.SplitHostPort(d.app.Addrs()[0])
	in := func(name string) string { return filepath.Join(d.dir, name) }
	curl := fmt.Sprintf("curl -i --cacert %s --resolve %s:%s:%s 'https://%s:%s", in("lunette-ca.pem"), demoHost, port, host, demoHost, port)
	return fmt.Sprintf(`
Still up, until you interrupt:
  # the page, and the SQL injection
  %s/'
  %s%s'
  # why the latter was blocked, and the narrowest exclusion; each 403 has an id of its own
  %s explain-block %s --config %s
  # the careless proxy, the metrics, the access log
  curl -i http://%s/
  curl http://%s/metrics
  tail %s
Files: %s`,
		curl, curl, demoAttack(), ownName(), d.block, in("lunette.yaml"), d.proxy.Addr(), d.app.AdminAddr(), in("access.jsonl"), d.dir)
}

// ownName is how this program is called, wherever it lies.
func ownName() string {
	self, err := os.Executable()
	if err != nil {
		return "lunette"
	}
	return self
}

// answer is what a client of the demo got.
type answer struct {
	status int
	id     string
	took   time.Duration
}

// get fetches target from addr, whatever target's host resolves to. It renegotiates as browsers and curl do.
func get(ctx context.Context, target, addr string, roots *x509.CertPool) (answer, error) {
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots, Renegotiation: tls.RenegotiateFreelyAsClient, MinVersion: tls.VersionTLS10,
			CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
		DisableKeepAlives: true,
	}
	defer tr.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return answer{}, err
	}
	start := time.Now()
	res, err := tr.RoundTrip(req)
	if err != nil {
		return answer{}, fmt.Errorf("get %s: %w", target, err)
	}
	defer func() { _ = res.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)); err != nil {
		return answer{}, fmt.Errorf("read %s: %w", target, err)
	}
	return answer{status: res.StatusCode, id: res.Header.Get("X-Request-Id"), took: time.Since(start).Round(100 * time.Microsecond)}, nil
}

// findLine waits in an access log for the line with that id, for the first one with an attempt where id is "".
func findLine(ctx context.Context, file, id string) (*demoLine, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			l := new(demoLine)
			if json.Unmarshal(line, l) == nil && (l.ID == id || id == "" && len(l.Attempts) > 0) {
				return l, nil
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("find the log line of %q: %w", id, ctx.Err())
		}
	}
}

// demoLine is what the demo shows of an access log line.
type demoLine struct {
	ID  string `json:"id"`
	WAF struct {
		Verdict   string `json:"verdict"`
		Score     int    `json:"score"`
		Threshold int    `json:"threshold"`
		Rules     []struct {
			ID      int    `json:"id"`
			Message string `json:"message"`
			Target  string `json:"target"`
			Score   int    `json:"score"`
		} `json:"rules"`
	} `json:"waf"`
	Attempts []struct {
		Address     string  `json:"address"`
		Status      int     `json:"status"`
		FirstByteMS float64 `json:"first_byte_ms"`
		TLS         struct {
			Version        string `json:"version"`
			Cipher         string `json:"cipher"`
			Renegotiations int    `json:"renegotiations"`
			CertRequested  bool   `json:"cert_requested"`
			CertSent       bool   `json:"cert_sent"`
		} `json:"tls"`
	} `json:"attempts"`
}

func (l *demoLine) origin() string {
	if len(l.Attempts) == 0 {
		return "   (no attempt)"
	}
	a := l.Attempts[len(l.Attempts)-1]
	return fmt.Sprintf("     \"status\":%d, \"first_byte_ms\":%.3f, \"tls\":{\"version\":%q, \"cipher\":%q,\n     \"renegotiations\":%d, \"cert_requested\":%v, \"cert_sent\":%v}",
		a.Status, a.FirstByteMS, a.TLS.Version, a.TLS.Cipher, a.TLS.Renegotiations, a.TLS.CertRequested, a.TLS.CertSent)
}

func (l *demoLine) rules() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "   %s: score %d, threshold %d", l.WAF.Verdict, l.WAF.Score, l.WAF.Threshold)
	for _, r := range l.WAF.Rules {
		if r.Score > 0 {
			_, _ = fmt.Fprintf(&b, "\n     rule %d  %s (%s)", r.ID, r.Message, r.Target)
		}
	}
	return b.String()
}
