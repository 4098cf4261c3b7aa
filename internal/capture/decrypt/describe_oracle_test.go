package decrypt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/peer"
)

// seen is a handshake message as tshark decrypted it, with what it says of it.
type seen struct {
	stream    string
	raw       []byte
	typ       string // "" where tshark could not decrypt it
	ja3, ja3s string
}

// tsharkMessages returns the handshake messages of all captures.
func tsharkMessages(t *testing.T) []seen {
	t.Helper()
	dir := t.TempDir()
	merged, keys := filepath.Join(dir, "all.pcapng"), filepath.Join(dir, "all.keys")
	args := []string{"-a", "-F", "pcapng", "-w", merged}
	var secrets []byte
	for _, c := range captures.All(t) {
		args = append(args, c.Path)
		if c.KeyLog != "" {
			b, err := os.ReadFile(c.KeyLog)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(append(secrets, b...), '\n')
		}
	}
	if err := os.WriteFile(keys, secrets, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(peer.Need(t, "mergecap", "wireshark-common"), args...).CombinedOutput(); err != nil {
		t.Fatalf("mergecap: %v: %s", err, out)
	}
	out, err := exec.Command(peer.Need(t, "tshark", "tshark"), "-n", "-r", merged, "-o", "tls.keylog_file:"+keys,
		"-T", "json", "-x", "-J", "tcp tls", "-Y", "tls.handshake").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return parseMessages(t, out)
}

// parseMessages reads tshark's JSON, in which keys occur several times: a message is its raw bytes and the strings behind them.
func parseMessages(t *testing.T, out []byte) []seen {
	t.Helper()
	var all []seen
	stream, key := "", ""
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		s, is := token.(string)
		if !is {
			continue
		}
		switch key {
		case "tcp.stream":
			stream = s
		case "tls.handshake_raw":
			raw, err := hex.DecodeString(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, seen{stream: stream, raw: raw})
		case "tls.handshake.type":
			all[len(all)-1].typ = s
		case "tls.handshake.ja3":
			all[len(all)-1].ja3 = s
		case "tls.handshake.ja3s":
			all[len(all)-1].ja3s = s
		}
		key = s
	}
}

// TestTsharkMessages describes all handshake messages of the captures: each can be read, and the fingerprints are tshark's.
func TestTsharkMessages(t *testing.T) {
	type state struct {
		version uint16
		kx      string
	}
	states := map[string]state{}
	described, clients, servers := 0, 0, 0
	for _, m := range tsharkMessages(t) {
		if m.typ == "" {
			continue
		}
		if m.typ != strconv.Itoa(int(m.raw[0])) {
			t.Fatalf("tshark says type %s of %x", m.typ, m.raw)
		}
		st := states[m.stream]
		f, err := describe(made(m.raw[0], m.raw[tlswire.MessageHeaderLen:]), st.version, st.kx)
		if err != nil {
			t.Errorf("stream %s, %s: %v: %x", m.stream, tlswire.MessageName(m.raw[0]), err, m.raw)
		}
		described++
		switch d := f.Detail.(type) {
		case *fact.ClientHello:
			clients++
			if d.JA3 != m.ja3 {
				t.Errorf("stream %s: JA3 %s, tshark has %s", m.stream, d.JA3, m.ja3)
			}
		case *fact.Certificates:
			for _, c := range d.Chain {
				if c.Error != "" || c.Subject == "" || c.Key == "" || c.Signature == "" {
					t.Errorf("stream %s: %+v", m.stream, c)
				}
			}
		case *fact.ServerHello:
			if m.ja3s == "" {
				break // EncryptedExtensions
			}
			servers++
			if d.JA3S != m.ja3s {
				t.Errorf("stream %s: JA3S %s, tshark has %s", m.stream, d.JA3S, m.ja3s)
			}
			h, _ := tlswire.ReadServerHello(m.raw[tlswire.MessageHeaderLen:])
			suite, _ := tlswire.SuiteByID(h.Suite)
			states[m.stream] = state{h.Negotiated(), suite.KX}
		}
	}
	if described < 1600 || clients < 190 || servers < 180 {
		t.Errorf("only %d messages, %d of them ClientHello and %d ServerHello: the captures have more", described, clients, servers)
	}
}
