package oracle_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestDialogues opens what OpenSSL does beyond a plain handshake: resumption, renegotiation, early data, KeyUpdate, HelloRetryRequest,
// client certificates, small and padded records.
func TestDialogues(t *testing.T) {
	t.Parallel()
	d := &dialogues{rig: newRig(t), known: map[string][2]string{}}
	d.start(t)
	path := peer.Capture(t, d.addrs, func() {
		d.suites13(t)
		d.resumption(t)
		d.renegotiation(t)
		d.typed(t)
		d.earlyData(t)
		d.odd(t)
	})
	m := &made{path: path, keys: d.keys(t), key: d.rsa.Key, known: d.known, shows: shownByDialogues()}
	for _, addr := range d.addrs {
		m.ports = append(m.ports, portOf(addr))
	}
	m.check(t)
}

// shownByDialogues are what connections must show, by a part of their name: or the test would not test what it says.
func shownByDialogues() map[string]func(*seen) bool {
	return map[string]func(*seen) bool{
		"retry":     func(s *seen) bool { return s.count(fact.TLSHelloRetryRequest) == 1 },
		"second.":   func(s *seen) bool { return s.TLS.Resumed != "" },
		"third.":    func(s *seen) bool { return s.TLS.Resumed != "" },
		".reneg":    func(s *seen) bool { return s.TLS.Answer == "complied" && s.TLS.Handshakes == 2 },
		".hasty":    func(s *seen) bool { return s.TLS.Answer == "complied" && s.TLS.Handshakes == 1 },
		".refused":  func(s *seen) bool { return s.TLS.Answer == "refused" },
		"asked-":    func(s *seen) bool { return s.count(fact.TLSRenegotiated) > 0 && s.TLS.HelloRequests == 0 },
		"keyupdate": func(s *seen) bool { return s.count(fact.TLSKeyUpdate) > 2 },
		"accepted":  func(s *seen) bool { return s.TLS.EarlyData },
		"rejected":  func(s *seen) bool { return !s.TLS.EarlyData && len(s.sent[fact.SideClient]) > 4000 },
		"retried": func(s *seen) bool {
			return s.count(fact.TLSHelloRetryRequest) == 1 && len(s.sent[fact.SideClient]) > 4000
		},
		"no-cert": func(s *seen) bool { return s.TLS.CertificateRequested && !s.TLS.ClientCertificate },
		"-cert.":  func(s *seen) bool { return s.TLS.CertificateRequested },
	}
}

type dialogues struct {
	*rig
	addrs []string
	known map[string][2]string
	dir   string

	reversing []string // one for each of typedLines

	pages, status, noTickets, p384, early, early2, early384, tiny, asks string // addresses of servers
}

// start starts the servers, each for one matter.
func (d *dialogues) start(t *testing.T) {
	t.Helper()
	ca := peer.NewCA(t)
	for _, s := range []struct {
		addr *string
		args string
	}{
		{&d.pages, "-WWW -ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"},
		{&d.status, "-www"},
		{&d.noTickets, "-WWW -no_ticket"},
		{&d.p384, "-WWW -groups P-384"},
		{&d.early, "-early_data -max_early_data 16384"},
		{&d.early2, "-early_data -max_early_data 16384"},
		{&d.early384, "-early_data -max_early_data 16384 -groups P-384"},
		{&d.tiny, "-WWW -max_send_frag 512 -record_padding 100"},
		{&d.asks, "-WWW -verify 1 -CAfile " + ca.File},
	} {
		*s.addr = d.server(t, strings.Fields(s.args)...).Addr
		d.addrs = append(d.addrs, *s.addr)
	}
	for range typedLines() {
		d.reversing = append(d.reversing, d.server(t, "-rev", "-client_renegotiation").Addr)
	}
	d.addrs = append(d.addrs, d.reversing...)
	d.dir = t.TempDir()
}

// get fetches the page; what is said is known then.
func (d *dialogues) get(t *testing.T, server, name, args string) {
	t.Helper()
	d.known[name] = [2]string{request(name), d.answer()}
	d.fetch(t, server, name, "", strings.Fields(args)...)
}

func (d *dialogues) suites13(t *testing.T) {
	t.Helper()
	for _, suite := range []string{"AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256", "AES_128_CCM_SHA256", "AES_128_CCM_8_SHA256"} {
		d.get(t, d.pages, strings.ToLower(strings.ReplaceAll(suite, "_", "-"))+".tls13.test", "-tls1_3 -ciphersuites TLS_"+suite)
	}
	for _, group := range []string{"X25519", "X448", "P-256", "P-521", "ffdhe2048"} {
		d.get(t, d.pages, strings.ToLower(group)+".tls13.test", "-tls1_3 -groups "+group)
	}
	d.get(t, d.p384, "retry.tls13.test", "-tls1_3 -groups X25519:P-384")
	d.get(t, d.p384, "retry-no-middlebox.tls13.test", "-tls1_3 -groups X25519:P-384 -no_middlebox")
	d.get(t, d.pages, "psk.tls13.test", "-tls1_3 -psk "+psk)
}

// resumption resumes sessions of a full handshake, by session id, ticket and PSK, with RSA and ephemeral key exchange, and a second time.
func (d *dialogues) resumption(t *testing.T) {
	t.Helper()
	for _, c := range []struct{ name, server, args string }{
		{"ticket-rsa.tls12", d.pages, "-tls1_2 -cipher AES128-GCM-SHA256"},
		{"ticket-rsa.tls1", d.pages, "-tls1 -cipher AES128-SHA:@SECLEVEL=0"},
		{"ticket-ecdhe.tls12", d.pages, "-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305"},
		{"id-rsa.tls12", d.noTickets, "-tls1_2 -cipher AES256-SHA256"},
		{"id-rsa.tls11", d.noTickets, "-tls1_1 -cipher AES256-SHA:@SECLEVEL=0"},
		{"id-ecdhe.tls12", d.noTickets, "-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384"},
		{"psk-ecdhe.tls13", d.pages, "-tls1_3"},
	} {
		session := filepath.Join(d.dir, c.name)
		d.get(t, c.server, "first."+c.name+".test", c.args+" -sess_out "+session)
		d.get(t, c.server, "second."+c.name+".test", c.args+" -sess_in "+session+" -sess_out "+session)
		d.get(t, c.server, "third."+c.name+".test", c.args+" -sess_in "+session)
	}
}

// renegotiation has the server ask for one, in the middle of a request, and goes on when it is done; with hasty requests, which are
// there whole, the server answers under the old keys and lets the handshake lie.
func (d *dialogues) renegotiation(t *testing.T) {
	t.Helper()
	for _, c := range []struct{ name, path, args string }{
		{"gcm.reneg", "/reneg", "-tls1_2 -cipher AES128-GCM-SHA256"},
		{"cbc.reneg", "/reneg", "-tls1 -cipher AES128-SHA:@SECLEVEL=0"},
		{"chacha.reneg", "/reneg", "-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305"},
		{"null.reneg", "/reneg", "-tls1_2 -cipher NULL-SHA256:@SECLEVEL=0"},
		{"gcm.renegcert", "/renegcert", "-tls1_2 -cipher AES128-GCM-SHA256"},
		{"etm.renegcert", "/renegcert", "-tls1_1 -cipher AES256-SHA:@SECLEVEL=0"},
		{"cert.renegcert", "/renegcert", "-tls1_2 -cipher ECDHE-RSA-AES128-SHA256 -cert " + d.rsa.File + " -key " + d.rsa.Key},
		{"gcm.hasty", "/reneg", "-tls1_2 -cipher AES128-GCM-SHA256"},
		{"cbc.hasty", "/renegcert", "-tls1_2 -cipher AES128-SHA"},
		{"gcm.refused", "/reneg", "-tls1_2 -cipher AES256-GCM-SHA384 -no_renegotiation"},
		{"cbc.refused", "/reneg", "-tls1 -cipher AES256-SHA:@SECLEVEL=0 -no_renegotiation"},
	} {
		cl := d.client(t, d.status, c.name+".test", "", append([]string{"-ign_eof", "-msg"}, strings.Fields(c.args)...)...)
		if line := "GET " + c.path + " HTTP/1.0\r\n"; strings.Contains(c.name, "reneg") {
			cl.write(t, line)
			for _, message := range []string{"HelloRequest", "Finished", "Finished"} {
				cl.heard(t, message)
			}
			_, _ = io.WriteString(cl.in, "\r\n") // the server may have answered already
		} else {
			cl.write(t, line+"\r\n")
		}
		cl.wait(t)
	}
}

// typedLines are dialogues with servers that say each line backwards. A capital letter is a command of s_client: R renegotiates, K and
// k update keys, with and without asking for the same. The server sleeps for a second after each command.
func typedLines() []struct{ name, args, lines string } {
	return []struct{ name, args, lines string }{
		{"keyupdate.tls13", "-tls1_3", "one K two k k three"},
		{"keyupdate-chacha.tls13", "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256", "one k two K K three"},
		{"asked-gcm.tls12", "-tls1_2 -cipher AES256-GCM-SHA384", "one R two R three"},
		{"asked-cbc.tls1", "-tls1 -cipher AES128-SHA:@SECLEVEL=0", "one R two three"},
		{"asked-etm.tls11", "-tls1_1 -cipher AES128-SHA:@SECLEVEL=0", "one R two"},
		{"asked-ecdhe.tls12", "-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM8:@SECLEVEL=0", "one R two"},
		{"lines.tls1", "-tls1 -cipher CAMELLIA256-SHA:@SECLEVEL=0", "one two three four five"},
	}
}

// typed plays them, several at a time.
func (d *dialogues) typed(t *testing.T) {
	t.Helper()
	t.Run("typed", func(t *testing.T) {
		for i, c := range typedLines() {
			name := c.name + ".test"
			var said, heard string
			for word := range strings.FieldsSeq(c.lines) {
				if len(word) > 1 {
					said, heard = said+word+"\n", heard+backwards(word)+"\n"
				}
			}
			d.known[name] = [2]string{said, heard}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				play(t, d.client(t, d.reversing[i], name, "", strings.Fields(c.args)...), c.lines)
			})
		}
	})
}

func play(t *testing.T, cl *client, lines string) {
	t.Helper()
	for word := range strings.FieldsSeq(lines) {
		cl.write(t, word+"\n")
		switch word {
		case "R":
			cl.heard(t, "RENEGOTIATING")
		case "K", "k":
			cl.heard(t, "KEYUPDATE")
		default:
			cl.heard(t, backwards(word)+"\n")
		}
	}
	cl.bye(t)
}

func backwards(s string) string {
	b := []byte(s)
	for i := range len(b) / 2 {
		b[i], b[len(b)-1-i] = b[len(b)-1-i], b[i]
	}
	return string(b)
}

// earlyData sends 0-RTT data: accepted, rejected by a server that does not know the ticket, rejected with a HelloRetryRequest.
func (d *dialogues) earlyData(t *testing.T) {
	t.Helper()
	early := filepath.Join(d.dir, "early.txt")
	if err := os.WriteFile(early, []byte(strings.Repeat("said early\n", 400)), 0o600); err != nil {
		t.Fatal(err)
	}
	session := filepath.Join(d.dir, "early.session")
	cl := d.client(t, d.early, "before.0rtt.test", "", "-tls1_3", "-sess_out", session)
	cl.heard(t, "Verify return code")
	poll(t, "a session", func() bool {
		cl.write(t, "said late\n") // the server sends no ticket until something more comes
		info, err := os.Stat(session)
		return err == nil && info.Size() > 0
	})
	cl.bye(t)
	for _, c := range []struct{ name, server, sign string }{
		{"accepted.0rtt", d.early, "Early data was accepted"},
		{"rejected.0rtt", d.early2, "Early data was rejected"},
		{"retried.0rtt", d.early384, "Early data was rejected"},
	} {
		cl := d.client(t, c.server, c.name+".test", "", "-tls1_3", "-groups", "X25519:P-384", "-sess_in", session, "-early_data", early)
		cl.heard(t, c.sign)
		cl.write(t, "said late\n")
		cl.bye(t)
	}
}

// odd is what else changes records and messages.
func (d *dialogues) odd(t *testing.T) {
	t.Helper()
	d.get(t, d.tiny, "tiny.tls13.test", "-tls1_3")
	d.get(t, d.tiny, "tiny-gcm.tls12.test", "-tls1_2 -cipher AES128-GCM-SHA256")
	d.get(t, d.tiny, "tiny-cbc.tls1.test", "-tls1 -cipher AES128-SHA:@SECLEVEL=0")
	cert := " -cert " + d.rsa.File + " -key " + d.rsa.Key
	for _, v := range []string{"1", "1_2", "1_3"} {
		d.get(t, d.asks, "no-cert.tls"+v+".test", "-cipher ALL:@SECLEVEL=0 -tls"+v)
		d.get(t, d.asks, "cert.tls"+v+".test", "-cipher ALL:@SECLEVEL=0 -tls"+v+cert)
	}
	d.get(t, d.pages, "status.tls12.test", "-tls1_2 -status -alpn h2,http/1.1 -cipher AES128-SHA256")
}
