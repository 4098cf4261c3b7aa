package app

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/probe/counterfactual"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
	"github.com/lunette-waf/lunette/test/peer"
)

// provenSink is the keeper of incidents of a test.
type provenSink struct {
	mu   sync.Mutex
	told []string
}

func (s *provenSink) Proven(key store.Key, sentence, yaml string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, key.Cause+"\n"+sentence+"\n"+yaml)
}

// settingsFor are the settings of a site whose origin is url, with further lines below origin:.
func settingsFor(t *testing.T, name, url string, ca []byte, more string) *config.Origin {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	secure := ""
	if strings.HasPrefix(url, "https:") {
		if !strings.Contains(more, "  tls:\n") {
			more = "    tls:\n" + more
		}
		secure = strings.Replace(more, "    tls:\n", fmt.Sprintf("    tls:\n      ca: %q\n", file), 1)
	} else {
		secure = more
	}
	text := fmt.Sprintf("listen:\n  - {address: \"127.0.0.1:1\"}\nsites:\n- names: [%s]\n  origin:\n    urls: [%q]\n%s", name, url, secure)
	cfg, faults := config.Parse("settings", dir, []byte(text), time.Now())
	if faults.Failed() {
		t.Fatalf("%v\n%s", faults, text)
	}
	return &cfg.Sites[0].Origin
}

// failOnce sends requests until one fails, as the gateway does without retries, and returns the exchange.
func failOnce(t *testing.T, oc *config.Origin, name string, requests int) *exchange.Exchange {
	t.Helper()
	cfg, err := originConfig("test", oc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Retries, cfg.Timeouts.TLS, cfg.Timeouts.FirstByte = -1, 1500*time.Millisecond, 1500*time.Millisecond
	o, err := origin.New(cfg, origin.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var x *exchange.Exchange
	for range requests {
		x = &exchange.Exchange{ID: "01TEST", Start: time.Now(), Client: &exchange.Client{}, W: nobody{}, Site: name}
		x.Request = exchange.Request{Method: "GET", Target: "/x?token=secret", Path: "/x", Query: "token=secret", HasQuery: true, Scheme: "https", Authority: name, Proto: exchange.HTTP11, Body: exchange.NoBody,
			Header: exchange.Header{{Name: "Cookie", Value: "secret=1"}, {Name: "Authorization", Value: "Basic secret"}}}
		resp, err := o.RoundTrip(t.Context(), x, &x.Request)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		if err != nil {
			return x
		}
	}
	return x
}

// proveOnce proves the failure of x and returns what the log and the keeper were told.
func proveOnce(t *testing.T, x *exchange.Exchange, oc *config.Origin, key store.Key) (counterfactual.Demonstration, *provable) {
	t.Helper()
	j := newProvable(x, oc, key)
	if j == nil {
		t.Fatalf("nothing to repeat: %+v", x.Attempts)
	}
	return counterfactual.Prove(t.Context(), counterfactual.Bounds{Toss: rand.New(rand.NewPCG(7, 8)).IntN}, j.c, j), j
}

func failureKey(x *exchange.Exchange, site string) store.Key {
	a := &x.Attempts[len(x.Attempts)-1]
	return store.Key{Site: site, Origin: a.URL, Cause: string(a.Reason)}
}

// TestProveLab: origins that misbehave in one way each, and the settings that are found to cure it.
func TestProveLab(t *testing.T) {
	for _, c := range []struct {
		fault    string
		name     string // of the site, default lab.DefaultName
		lab      lab.Config
		more     string // below origin:
		requests int
		want     counterfactual.Verdict
		yaml     string // contained
	}{
		{fault: "large-hello-dropped", want: counterfactual.Demonstrated, yaml: "groups: [X25519, P-256, P-384, P-521]"},
		{fault: "large-hello-reset", want: counterfactual.Demonstrated, yaml: "groups: [X25519, P-256, P-384, P-521]"},
		{fault: "version-intolerant", want: counterfactual.Demonstrated, yaml: `max_version: "1.2"`},
		{fault: "sni-reset", lab: lab.Config{Names: []string{lab.DefaultName, "localhost"}}, want: counterfactual.Demonstrated, yaml: `server_name: "localhost"`},
		{fault: "sni-missing-reset", name: "127.0.0.1", want: counterfactual.Demonstrated, yaml: `server_name: "localhost"`},
		{fault: "sni-missing-alert", name: "127.0.0.1", want: counterfactual.Demonstrated, yaml: `server_name: "localhost"`},
		{fault: "tls10-only", want: counterfactual.Demonstrated, yaml: "profile: legacy"},
		{fault: "3des-only", want: counterfactual.Demonstrated, yaml: "profile: legacy"},
		{fault: "rsa-kex-only", want: counterfactual.Demonstrated, yaml: "profile: compatible"},
		{fault: "alpn-none", want: counterfactual.NothingHelped},
		{fault: "dies-on-reuse", requests: 2, want: counterfactual.Demonstrated, yaml: "keepalive_idle: 0s"},
		{fault: "closes-on-reuse", requests: 2, want: counterfactual.Demonstrated, yaml: "keepalive_idle: 0s"},
		{fault: "renegotiate-accept", more: "    tls:\n      profile: compatible\n      renegotiation: never\n", want: counterfactual.Demonstrated, yaml: "renegotiation: auto"},
		{fault: "renegotiate-insecure", more: "    tls:\n      profile: compatible\n", want: counterfactual.Demonstrated, yaml: "insecure_renegotiation: true"},
		{fault: "h2-stream-reset", want: counterfactual.Demonstrated, yaml: `http: "1.1"`},
		{fault: "h2-half-body", want: counterfactual.Demonstrated, yaml: `http: "1.1"`},
		{fault: "client-cert-required", want: counterfactual.NothingHelped},
		{fault: "tls-silence", want: counterfactual.NothingHelped},
		{fault: "reset-after-client-hello", want: counterfactual.NothingHelped},
		{fault: "cert-expired", want: counterfactual.NotWorth},
		{fault: "reset-after-request", want: counterfactual.NothingHelped},
	} {
		t.Run(c.fault, func(t *testing.T) {
			name := c.name
			if name == "" {
				name = lab.DefaultName
			}
			c.lab.Fault = c.fault
			l, err := lab.Start(t.Context(), c.lab)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			url := "https://" + l.Addr()
			if c.yaml == `server_name: "localhost"` {
				url = strings.Replace(url, "127.0.0.1", "localhost", 1)
			}
			oc := settingsFor(t, name, url, l.CA(), c.more)
			x := failOnce(t, oc, name, max(c.requests, 1))
			before := l.Connections()
			start := time.Now()
			d, _ := proveOnce(t, x, oc, failureKey(x, name))
			if d.Verdict != c.want || !strings.Contains(d.YAML, c.yaml) || c.yaml == "" && d.YAML != "" {
				t.Errorf("%s %q: %s\nattempt %+v", d.Verdict, d.YAML, d.Sentence, x.Attempts[len(x.Attempts)-1])
			}
			if n := l.Connections() - before; n > 12 || n != d.Connections {
				t.Errorf("the origin saw %d connections, %d are reported", n, d.Connections)
			}
			if took := time.Since(start); took > 5500*time.Millisecond {
				t.Errorf("it took %v", took)
			}
			t.Log(d.Sentence)
		})
	}
}

// TestProveCure: the lines that are said to cure it, put into the settings, do.
func TestProveCure(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Config{Fault: "version-intolerant"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	oc := settingsFor(t, lab.DefaultName, "https://"+l.Addr(), l.CA(), "")
	d, _ := proveOnce(t, failOnce(t, oc, lab.DefaultName, 1), oc, store.Key{Site: lab.DefaultName})
	lines, ok := strings.CutPrefix(d.YAML, "origin:\n")
	if !ok {
		t.Fatalf("no lines: %s", d.Sentence)
	}
	more := ""
	for _, line := range strings.SplitAfter(lines, "\n") {
		if line != "" {
			more += "  " + line
		}
	}
	cured := settingsFor(t, lab.DefaultName, "https://"+l.Addr(), l.CA(), more)
	if x := failOnce(t, cured, lab.DefaultName, 1); x.Attempts[0].Status != 200 {
		t.Errorf("with\n%s%+v", more, x.Attempts[0])
	}
}

// TestProveApache: over TLS 1.3 an origin that asks after the request gets no certificate and answers 403, over TLS 1.2 it
// gets the one that is configured.
func TestProveApache(t *testing.T) {
	ca := peer.NewCA(t)
	s := peer.Apache(t, peer.ApacheConfig{ClientCA: ca.File, Sites: []peer.ApacheSite{{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}}),
		Locations: []peer.ApacheLocation{{Path: "/x", VerifyClient: "require"}}}}})
	if err := os.WriteFile(filepath.Join(s.Root, "a.test", "x"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	client := ca.Issue(peer.Issue{Names: []string{"client.test"}, Client: true})
	pem, err := os.ReadFile(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	oc := settingsFor(t, "a.test", "https://"+s.Addr, pem, fmt.Sprintf("    tls:\n      client_certificate: {file: %q, key: %q}\n", client.File, client.Key))
	x := failOnce(t, oc, "a.test", 1)
	a := &x.Attempts[0]
	if a.Status != 403 || a.Reason != "" {
		t.Fatalf("not the case that is meant: %+v", a)
	}
	a.Finding = "tls.post_handshake_auth"
	d, _ := proveOnce(t, x, oc, store.Key{Site: "a.test", Cause: a.Finding})
	if d.Verdict != counterfactual.Demonstrated || !strings.Contains(d.YAML, `max_version: "1.2"`) {
		t.Errorf("%s %s", d.Verdict, d.Sentence)
	}
	log := s.Log("forensic.log")
	for _, secret := range []string{"secret"} {
		if n := strings.Count(log, secret); n != 3 { // target, Cookie, Authorization: of the visitor's request alone
			t.Errorf("%q was sent %d times:\n%s", secret, n, log)
		}
	}
	if !strings.Contains(log, "User-Agent:Lunette (proof)") {
		t.Error("a try does not say what it is")
	}
}

// TestProveNginx: suites of RSA key exchange alone, and a name that is told apart by SNI.
func TestProveNginx(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"a.test", "b.test"}, RSA: 2048})
	keys := fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;", cert.File, cert.Key)
	for _, c := range []struct {
		name, server string
		reason       reason.Code
		yaml         string
	}{
		{"old suites", "server { listen {{addr}} ssl; " + keys + " ssl_protocols TLSv1.2; ssl_ciphers AES128-SHA:@SECLEVEL=0; location / { return 200; } }",
			reason.TLSNoCommonCipher, "profile: compatible"},
		{"another name", "server { listen {{addr}} ssl default_server; ssl_reject_handshake on; } server { listen {{addr}} ssl; server_name b.test; " + keys + " location / { return 200; } }",
			reason.TLSUnrecognizedName, `server_name: "b.test"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := peer.Nginx(t, peer.NginxConfig{HTTP: c.server})
			pem, err := os.ReadFile(ca.File)
			if err != nil {
				t.Fatal(err)
			}
			oc := settingsFor(t, "a.test", "https://"+s.Addr, pem, "")
			oc.Host = "b.test" // the Host setting is another name that the origin may know
			x := failOnce(t, oc, "a.test", 1)
			if a := x.Attempts[0]; a.Reason != c.reason {
				t.Fatalf("not the case that is meant: %+v", a)
			}
			d, _ := proveOnce(t, x, oc, failureKey(x, "a.test"))
			if d.Verdict != counterfactual.Demonstrated || !strings.Contains(d.YAML, c.yaml) {
				t.Errorf("%s %s", d.Verdict, d.Sentence)
			}
		})
	}
}

// TestProveFlaky: nothing is claimed of an origin whose every other request fails.
func TestProveFlaky(t *testing.T) {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 1 {
			panic(http.ErrAbortHandler)
		}
	}))
	defer s.Close()
	oc := settingsFor(t, "a.test", s.URL, nil, "    timeouts: {keepalive_idle: 0s}\n")
	x := failOnce(t, oc, "a.test", 1)
	x.Attempts[0].Reused = true // so that there is something to change
	n.Store(0)
	d, _ := proveOnce(t, x, oc, failureKey(x, "a.test"))
	if d.Verdict == counterfactual.Demonstrated || d.YAML != "" {
		t.Errorf("%s: %s", d.Verdict, d.Sentence)
	}
}

// TestProver: one proof for an incident, bounded, told to the keeper and the log, with no secret in either.
func TestProver(t *testing.T) {
	l, err := lab.Start(t.Context(), lab.Config{Fault: "version-intolerant"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	oc := settingsFor(t, lab.DefaultName, "https://"+l.Addr(), l.CA(), "")
	x := failOnce(t, oc, lab.DefaultName, 1)
	key := failureKey(x, lab.DefaultName)
	sink, logged := &provenSink{}, &lockedBuffer{}
	told := make(chan struct{}, 4)
	p := newProver(t.Context(), tellsSink{sink, told}, nil, slog.New(slog.NewTextHandler(logged, nil)))
	before := l.Connections()
	for range 100 {
		p.Failed(x, oc, key)
	}
	<-told
	p.Failed(x, oc, key)
	p.close()
	if len(sink.told) != 1 || !strings.Contains(sink.told[0], `max_version: "1.2"`) {
		t.Errorf("told %q", sink.told)
	}
	if n := l.Connections() - before; n > 12 {
		t.Errorf("%d connections", n)
	}
	if text := logged.String(); strings.Contains(text, "secret") || !strings.Contains(text, "demonstrated") {
		t.Errorf("log: %s", text)
	}
	var nobodyAtAll *prover
	nobodyAtAll.Failed(x, oc, key)
}

type tellsSink struct {
	*provenSink
	told chan struct{}
}

func (s tellsSink) Proven(key store.Key, sentence, yaml string) {
	s.provenSink.Proven(key, sentence, yaml)
	s.told <- struct{}{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestNotRepeated: what may change something at the origin, what was not the origin's fault, and what asks for less is left alone.
func TestNotRepeated(t *testing.T) {
	good := func() *exchange.Exchange {
		x := &exchange.Exchange{ID: "01TEST", Request: exchange.Request{Method: "GET", Path: "/"}}
		sent := x.Request
		x.Attempts = []exchange.Attempt{{URL: "https://127.0.0.1:1", Reason: reason.TLSReset, ALPNSent: []string{"h2", "http/1.1"}, Sent: &sent}}
		x.Attempts[0].Address = addrOf("127.0.0.1:1")
		return x
	}
	oc, key := &config.Origin{}, store.Key{Site: "a.test"}
	if j := newProvable(good(), oc, key); j == nil || !j.c.Worth() {
		t.Fatal("the good case is not repeated")
	}
	for name, f := range map[string]func(*exchange.Exchange){
		"POST":         func(x *exchange.Exchange) { x.Request.Method = "POST" },
		"DELETE":       func(x *exchange.Exchange) { x.Request.Method = "DELETE" },
		"a body":       func(x *exchange.Exchange) { x.Request.Length = 1 },
		"an upgrade":   func(x *exchange.Exchange) { x.Request.Upgrade = "websocket" },
		"no address":   func(x *exchange.Exchange) { x.Attempts[0].Address = addrOf("") },
		"nothing sent": func(x *exchange.Exchange) { x.Attempts[0].Sent = nil },
		"no attempt":   func(x *exchange.Exchange) { x.Attempts = nil },
		"queue full":   func(x *exchange.Exchange) { x.Attempts[0].Reason = reason.LimitQueueFull },
		"client gone":  func(x *exchange.Exchange) { x.Attempts[0].Reason = reason.ClientGone },
		"refused":      func(x *exchange.Exchange) { x.Attempts[0].Reason = reason.TCPRefused },
		"503": func(x *exchange.Exchange) {
			x.Attempts[0].Reason, x.Attempts[0].Status, x.Attempts[0].Finding = "", 503, "origin.unavailable"
		},
	} {
		x := good()
		f(x)
		if j := newProvable(x, oc, key); j != nil && j.c.Worth() {
			t.Errorf("%s: repeated", name)
		}
	}
}

// TestProveSpares: a server that is out, and one whose connections are all in use, are left alone.
func TestProveSpares(t *testing.T) {
	for name, c := range map[string]struct {
		s    origin.Stats
		max  int
		want bool
	}{
		"well": {origin.Stats{Up: true, Open: 5}, 6, false}, "sick": {origin.Stats{}, 0, true}, "full": {origin.Stats{Up: true, Open: 6}, 6, true},
	} {
		p := &prover{state: func(string, string) (origin.Stats, bool) { return c.s, true }}
		if got := p.spared(&provable{origin: config.Origin{MaxConnections: c.max}}); (got != "") != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// TestProverTakes: once in ten minutes for an incident, and no more incidents than are remembered.
func TestProverTakes(t *testing.T) {
	p := &prover{recent: map[store.Key]time.Time{}}
	now := time.Unix(1000, 0)
	k := store.Key{Site: "a"}
	if !p.take(k, now) || p.take(k, now.Add(proveAgain-1)) || !p.take(k, now.Add(proveAgain)) {
		t.Error("not once in ten minutes")
	}
	for i := range proveRecent + 10 {
		p.take(store.Key{Site: fmt.Sprint(i)}, now.Add(proveAgain))
	}
	if len(p.recent) > proveRecent {
		t.Errorf("%d are remembered", len(p.recent))
	}
	if !p.take(store.Key{Site: "late"}, now.Add(3*proveAgain)) {
		t.Error("room is never made")
	}
}

func addrOf(s string) netip.AddrPort {
	a, _ := netip.ParseAddrPort(s)
	return a
}
