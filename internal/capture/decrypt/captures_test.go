package decrypt

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// closed are the captures that do not open whole, by name and secret, and why.
var closed = map[string]Why{
	"client_node_optional_nocert/log": WhyLaterHandshake, // Node logs the first handshake only
	"damaged_gcm_midstream/log":       WhyStartMissing,
	"damaged_gcm_no_cke/key":          WhyHandshakeHoles,
}

// Every capture opens under its secrets, whole.
func TestCapturesOpen(t *testing.T) {
	for _, c := range captures.All(t) {
		for _, key := range []bool{false, true} {
			if !key && c.KeyLog == "" && !c.DSB || key && !c.RSA {
				continue
			}
			name := c.Name + map[bool]string{false: "/log", true: "/key"}[key]
			t.Run(name, func(t *testing.T) {
				st := storeOf(t, c, key)
				for i, conv := range conversationsOf(t, c) {
					s, l := play(conv, st)
					info, why := s.Info(), closed[name]
					if info.Why != why && info.Why != WhyNoHandshake || (info.Closed > 0) != (why != WhyNot) {
						t.Errorf("connection %d: %d closed, %q", i, info.Closed, info.Why)
						l.dump(t)
					}
					if n := l.count(fact.TLSBadRecord); n > 0 {
						t.Errorf("connection %d: %d bad records", i, n)
					}
				}
			})
		}
	}
}

// Where the secrets are not the right ones it says so.
func TestWhy(t *testing.T) {
	wrongLog := func(t *testing.T, c captures.Capture) *secrets.Store {
		text, err := os.ReadFile(c.KeyLog)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) == 3 && !strings.HasPrefix(line, "#") {
				out.WriteString(f[0] + " " + f[1] + " " + hex.EncodeToString(make([]byte, len(f[2])/2)) + "\n")
			}
		}
		return storeFrom(t, out.String())
	}
	otherKey := func(t *testing.T, _ captures.Capture) *secrets.Store {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		st := secrets.New()
		text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k)})
		if err := st.AddPrivateKey("other", text, nil); err != nil {
			t.Fatal(err)
		}
		return st
	}
	serverKey := func(t *testing.T, c captures.Capture) *secrets.Store { return storeOf(t, c, true) }
	otherLog := func(t *testing.T, _ captures.Capture) *secrets.Store {
		return storeOf(t, captures.Find(t, "client_h2_curl"), false)
	}
	nothing := func(*testing.T, captures.Capture) *secrets.Store { return nil }
	for _, c := range []struct {
		capture string
		store   func(*testing.T, captures.Capture) *secrets.Store
		want    Why
	}{
		{"tls12_ecdhe_aes128gcm_modern__normal", nothing, WhyNoSecrets},
		{"tls12_ecdhe_aes128gcm_modern__normal", serverKey, WhyEphemeral},
		{"tls12_ecdhe_aes128gcm_modern__normal", wrongLog, WhyWrongSecret},
		{"tls12_ecdhe_aes128gcm_modern__normal", otherLog, WhyNoSecret},
		{"tls12_rsa_aes128ccm_modern__normal", otherKey, WhyWrongKey},
		{"tls10_rsa_aes128cbcsha_legacy__normal", otherLog, WhyNoSecret},
		{"dec_gnutls_rc4sha_rsa_tls12", wrongLog, WhyWrongSecret},
		{"tls10_rsa_aes128cbcsha_legacy__normal", wrongLog, WhyWrongSecret},
		{"dec_tls13_keyupdate", nothing, WhyNoSecrets},
		{"dec_tls13_keyupdate", serverKey, WhyEphemeral},
		{"dec_tls13_keyupdate", wrongLog, WhyWrongSecret},
		{"dec_tls13_keyupdate", otherLog, WhyNoSecret},
		{"bad_21804_alert_handshake_failure40", otherLog, WhyNoHandshake},
		{"damaged_gcm_midstream", nothing, WhyNoSecrets},
	} {
		t.Run(c.capture+" "+string(c.want), func(t *testing.T) {
			one := captures.Find(t, c.capture)
			s, l := play(conversationsOf(t, one)[0], c.store(t, one))
			if i := s.Info(); i.Why != c.want || i.Decrypted != 0 && c.want != WhyNoHandshake {
				t.Errorf("%q, %d opened, %d closed", i.Why, i.Decrypted, i.Closed)
				l.dump(t)
			}
			told := map[string]int{}
			for _, f := range l.facts {
				if f.Kind == fact.TLSUndecryptable {
					told[f.Side.String()+" "+f.Text]++
				}
			}
			for what, n := range told {
				if n != 1 || !strings.HasSuffix(what, string(c.want)) {
					t.Errorf("told %d times: %s", n, what)
				}
			}
			if (len(told) == 0) != (c.want == WhyNoHandshake) || c.want.Text() == string(c.want) {
				t.Errorf("told %v", told)
			}
		})
	}
}
