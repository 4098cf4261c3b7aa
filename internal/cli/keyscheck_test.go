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
		"key log":           {[]string{"--keylog", ec.KeyLog, ec.Path}, exitOK, ": opens (key log)\n", ""},
		"private key":       {[]string{"--key", key, plain.Path}, exitOK, ": opens (private key)\n", ""},
		"secrets inside":    {[]string{inside.Path}, exitOK, ": opens (key log)\n", ""},
		"ephemeral":         {[]string{"--key", key, ec.Path}, exitFailed, ": stays closed\n    the key exchange is ephemeral", ""},
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
