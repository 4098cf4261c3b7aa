package oracle_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// servers are origins of other makes, and what is fetched from them.
type servers struct {
	*rig
	cert                   *peer.Cert // of the client
	apache, gnutls, tomcat *peer.Server
	posted                 string // file
}

// TestServers opens connections of Apache with curl (HTTP/1.1 and HTTP/2, renegotiation with change of suite, post-handshake
// authentication), GnuTLS with its own client, and the JDK (Tomcat) with OpenSSL
// and with itself, hellos of SSL 2.0 included.
func TestServers(t *testing.T) {
	s := &servers{rig: newRig(t)}
	s.start(t)
	t.Setenv("SSLKEYLOGFILE", filepath.Join(s.dir, "others.keys"))
	var all []string
	m := &made{key: s.rsa.Key, known: map[string][2]string{}, shows: shownByServers()}
	for _, one := range []*peer.Server{s.apache, s.gnutls, s.tomcat} {
		all = append(all, one.Addr)
		m.ports = append(m.ports, portOf(one.Addr))
	}
	m.path = peer.Capture(t, all, func() {
		s.curl(t)
		s.gnutlsClient(t)
		s.java(t)
	})
	m.keys = s.keys(t)
	m.check(t)
}

func (s *servers) start(t *testing.T) {
	t.Helper()
	ca := peer.NewCA(t)
	s.cert = ca.Issue(peer.Issue{CommonName: "a client", Client: true, RSA: 2048})
	s.apache = peer.Apache(t, peer.ApacheConfig{
		MinTLS: "1.0", HTTP2: true, ClientCA: ca.File,
		Sites: []peer.ApacheSite{{Name: "rsa.test", Cert: s.rsa, Locations: []peer.ApacheLocation{
			{Path: "/optional", VerifyClient: "optional"}, {Path: "/require", VerifyClient: "require"},
			{Path: "/cbc", Ciphers: "AES256-SHA256"}, {Path: "/gcm", Ciphers: "AES256-GCM-SHA384"}, {Path: "/chacha", Ciphers: "ECDHE-RSA-CHACHA20-POLY1305"},
		}}},
	})
	for _, name := range []string{"", "optional", "require", "cbc", "gcm", "chacha"} {
		path := filepath.Join(s.apache.Root, "rsa.test", name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, page), s.body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s.gnutls = peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: s.rsa, Priority: gnutlsAll})
	s.tomcat = peer.Tomcat(t, peer.TomcatConfig{Cert: s.rsa, Weak: true, Protocols: "SSLv3+SSLv2Hello+TLSv1+TLSv1.1+TLSv1.2+TLSv1.3",
		Ciphers: "TLS_AES_128_GCM_SHA256,TLS_CHACHA20_POLY1305_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA,TLS_RSA_WITH_AES_256_CBC_SHA256," +
			"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_DHE_RSA_WITH_AES_128_CBC_SHA"})
	s.posted = filepath.Join(s.dir, "posted")
	if err := os.WriteFile(s.posted, filler("posted", 200_000), 0o600); err != nil {
		t.Fatal(err)
	}
}

func shownByServers() map[string]func(*seen) bool {
	http2 := func(s *seen) bool { return s.HTTP == "HTTP/2" }
	renegotiated := func(s *seen) bool { return s.TLS.Answer == "complied" && s.TLS.Handshakes == 2 }
	changed := func(s *seen) bool { return renegotiated(s) && s.TLS.Suite != s.TLS.FirstSuite }
	asked := func(s *seen) bool { return s.count(fact.TLSPostHandshakeAuth) > 0 }
	resumed := func(s *seen) bool { return s.TLS.Resumed != "" }
	split := func(s *seen) bool { // the JDK sends the first byte of all but the first record in a record of its own
		records := 0
		for i := range s.Facts {
			if f := &s.Facts[i]; f.Kind == fact.TLSApplicationData && f.Side == fact.SideServer {
				records += f.Code
			}
		}
		const buffer = 8 << 10 // Tomcat's
		return records > len(s.sent[fact.SideServer])/buffer+1
	}
	opened := func(s *seen) bool { return s.TLS.Handshakes == 1 && s.count(fact.TLSFinished) == 2 }
	return map[string]func(*seen) bool{"h2.": http2, "reneg.": renegotiated, "change.": changed, "pha.": asked, "again.": resumed, "split.": split,
		"key unnamed.0300": opened, "key unnamed.0301": opened}
}

// curl fetches from Apache.
func (s *servers) curl(t *testing.T) {
	t.Helper()
	cert := "--cert " + s.cert.File + " --key " + s.cert.Key
	for _, c := range []struct{ name, args, paths string }{
		{"h1.tls13", "--http1.1", "/ /" + page + " /missing"},
		{"h2.tls13", "--http2", "/ /" + page + " /missing"},
		{"h2.tls12", "--http2 --tls-max 1.2", "/ /" + page},
		{"h1.tls10", "--http1.1 --tls-max 1.0 --tlsv1.0 --ciphers AES128-SHA:@SECLEVEL=0", "/ /" + page},
		{"post.h1", "--http1.1 --data-binary @" + s.posted, "/echo"},
		{"post.h2.tls13", "--http2 --data-binary @" + s.posted, "/missing"},
		{"reneg.optional", "--http1.1 --tls-max 1.2", "/optional/" + page + " /optional/" + page},
		{"reneg.cert", "--http1.1 --tls-max 1.2 " + cert, "/require/" + page + " /" + page},
		{"reneg.tls10", "--http1.1 --tls-max 1.0 --tlsv1.0 --ciphers AES256-SHA:@SECLEVEL=0 " + cert, "/require/" + page},
		{"reneg.rsa", "--http1.1 --tls-max 1.2 --ciphers AES128-GCM-SHA256 " + cert, "/require/" + page},
		{"change.tocbc", "--http1.1 --tls-max 1.2 --ciphers AES128-GCM-SHA256:AES256-SHA256", "/cbc/" + page + " /" + page},
		{"change.togcm", "--http1.1 --tls-max 1.2 --ciphers AES128-SHA:AES256-GCM-SHA384", "/gcm/" + page},
		{"change.tochacha", "--http1.1 --tls-max 1.2 --ciphers AES128-SHA:ECDHE-RSA-CHACHA20-POLY1305", "/chacha/" + page + " /" + page},
		{"pha.optional", "--http1.1", "/optional/" + page},
		{"pha.cert", "--http1.1 " + cert, "/require/" + page + " /require/" + page},
	} {
		args := append([]string{"-k", "--connect-to", "::" + s.apache.Addr}, strings.Fields(c.args)...)
		for path := range strings.FieldsSeq(c.paths) {
			args = append(args, "https://"+c.name+".test"+path)
		}
		res := peer.Curl(t, args...)
		if cut := 92; c.name == "post.h2.tls13" && res.Exit == cut {
			continue // Apache answers before it has read all of the body, and resets the stream
		}
		if res.Exit != 0 || res.Status != http.StatusOK && res.Status != http.StatusNotFound {
			t.Errorf("%s: %+v", c.name, res)
		}
	}
}

// gnutlsAll is everything that GnuTLS can do with an RSA certificate.
const gnutlsAll = "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1:+RSA:+DHE-RSA:+3DES-CBC:+ARCFOUR-128:+MD5:+SHA1:+CAMELLIA-128-GCM:+CAMELLIA-256-GCM:" +
	"+CAMELLIA-128-CBC:+CAMELLIA-256-CBC:+AES-128-CCM:+AES-256-CCM:+AES-128-CCM-8:+AES-256-CCM-8:+SHA256:+SHA384"

// gnutlsClient fetches from GnuTLS. Its records have random padding.
func (s *servers) gnutlsClient(t *testing.T) {
	t.Helper()
	const only = "NORMAL:-VERS-ALL:-KX-ALL:-CIPHER-ALL:-MAC-ALL:"
	for _, c := range []struct{ name, priority, args string }{
		{"3des.tls10", only + "+VERS-TLS1.0:+RSA:+3DES-CBC:+SHA1", ""},
		{"3des.tls12", only + "+VERS-TLS1.2:+DHE-RSA:+3DES-CBC:+SHA1:%NO_ETM", ""},
		{"rc4-md5.tls10", only + "+VERS-TLS1.0:+RSA:+ARCFOUR-128:+MD5", ""},
		{"rc4-sha.tls12", only + "+VERS-TLS1.2:+ECDHE-RSA:+ARCFOUR-128:+SHA1", ""},
		{"camellia128gcm", only + "+VERS-TLS1.2:+RSA:+CAMELLIA-128-GCM:+AEAD", ""},
		{"camellia256gcm", only + "+VERS-TLS1.2:+ECDHE-RSA:+CAMELLIA-256-GCM:+AEAD", ""},
		{"camellia256cbc", only + "+VERS-TLS1.1:+RSA:+CAMELLIA-256-CBC:+SHA1", ""},
		{"aes128ccm", only + "+VERS-TLS1.2:+RSA:+AES-128-CCM:+AEAD", ""},
		{"aes256ccm8", only + "+VERS-TLS1.2:+DHE-RSA:+AES-256-CCM-8:+AEAD", ""},
		{"sha384", only + "+VERS-TLS1.2:+ECDHE-RSA:+AES-256-CBC:+SHA384", ""},
		{"sha256-mte", only + "+VERS-TLS1.2:+RSA:+AES-128-CBC:+SHA256:%NO_ETM", ""},
		{"noems", only + "+VERS-TLS1.2:+RSA:+AES-128-CBC:+SHA1:%NO_SESSION_HASH", ""},
		{"rehandshake", only + "+VERS-TLS1.2:+RSA:+AES-128-GCM:+AEAD", "--rehandshake"},
		{"tls13", "NORMAL:-VERS-ALL:+VERS-TLS1.3", ""},
	} {
		s.gnutlsCLI(t, s.gnutls.Addr, c.name+".gnutls.test", c.priority, strings.Fields(c.args)...)
	}
}

func (s *servers) gnutlsCLI(t *testing.T, addr, name, priority string, more ...string) {
	t.Helper()
	args := append([]string{"--insecure", "--priority=" + priority, "--sni-hostname=" + name, "--port=" + portOf(addr), "127.0.0.1"}, more...)
	cmd := exec.Command(peer.Need(t, "gnutls-cli", "gnutls-bin"), args...)
	c := &client{said: &output{}}
	cmd.Stdout, cmd.Stderr = c.said, c.said
	var err error
	if c.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	c.ended = run(t, cmd)
	c.kill = cmd.Process.Kill
	c.heard(t, "Simple Client Mode")
	_, _ = io.WriteString(c.in, "GET / HTTP/1.0\r\n\r\n")
	c.wait(t)
}

// java fetches from Tomcat: its CBC records of TLS 1.0 begin with one of a single byte.
func (s *servers) java(t *testing.T) {
	t.Helper()
	body := filler("posted", 30_000)
	ask := func(name string, args ...string) {
		cl := s.rig.client(t, s.tomcat.Addr, name+".java.test", "", append([]string{"-ign_eof"}, args...)...)
		cl.write(t, fmt.Sprintf("POST / HTTP/1.1\r\nHost: java.test\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		cl.wait(t)
	}
	for _, protocols := range []string{"SSLv3", "SSLv2Hello,SSLv3", "SSLv2Hello,TLSv1"} {
		s.keytool(t, protocols)
	}
	session := filepath.Join(s.dir, "java.session")
	ask("split.tls1", "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0")
	ask("cbc.tls11", "-tls1_1", "-cipher", "AES128-SHA:@SECLEVEL=0")
	ask("split.dhe.tls1", "-tls1", "-cipher", "DHE-RSA-AES128-SHA:@SECLEVEL=0")
	ask("cbc.tls12", "-tls1_2", "-cipher", "AES256-SHA256", "-sess_out", session)
	ask("again.tls12", "-tls1_2", "-cipher", "AES256-SHA256", "-sess_in", session)
	ask("gcm.tls12", "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384")
	ask("tls13", "-tls1_3", "-sess_out", session)
	ask("again.tls13", "-tls1_3", "-sess_in", session)
	ask("chacha.tls13", "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
}

// keytool has the JDK connect to Tomcat, for its certificate; nothing is said but the handshake.
func (s *servers) keytool(t *testing.T, protocols string) {
	t.Helper()
	weak := filepath.Join(s.dir, "weak.security")
	if err := os.WriteFile(weak, []byte("jdk.tls.disabledAlgorithms=\njdk.tls.legacyAlgorithms=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(peer.Need(t, "keytool", "default-jre-headless"), "-J-Djava.security.properties="+weak, "-J-Djdk.tls.client.protocols="+protocols,
		"-J-Djdk.tls.client.cipherSuites=TLS_RSA_WITH_AES_128_CBC_SHA", "-printcert", "-sslserver", s.tomcat.Addr).CombinedOutput()
	if err != nil {
		t.Errorf("keytool with %s: %v\n%s", protocols, err, out)
	}
}
