package oracle_test

import (
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

// soak is whether the long tests run.
func soak() bool { return os.Getenv("LUNETTE_SOAK") != "" }

// TestSuites opens connections under every suite that OpenSSL has, up to TLS 1.2, with and without extended master secret and
// encrypt-then-MAC. Each suite has one version and one combination of these; in the soak each has all.
func TestSuites(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.server(t, "-WWW")
	combinations := []struct{ name, conf string }{
		{"ems-etm", ""}, {"none", r.conf(t, "-ExtendedMasterSecret,-EncryptThenMac")},
		{"etm", r.conf(t, "-ExtendedMasterSecret")}, {"ems", r.conf(t, "-EncryptThenMac")},
	}
	known := map[string][2]string{}
	path := peer.Capture(t, []string{s.Addr}, func() {
		for v, version := range []string{"-tls1", "-tls1_1", "-tls1_2"} {
			for _, suite := range suites(t, version) {
				for j, c := range combinations {
					if n := int(crc32.ChecksumIEEE([]byte(ariaTwin(strings.ToLower(suite))))); !soak() && (j != n%4 || v < 2 && v != n/4%2) {
						continue
					}
					name := strings.ToLower(suite + "." + c.name + "." + strings.NewReplacer("-", "", "_", "").Replace(version) + ".test")
					known[name] = [2]string{request(name), r.answer()}
					r.fetch(t, s.Addr, name, c.conf, version, "-cipher", suite+":@SECLEVEL=0", "-psk", psk)
				}
			}
		}
	})
	m := &made{path: path, ports: []string{portOf(s.Addr)}, keys: r.keys(t), key: r.rsa.Key, known: known}
	m.check(t)
}

// conf writes an OpenSSL configuration with options (SSL_CONF_cmd, Options).
func (r *rig) conf(t testing.TB, options string) string {
	t.Helper()
	path := filepath.Join(r.dir, strings.ReplaceAll(options, ",", "")+".cnf")
	text := "openssl_conf = start\n[start]\nssl_conf = tls\n[tls]\nsystem_default = all\n[all]\nOptions = " + options + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "OPENSSL_CONF=" + path
}
