package decrypt

import (
	"bufio"
	"encoding/hex"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// tap is a listener that passes one connection after another on to addr and keeps what both ends say.
func tap(t *testing.T, addr string) (at string, taken chan *wire) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	taken = make(chan *wire, 8)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", addr)
			if err != nil {
				c.Close()
				return
			}
			w := &wire{}
			done := make(chan bool, 2)
			pass := func(side fact.Side, from, to net.Conn) {
				buf := make([]byte, 1<<16)
				for {
					n, err := from.Read(buf)
					if n > 0 {
						w.write(side, buf[:n])
						if _, err := to.Write(buf[:n]); err != nil {
							break
						}
					}
					if err != nil {
						break
					}
				}
				to.(*net.TCPConn).CloseWrite()
				done <- true
			}
			go pass(fact.SideClient, c, s)
			pass(fact.SideServer, s, c)
			<-done
			c.Close()
			s.Close()
			taken <- w
		}
	}()
	return ln.Addr().String(), taken
}

// opensslClient runs s_client against an s_server that says each line backwards; a script line of one letter is a command to it.
func opensslClient(t *testing.T, addr string, args, script []string) {
	t.Helper()
	cmd := exec.Command(peer.Need(t, "openssl", "openssl"), append([]string{"s_client", "-connect", addr}, args...)...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 100) // what it says of commands
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if text := lines.Text(); text == "RENEGOTIATING" || text == "KEYUPDATE" {
				said <- text
			}
		}
		close(said)
	}()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	for _, line := range script {
		io.WriteString(in, line+"\n")
		if len(line) == 1 { // it drops what comes with the command
			if <-said == "" {
				t.Fatalf("no command %q", line)
			}
			continue
		}
		back := []byte(line)
		for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
			back[i], back[j] = back[j], back[i]
		}
		for found := false; !found; found = strings.Contains(lines.Text(), string(back)) {
			if !lines.Scan() {
				t.Fatalf("no answer to %q", line)
			}
		}
	}
	io.WriteString(in, "Q\n")
	in.Close()
	io.Copy(io.Discard, out)
	cmd.Wait()
}

// OpenSSL speaks what Go does not: pre-shared keys, ARIA, Camellia, CCM, renegotiation and KeyUpdate by the client, anonymous suites.
func TestOpenSSL(t *testing.T) {
	const psk = "00112233445566778899aabbccddeeff"
	pskArgs := []string{"-psk", psk, "-psk_identity", "lunette"}
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"origin.test"}, RSA: 2048})
	legacy := func(cipher, version string) []string { return []string{"-cipher", cipher + ":@SECLEVEL=0", version} }
	for _, c := range []struct {
		name       string
		both       []string // arguments of server and client
		client     []string
		server     []string
		script     []string
		by         string // "psk", "key", "log"
		handshakes int
		messages   map[fact.Kind]int
	}{
		{name: "PSK GCM", both: append(legacy("PSK-AES128-GCM-SHA256", "-tls1_2"), pskArgs...), by: "psk"},
		{name: "PSK CBC 1.0", both: append(legacy("PSK-AES128-CBC-SHA", "-tls1"), pskArgs...), by: "psk"},
		{name: "PSK CCM8", both: append(legacy("PSK-AES256-CCM8", "-tls1_2"), pskArgs...), by: "psk"},
		{name: "PSK ChaCha20", both: append(legacy("PSK-CHACHA20-POLY1305", "-tls1_2"), pskArgs...), by: "psk"},
		{name: "DHE_PSK", both: append(legacy("DHE-PSK-AES256-GCM-SHA384", "-tls1_2"), pskArgs...), by: "log"},
		{name: "RSA_PSK", both: append(legacy("RSA-PSK-AES128-GCM-SHA256", "-tls1_2"), pskArgs...), by: "key and psk"},
		{name: "RSA_PSK CBC", both: append(legacy("RSA-PSK-AES256-CBC-SHA384", "-tls1_2"), pskArgs...), by: "key and psk"},
		{name: "ARIA", both: legacy("ECDHE-ARIA256-GCM-SHA384", "-tls1_2"), by: "log"},
		{name: "ARIA RSA", both: legacy("ARIA128-GCM-SHA256", "-tls1_2"), by: "key"},
		{name: "Camellia", both: legacy("CAMELLIA256-SHA256", "-tls1_2"), by: "key"},
		{name: "Camellia 1.0", both: legacy("CAMELLIA128-SHA", "-tls1"), by: "key"},
		{name: "NULL", both: legacy("NULL-SHA256", "-tls1_2"), by: "key"},
		{name: "anonymous", both: legacy("ADH-AES128-GCM-SHA256", "-tls1_2"), by: "log"},
		{name: "client renegotiates", both: legacy("AES128-GCM-SHA256", "-tls1_2"), script: []string{"hello", "R", "again", "R", "more"}, by: "key", handshakes: 3},
		{name: "client renegotiates 1.0", both: legacy("AES128-SHA", "-tls1"), script: []string{"hello", "R", "again"}, by: "key", handshakes: 2},
		{name: "client renegotiates ECDHE", both: legacy("ECDHE-RSA-AES128-SHA256", "-tls1_2"), script: []string{"hello", "R", "again"}, by: "log", handshakes: 2},
		{name: "KeyUpdate", both: []string{"-tls1_3"}, script: []string{"hello", "K", "again", "k", "more"}, by: "log", messages: map[fact.Kind]int{fact.TLSKeyUpdate: 3}},
		{name: "1.3 CCM", both: []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"}, by: "log"},
		{name: "1.3 PSK alone", both: append([]string{"-tls1_3", "-allow_no_dhe_kex", "-ciphersuites", "TLS_AES_128_GCM_SHA256"}, pskArgs...), client: []string{"-groups", "P-256"}, server: []string{"-groups", "P-384"}, by: "psk"},
		{name: "1.3 PSK with DHE", both: append([]string{"-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"}, pskArgs...), by: "log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "keys.txt")
			server := peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: cert, Raw: true, Args: slices.Concat([]string{"-rev", "-client_renegotiation", "-keylogfile", log}, c.both, c.server)})
			at, taken := tap(t, server.Addr)
			if c.script == nil {
				c.script = []string{"hello", "a longer line of text"}
			}
			opensslClient(t, at, slices.Concat(c.both, c.client), c.script)
			conv := (<-taken).out
			st := secrets.New()
			if strings.Contains(c.by, "psk") {
				key, _ := hex.DecodeString(psk)
				st.AddPSK(key)
			}
			if strings.Contains(c.by, "key") {
				text, err := os.ReadFile(cert.Key)
				if err != nil {
					t.Fatal(err)
				}
				if err := st.AddPrivateKey("key", text, nil); err != nil {
					t.Fatal(err)
				}
			}
			if c.by == "log" {
				text, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err)
				}
				st = storeFrom(t, string(text))
			}
			s, l := play(conv, st)
			i := s.Info()
			want := ""
			for _, line := range c.script {
				if len(line) > 1 {
					want += line + "\n"
				}
			}
			if string(l.plain[1]) != want || i.Closed > 0 || i.Why != WhyNot || i.Handshakes != max(1, c.handshakes) {
				t.Errorf("%q, %+v", l.plain[1], i)
			}
			for kind, n := range c.messages {
				if l.count(kind) != n {
					t.Errorf("%d times %s, want %d", l.count(kind), kind, n)
				}
			}
			if s, _ := play(conv, nil); s.Info().HelloRequests != 0 || s.Info().Handshakes < i.Handshakes && i.Version < 0x0304 {
				t.Errorf("without keys: %+v", s.Info())
			}
			if t.Failed() {
				l.dump(t)
			}
		})
	}
}
