package doctor

import (
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/lunette-waf/lunette/test/peer"
)

// resolver answers every question for A with these addresses.
func resolver(t *testing.T, addrs ...string) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		for _, a := range addrs {
			if rr, err := dns.NewRR(q.Question[0].Name + " 60 IN A " + a); err == nil && q.Question[0].Qtype == dns.TypeA {
				m.Answer = append(m.Answer, rr)
			}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return pc.LocalAddr().String()
}

// TestDeadAddress holds that one dead address of several is named, as a warning: the others serve.
func TestDeadAddress(t *testing.T) {
	t.Parallel()
	s, ca := serve(t, new(listener))
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.URL, "https://"))
	for _, addrs := range [][]string{{"127.0.0.1", "127.0.0.9"}, {"127.0.0.9", "127.0.0.1", "127.0.0.8"}} {
		got := examine(t, 0, "https://example.com:"+port+"/", "--resolver", resolver(t, addrs...), "--ca", ca)
		i := slices.IndexFunc(got.Findings, func(f finding) bool { return f.Code == "tcp.refused" })
		if i < 0 || got.Findings[i].Severity != "warning" || strings.Contains(got.Findings[i].Summary, "127.0.0.8:"+port) != (len(addrs) == 3) || !strings.Contains(got.Findings[i].Summary, "127.0.0.9:"+port) || !got.Settings.Proven {
			t.Errorf("%v: %s %+v", addrs, got.all(), got.Findings)
		}
	}
}

// TestViaOwnCertificate holds that what the gateway shows and answers is not taken for the origin's.
func TestViaOwnCertificate(t *testing.T) {
	t.Parallel()
	s, ca := serve(t, new(listener))
	at := strings.TrimPrefix(s.URL, "https://")
	front, _ := strange(t)
	got := examine(t, 0, ask("example.com", "/", at, "--ca", ca, "--via", front)...)
	if got.first() != "" {
		t.Errorf("another certificate: %s", got.all())
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	got = examine(t, 3, ask("example.com", "/", at, "--ca", ca, "--via", ln.Addr().String())...)
	if got.first() != "" || !got.said("gateway", "refused") {
		t.Errorf("no gateway: %s", got.all())
	}
}

// strange is a server with a certificate of its own making.
func strange(t *testing.T) (addr, ca string) {
	t.Helper()
	cert := peer.NewCA(t).Issue(peer.Issue{Names: []string{"front.test"}, SelfSigned: true})
	pair, err := tls.LoadX509KeyPair(cert.File, cert.Key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: new(listener)}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close() })
	ca = filepath.Join(t.TempDir(), "front.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}), 0o600); err != nil {
		t.Fatal(err)
	}
	return ln.Addr().String(), ca
}

// TestLogIn holds that a log-in bound to a connection is told, and a request without it is not called a fault.
func TestLogIn(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"intra.test"}})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl http2; ssl_certificate " + cert.File + "; ssl_certificate_key " + cert.Key +
		"; add_header WWW-Authenticate NTLM always; add_header WWW-Authenticate Negotiate always; return 401; }"})
	got := examine(t, 0, ask("intra.test", "/", s.Addr, "--ca", ca.File)...)
	if !got.said("http", "asks for NTLM, Negotiate; it was not tried") || !got.said("http", "two requests on HTTP/2") || got.first() != "" {
		t.Errorf("%s %+v", got.all(), got.Lines)
	}
}

// TestWrongScheme holds that a port that speaks TLS is named where it is asked in clear.
func TestWrongScheme(t *testing.T) {
	t.Parallel()
	s, _ := serve(t, new(listener))
	at := strings.TrimPrefix(s.URL, "https://")
	got := examine(t, 1, "http://example.com/", "--origin", at)
	if got.first() != "tls.plain_http_on_tls_port" || !strings.Contains(got.Settings.Unknown, "https://"+at) {
		t.Errorf("%s", got.all())
	}
}

// TestApplicationError holds that settings are not called proven by an error of the application.
func TestApplicationError(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"sick.test"}})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; ssl_certificate " + cert.File + "; ssl_certificate_key " + cert.Key + "; return 500; }"})
	got := examine(t, -1, ask("sick.test", "/", s.Addr, "--ca", ca.File)...)
	if got.Verdict == "healthy" || got.Settings.Proven || !strings.Contains(got.Settings.Proof, "not proven: ") {
		t.Errorf("%s", got.all())
	}
}
