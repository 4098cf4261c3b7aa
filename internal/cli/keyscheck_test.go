package cli

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/test/captures"
)

func TestKeysCheck(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.txt")
	faulty := filepath.Join(dir, "faulty.txt")
	for path, text := range map[string]string{empty: "# nothing yet\n", faulty: "CLIENT_RANDOM 00 00\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := captures.RSAKeyFile(t)
	plain := captures.Find(t, "tls12_rsa_aes128gcm_legacy__normal")
	ec := captures.Find(t, "tls12_ecdhe_aes128gcm_modern__normal")
	inside := captures.Find(t, "dsb_tls13_keyupdate")
	for name, c := range map[string]struct {
		args      []string
		code      int
		out, errs string
	}{
		"key log":           {[]string{"--keylog", ec.KeyLog, ec.Path}, exitOK, "opens (key log): 1 connection\n    flow 1  ", ""},
		"private key":       {[]string{"--key", key, plain.Path}, exitOK, "opens (private key): 1 connection\n    flow 1  ", ""},
		"secrets inside":    {[]string{inside.Path}, exitOK, "opens (key log): 1 connection\n    flow 1  ", ""},
		"ephemeral":         {[]string{"--key", key, ec.Path}, exitFailed, "stays closed: 1 connection\n  the key exchange is ephemeral", ""},
		"no secrets at all": {[]string{plain.Path}, exitFailed, "1 TLS connection: 0 open, 1 closed", ""},
		"two captures":      {[]string{"--keylog", ec.KeyLog, "--key", key, ec.Path, plain.Path}, exitOK, "2 TLS connections: 2 open, 0 closed, 0 with nothing to open", ""},
		"empty key log":     {[]string{"--keylog", empty, "--key", key, plain.Path}, exitOK, "opens", "empty.txt holds no secrets"},
		"faulty key log":    {[]string{"--keylog", faulty, "--key", key, plain.Path}, exitOK, "opens", "faulty.txt:1: CLIENT_RANDOM wants 64 and 96 hex digits, got 2 and 2"},
		"key as key log":    {[]string{"--keylog", key, plain.Path}, exitFailed, "", "this is a private key (PEM): give it with --key"},
		"key log as key":    {[]string{"--key", ec.KeyLog, plain.Path}, exitFailed, "", "this is a key log: give it with --keylog"},
		"capture as key":    {[]string{"--key", plain.Path, plain.Path}, exitFailed, "", "this is a packet capture (pcap): give it as FILE"},
		"PSK":               {[]string{"--psk", "0g", plain.Path}, exitUsage, "", "--psk wants an even number of hex digits"},
		"no capture":        {nil, exitUsage, "", "takes at least one CAPTURE"},
		"no such capture":   {[]string{"nosuch.pcap"}, exitFailed, "", "nosuch.pcap"},
		"no such key log":   {[]string{"--keylog", "nosuch.txt", plain.Path}, exitFailed, "", "nosuch.txt"},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, code := run(t, append([]string{"keys", "check"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || c.errs == "" && errs != "" {
				t.Errorf("exit %d, want %d\n%s%s", code, c.code, out, errs)
			}
		})
	}
}

// TestKeyPasswordFile opens encrypted keys with the password of a file, which is not asked twice.
func TestKeyPasswordFile(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for path, text := range map[string]string{good: "pässword 1\n", bad: "nonsense\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	plain := captures.Find(t, "tls12_rsa_aes128gcm_legacy__normal")
	key := encryptedKeyFile(t, captures.RSAKey(t), "pässword 1")
	if out, errs, code := run(t, "keys", "check", "--key", key, "--key-password-file", good, plain.Path); code != exitOK || !strings.Contains(out, "opens (private key)") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	_, errs, code := run(t, "keys", "check", "--key", key, "--key-password-file", bad, plain.Path)
	if code != exitFailed || strings.Count(errs, "the password is wrong") != 1 || strings.Contains(errs, "nonsense") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// encryptedKeyFile writes a key as a .pfx file.
func encryptedKeyFile(t *testing.T, key *rsa.PrivateKey, password string) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pkcs12.Modern2023.Encode(key, cert, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "origin.pfx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Connections with the same outcome are told together, so that many with one reason are few lines.
func TestPrintConnections(t *testing.T) {
	var found []connection
	for i := range 200 {
		c := connection{number: i + 1, client: "c", server: "s", why: decrypt.WhyNoSecret}
		if i == 3 || i == 150 {
			c.why, c.source = decrypt.WhyNot, "key log"
		}
		found = append(found, c)
	}
	var out strings.Builder
	if err := printConnections(&out, found); err != errReported {
		t.Error(err)
	}
	text := out.String()
	for _, want := range []string{"opens (key log): 2 connections\n    flow 4  c → s\n    flow 151  c → s\n", "stays closed: 198 connections\n  no secret is known",
		"    flow 11  c → s\n    and 188 more: flows 12-150, 152-200\n", "200 TLS connections: 2 open, 198 closed, 0 with nothing to open\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if n := strings.Count(text, decrypt.WhyNoSecret.Text()); n != 1 {
		t.Errorf("the reason is said %d times", n)
	}
}

func TestRanges(t *testing.T) {
	many := make([]int, 30)
	for i := range many {
		many[i] = 2 * i
	}
	for want, numbers := range map[string][]int{"": nil, "7": {7}, "1-3, 5": {5, 2, 1, 3}} {
		if got := ranges(numbers); got != want {
			t.Errorf("%d: %q, want %q", numbers, got, want)
		}
	}
	if got := ranges(many); !strings.HasSuffix(got, ", 38, …") {
		t.Error(got)
	}
}
