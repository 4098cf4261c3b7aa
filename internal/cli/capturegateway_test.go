package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// TestFindGateway holds what is taken from where: the address and token of the flags before those of the configuration, whose recipients hold
// wherever it was named.
func TestFindGateway(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to := key.Recipient().String()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	site := "listen:\n  - address: 127.0.0.1:0\nsites:\n  - names: [shop.test]\n    origin: {urls: [\"http://127.0.0.1:1\"]}\n"
	write("token", "0123456789abcdef-flag\n")
	write("enc.yaml", site+"admin: {address: \"127.0.0.1:9180\", token: 0123456789abcdef-conf}\nincidents: {folder: x, recipients: ["+to+"]}\n")
	write("none.yaml", site)
	for _, r := range []struct {
		flags                  gatewayFlags
		address, token, faults string
		encrypted              bool
	}{
		{flags: gatewayFlags{config: "enc.yaml"}, address: "127.0.0.1:9180", token: "0123456789abcdef-conf", encrypted: true},
		{flags: gatewayFlags{config: "enc.yaml", admin: "127.0.0.1:29180"}, address: "127.0.0.1:29180", token: "0123456789abcdef-conf", encrypted: true},
		{flags: gatewayFlags{config: "enc.yaml", admin: ":29180", tokenFile: "token"}, address: "127.0.0.1:29180", token: "0123456789abcdef-flag", encrypted: true},
		{flags: gatewayFlags{admin: "127.0.0.1:29180"}, address: "127.0.0.1:29180"},
		{flags: gatewayFlags{config: "none.yaml", admin: "127.0.0.1:29180"}, address: "127.0.0.1:29180"},
		{flags: gatewayFlags{config: "none.yaml"}, faults: "no admin.address is set"},
		{flags: gatewayFlags{config: "missing.yaml", admin: "127.0.0.1:29180"}, faults: "read the gateway's configuration"},
		{faults: "where is the gateway?"},
	} {
		at, err := r.flags.find()
		if r.faults != "" {
			if err == nil || !strings.Contains(err.Error(), r.faults) {
				t.Errorf("%+v: %v, want %q", r.flags, err, r.faults)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", r.flags, err)
			continue
		}
		if at.address != r.address || at.token != r.token || (len(at.recipients) == 1 && at.recipients[0] == to) != r.encrypted {
			t.Errorf("%+v: %+v", r.flags, at)
		}
	}
}
