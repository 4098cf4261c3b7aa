package peer_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

// get asks with curl and wants 200.
func get(t *testing.T, args ...string) peer.CurlResult {
	t.Helper()
	res := peer.Curl(t, args...)
	if res.Exit != 0 || res.Status != 200 {
		t.Fatalf("curl %s: exit %d, status %d, %s", strings.Join(args, " "), res.Exit, res.Status, res.Stderr)
	}
	return res
}

// resolve makes curl go to the server under a name.
func resolve(s *peer.Server, name string) (url string, args []string) {
	host, port, _ := net.SplitHostPort(s.Addr)
	return "https://" + net.JoinHostPort(name, port), []string{"--resolve", name + ":" + port + ":" + host}
}

func TestApacheTellsSitesApart(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	s := peer.Apache(t, peer.ApacheConfig{HTTP2: true, Sites: []peer.ApacheSite{
		{Name: "a.test", Cert: ca.Issue(peer.Issue{Names: []string{"a.test"}})},
		{Name: "b.test", Cert: ca.Issue(peer.Issue{Names: []string{"b.test"}, RSA: 2048})},
	}})
	for _, name := range []string{"a.test", "b.test"} {
		url, to := resolve(s, name)
		res := get(t, append(to, "--cacert", ca.File, url+"/")...)
		if want := "apache " + name + "\n"; string(res.Body) != want || res.Proto != "2" {
			t.Errorf("%s answered %q over HTTP/%s, want %q over HTTP/2", name, res.Body, res.Proto, want)
		}
	}
}

func TestApacheTakesUploadsAndLogsThem(t *testing.T) {
	t.Parallel()
	s := peer.Apache(t, peer.ApacheConfig{Plain: true, Sites: []peer.ApacheSite{{Name: "a.test"}}})
	big := bytes.Repeat([]byte("lunette "), 300<<10/8)
	file := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(file, big, 0o600); err != nil {
		t.Fatal(err)
	}
	res := get(t, "--data-binary", "@"+file, "-H", "X-Odd:  a|b:c% ", "http://"+s.Addr+"/echo?x=%7C")
	if !bytes.Equal(res.Body, big) {
		t.Errorf("%d bytes came back, want the %d that were sent", len(res.Body), len(big))
	}
	seen := s.Received(t)
	if len(seen) != 1 || seen[0].Method != "POST" || seen[0].Target != "/echo?x=%7C" || seen[0].Get("x-odd") != "a|b:c%" {
		t.Errorf("it says that it received %q", seen)
	}
}

func TestNginx(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"n.test"}, Intermediate: true})
	s := peer.Nginx(t, peer.NginxConfig{Listeners: 2, HTTP: fmt.Sprintf(`
server { listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s; }
server { listen {{addr 1}}; location /dir { return 200 "{{dir}}"; } }`, cert.File, cert.Key)})
	url, to := resolve(s, "n.test")
	if res := get(t, append(to, "--cacert", ca.File, url+"/")...); string(res.Body) != "nginx\n" {
		t.Errorf("it answered %q", res.Body)
	}
	if res := get(t, "http://"+s.Addrs[1]+"/dir"); string(res.Body) != s.Dir {
		t.Errorf("the second listener answered %q, want %q", res.Body, s.Dir)
	}
}

func TestCertificatesFailAsTheyShould(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	for name, o := range map[string]peer.Issue{
		"expired":            {Names: []string{"n.test"}, Expired: true},
		"not yet valid":      {Names: []string{"n.test"}, NotYet: true},
		"self-signed":        {Names: []string{"n.test"}, SelfSigned: true},
		"wrong name":         {Names: []string{"other.test"}},
		"chain left out":     {Names: []string{"n.test"}, Intermediate: true, OmitChain: true},
		"for a client":       {Names: []string{"n.test"}, Client: true},
		"good":               {Names: []string{"n.test"}},
		"good, intermediate": {Names: []string{"n.test"}, Intermediate: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: ca.Issue(o)})
			url, to := resolve(s, "n.test")
			const badCertificate = 60 // curl's exit code
			want := badCertificate
			if strings.HasPrefix(name, "good") {
				want = 0
			}
			if res := peer.Curl(t, append(to, "--cacert", ca.File, url+"/")...); res.Exit != want {
				t.Errorf("curl ended with %d, want %d: %s", res.Exit, want, res.Stderr)
			}
		})
	}
}

func TestOldTLSServers(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"old.test"}, RSA: 2048})
	for name, s := range map[string]*peer.Server{
		"openssl": peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Args: []string{"-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"}}),
		"gnutls": peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: cert,
			Priority: "NONE:+VERS-TLS1.0:+RSA:+AES-128-CBC:+3DES-CBC:+SHA1:+COMP-NULL:+SIGN-ALL"}),
	} {
		url, to := resolve(s, "old.test")
		res := get(t, append(to, "--cacert", ca.File, "--tlsv1.0", "--tls-max", "1.0", "--ciphers", "AES128-SHA:@SECLEVEL=0", "--http0.9", url+"/")...)
		if len(res.Body) == 0 {
			t.Errorf("%s answered nothing", name)
		}
		if res := peer.Curl(t, append(to, "--cacert", ca.File, "--tlsv1.2", url+"/")...); res.Exit == 0 {
			t.Errorf("%s speaks TLS 1.2, which it should not", name)
		}
	}
}

func TestEchoOrigins(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"e.test"}})
	for _, origin := range peer.EchoOrigins() {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s tls=%v", origin.Name, secure), func(t *testing.T) {
				t.Parallel()
				var s *peer.Server
				var url string
				var args []string
				if secure {
					s = origin.Start(t, cert)
					url, args = resolve(s, "e.test")
					args = append(args, "--cacert", ca.File)
				} else {
					s = origin.Start(t, nil)
					url = "http://" + s.Addr
				}
				get(t, append(args, "-d", `a"b`, "-H", "X-Two: 1", "-H", "X-Two: 2", url+"/p/x%41y?q=%20")...)
				get(t, append(args, url+"/last")...)
				checkEcho(t, origin.Name, s.Await(t, "/last"))
			})
		}
	}
}

// checkEcho holds that the first of two requests was kept as it was sent.
func checkEcho(t *testing.T, origin string, seen []peer.Received) {
	t.Helper()
	if len(seen) != 2 {
		t.Fatalf("it received %d requests, want 2: %q", len(seen), seen)
	}
	r := seen[0]
	var twos []string
	for _, f := range r.Header {
		if strings.EqualFold(f[0], "X-Two") {
			twos = append(twos, f[1])
		}
	}
	if r.Method != "POST" || r.Target != "/p/x%41y?q=%20" {
		t.Errorf("it received %s %s", r.Method, r.Target)
	}
	// Apache shows fields of one name as one list, as RFC 9110 section 5.2 allows, and no body.
	if got := strings.Join(twos, ", "); got != "1, 2" {
		t.Errorf("it received X-Two: %s", got)
	}
	if want := `a"b`; string(r.Body) != want && origin != "apache" {
		t.Errorf("it received body %q, want %q", r.Body, want)
	}
}

// TestServersEndWithTheTestBinary shows that a server does not outlive a test binary that had no chance to clean up.
func TestServersEndWithTheTestBinary(t *testing.T) {
	if os.Getenv("PEER_TEST_ABANDON") != "" {
		s := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}}; }"})
		fmt.Printf("pid=%d\n", s.PID)
		os.Exit(0)
	}
	t.Parallel()
	peer.Need(t, "nginx", "nginx-light")
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersEndWithTheTestBinary$")
	cmd.Env = append(os.Environ(), "PEER_TEST_ABANDON=1", "TMPDIR="+t.TempDir()) // it leaves its folder behind
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	_, text, _ := strings.Cut(string(out), "pid=")
	var pid int
	if _, err := fmt.Sscan(text, &pid); err != nil {
		t.Fatalf("no pid in %q", out)
	}
	late, tick := time.After(10*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); os.IsNotExist(err) {
			return
		}
		select {
		case <-late:
			t.Fatalf("process %d outlived the test binary", pid)
		case <-tick.C:
		}
	}
}

func TestStopEndsTheProcess(t *testing.T) {
	t.Parallel()
	s := peer.Apache(t, peer.ApacheConfig{Plain: true, Sites: []peer.ApacheSite{{Name: "a.test"}}})
	s.Stop()
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", s.PID)); !os.IsNotExist(err) {
		t.Errorf("process %d is still there: %v", s.PID, err)
	}
	if c, err := net.Dial("tcp", s.Addr); err == nil {
		_ = c.Close()
		t.Errorf("%s still accepts", s.Addr)
	}
}

// TestMissingPeer shows both answers to a program that is not there.
func TestMissingPeer(t *testing.T) {
	for setting, want := range map[string]string{"": "skip", "required": "fatal"} {
		t.Setenv("LUNETTE_PEERS", setting)
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			peer.Need(r, "no-such-program", "no-such-package")
		}()
		<-done
		if r.outcome != want || !strings.Contains(r.text, "apt-get install no-such-package") {
			t.Errorf("LUNETTE_PEERS=%q: %s %q, want %s and the package's name", setting, r.outcome, r.text, want)
		}
	}
}
