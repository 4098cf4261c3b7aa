// Package origins_test has real servers change, and looks at what the gateway learns of them.
package origins_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/gateway/profile"
	"github.com/lunette-waf/lunette/test/peer"
)

// learner learns from an origin as the gateway does.
type learner struct {
	t    *testing.T
	book *profile.Book
	mu   sync.Mutex
	told []profile.Drift
	// skew is added to the time of attempts: what must lie far apart need not be waited for.
	skew time.Duration
}

func newLearner(t *testing.T) *learner {
	l := &learner{t: t}
	b, err := profile.New(profile.Config{Now: l.now, Changed: func(d profile.Drift) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.told = append(l.told, d)
	}})
	if err != nil {
		t.Fatal(err)
	}
	l.book = b
	return l
}

// now goes on by two seconds with each call.
func (l *learner) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.skew += 2 * time.Second
	return time.Now().Add(l.skew)
}

func (l *learner) kinds() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, d := range l.told {
		out = append(out, d.Kind)
	}
	return strings.Join(out, " ")
}

func (l *learner) origin(addr string, ca *peer.CA, change func(*origin.Config), deps origin.Deps) *origin.Origin {
	cfg := origin.Config{URLs: []string{"https://" + addr}, TLS: origin.TLS{Roots: ca.Pool()}, Timeouts: origin.Timeouts{KeepaliveIdle: -1}}
	if change != nil {
		change(&cfg)
	}
	o, err := origin.New(cfg, deps)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(o.Close)
	return o
}

// get makes one exchange and learns from its attempts.
func (l *learner) get(o *origin.Origin, host, path string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 20*time.Second)
	defer cancel()
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), W: nobody{}, Client: &exchange.Client{ConnID: 1},
		Request: exchange.Request{Method: "GET", Path: path, Target: path, Scheme: "https", Authority: host, Proto: exchange.HTTP11, Body: exchange.NoBody}}
	resp, err := o.RoundTrip(ctx, x, &x.Request)
	if err == nil {
		_, err = io.Copy(io.Discard, bodyReader{resp.Body})
		_ = resp.Body.Close()
	}
	if err != nil {
		l.t.Fatalf("%s: %v", path, err)
	}
	for i := range x.Attempts {
		l.book.Learn("s", 10, &x.Attempts[i])
	}
}

// until asks until that kind of drift is told, and nothing else is.
func (l *learner) until(o *origin.Origin, host, kind string) {
	l.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		l.get(o, host, "/")
		if l.kinds() == kind {
			return
		}
	}
	l.t.Fatalf("told %q, want %q; %+v", l.kinds(), kind, l.profile())
}

func (l *learner) profile() profile.Profile {
	l.t.Helper()
	ps := l.book.Profiles()
	if len(ps) != 1 {
		l.t.Fatalf("%d profiles", len(ps))
	}
	return ps[0]
}

type bodyReader struct{ exchange.Body }

type nobody struct{}

func (nobody) Informational(int, exchange.Header) error { return nil }
func (nobody) Head(*exchange.Response) error            { return nil }
func (nobody) Body([]byte, bool) error                  { return nil }
func (nobody) Trailer(exchange.Header) error            { return nil }
func (nobody) Upgrade(*exchange.Response) (io.ReadWriteCloser, error) {
	return nil, io.ErrClosedPipe
}

func site(cert *peer.Cert, listen, more string) string {
	return "server { listen " + listen + "; server_name a.test; ssl_certificate " + cert.File + "; ssl_certificate_key " + cert.Key + "; " + more + " location / { root {{root}}; } }\n"
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestCertificateSwap(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	one, two := ca.Issue(peer.Issue{Names: []string{"a.test"}}), ca.Issue(peer.Issue{Names: []string{"a.test"}, RSA: 2048})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: site(one, "{{addr}} ssl", "")})
	for _, version := range []uint16{0x303, 0x304} {
		l := newLearner(t)
		o := l.origin(s.Addr, ca, func(c *origin.Config) { c.TLS.MaxVersion = version }, origin.Deps{})
		for range 20 {
			l.get(o, "a.test", "/")
		}
		if l.kinds() != "" {
			t.Fatalf("a new origin has drifted: %+v", l.told)
		}
		copyFile(t, two.File, one.File)
		copyFile(t, two.Key, one.Key)
		if err := s.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		l.until(o, "a.test", profile.CertificateChanged)
		if text := l.told[0].Text; !strings.Contains(text, "a new key and the same issuer") {
			t.Error(text)
		}
		p := l.profile()
		if len(p.Certificates) != 2 || p.Server == "" || p.Resumed == 0 {
			t.Errorf("profile %+v", p)
		}
		two = ca.Issue(peer.Issue{Names: []string{"a.test"}})
	}
}

func TestTwoNodes(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	one, two := ca.Issue(peer.Issue{Names: []string{"a.test"}}), ca.Issue(peer.Issue{Names: []string{"a.test"}})
	s := peer.Nginx(t, peer.NginxConfig{Listeners: 2, HTTP: site(one, "{{addr}} ssl", "") + site(two, "{{addr 1}} ssl", "")})
	lb := peer.HAProxy(t, peer.HAProxyConfig{Text: "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n" +
		"listen lb\n  bind {{addr}}\n  balance roundrobin\n  server one " + s.Addrs[0] + "\n  server two " + s.Addrs[1] + "\n"})
	l := newLearner(t)
	o := l.origin(lb.Addr, ca, nil, origin.Deps{})
	for range 200 {
		l.get(o, "a.test", "/")
	}
	p := l.profile()
	if l.kinds() != "" || len(p.Certificates) != 2 || len(p.Names) != 1 || len(p.Names[0].Certs.Values()) != 2 {
		t.Errorf("told %+v, names %+v, certificates %+v", l.told, p.Names, p.Certificates)
	}
}

func TestHTTP2Ends(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	s := peer.Nginx(t, peer.NginxConfig{HTTP: site(ca.Issue(peer.Issue{Names: []string{"a.test"}}), "{{addr}} ssl http2", "ssl_protocols TLSv1.2 TLSv1.3;")})
	l := newLearner(t)
	o := l.origin(s.Addr, ca, nil, origin.Deps{})
	for range 20 {
		l.get(o, "a.test", "/")
	}
	if p := l.profile(); p.HTTP2 != 20 || p.Ceiling != "TLS 1.3" {
		t.Fatalf("profile %+v", p)
	}
	file := filepath.Join(s.Dir, "nginx.conf")
	conf, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(conf), "ssl http2;", "ssl;", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l.until(o, "a.test", profile.StoppedHTTP2)
	if err := os.WriteFile(file, []byte(strings.Replace(text, "TLSv1.2 TLSv1.3", "TLSv1.2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l.until(o, "a.test", profile.StoppedHTTP2+" "+profile.CeilingChanged)
	if p := l.profile(); p.Ceiling != "TLS 1.2" || p.Offered != "TLS 1.3" {
		t.Errorf("ceiling %s of %s", p.Ceiling, p.Offered)
	}
}

func TestApacheRenegotiates(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	a := peer.Apache(t, peer.ApacheConfig{MaxTLS: "1.2", ClientCA: ca.File, Sites: []peer.ApacheSite{{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}, RSA: 2048}),
		Locations: []peer.ApacheLocation{{Path: "/optional", VerifyClient: "optional", Extra: "SetHandler reflector"}}}}})
	l := newLearner(t)
	o := l.origin(a.Addr, ca, nil, origin.Deps{})
	for range 120 {
		l.get(o, "a.test", "/")
	}
	if p := l.profile(); l.kinds() != "" || p.Renegotiation.Count != 0 || p.CertAsked != (profile.CertAsked{}) || p.Secure != "yes" {
		t.Fatalf("told %v; profile %+v", l.kinds(), p)
	}
	for range 3 {
		l.get(o, "a.test", "/optional/x/y")
	}
	p := l.profile()
	if l.kinds() != profile.BeganRenegotiating || p.Renegotiation.Count != 3 || p.Renegotiation.Paths[0].Path != "/optional/x" || p.CertAsked != (profile.CertAsked{Renegotiation: 3}) {
		t.Errorf("told %v; renegotiation %+v, asked %+v", l.kinds(), p.Renegotiation, p.CertAsked)
	}
	var why string
	for _, s := range p.Suggestions(time.Now()) {
		why += s.Why
	}
	if !strings.Contains(why, "/optional/x") || !strings.Contains(why, "SSLVerifyClient") {
		t.Errorf("suggestions %q", why)
	}
}

// TestIdleClose has connections lie idle for a moment, and for longer than nginx keeps them.
func TestIdleClose(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	s := peer.Nginx(t, peer.NginxConfig{HTTP: site(ca.Issue(peer.Issue{Names: []string{"a.test"}}), "{{addr}} ssl", "keepalive_timeout 3s;")})
	l := newLearner(t)
	const each = 5
	for _, keep := range []time.Duration{300 * time.Millisecond, 5 * time.Second} {
		ended := make(chan bool, each)
		deps := origin.Deps{IdleEnded: func(url string, idle time.Duration, closed bool) {
			if closed {
				l.book.Closed("s", url, idle)
			} else {
				l.book.Survived("s", url, idle)
			}
			ended <- closed
		}}
		for range each {
			l.get(l.origin(s.Addr, ca, func(c *origin.Config) { c.HTTP, c.Timeouts.KeepaliveIdle = "1.1", keep }, deps), "a.test", "/")
		}
		for range each {
			select {
			case closed := <-ended:
				if closed != (keep > 3*time.Second) {
					t.Errorf("closed %v after %s", closed, keep)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("an idle connection never ended")
			}
		}
	}
	p := l.profile()
	c := p.IdleClose
	if c.Closures != each || c.AtLeast < 250*time.Millisecond || c.AtLeast > 3*time.Second || c.AtMost < 3*time.Second {
		t.Errorf("%s: %+v", c, c)
	}
	_, setting, _ := strings.Cut(p.Suggestions(time.Now())[0].Setting, "keepalive_idle: ")
	if keep, err := time.ParseDuration(strings.TrimRight(setting, " }")); err != nil || keep > c.AtLeast || keep < c.AtLeast/2 {
		t.Errorf("suggestions %+v", p.Suggestions(time.Now()))
	}
}
