package peer

import "testing"

// OpenSSLConfig is an openssl s_server that answers GET with a status page; GET /reneg and /renegcert make it
// renegotiate, the second with a request for a certificate.
type OpenSSLConfig struct {
	Cert *Cert
	Args []string // further arguments: "-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0", "-Verify", "1", …
	Raw  bool     // no -www: the test speaks through the connection, the server prints what it gets
}

// OpenSSLServer starts an openssl s_server.
func OpenSSLServer(t testing.TB, cfg OpenSSLConfig) *Server {
	t.Helper()
	path := Need(t, "openssl", "openssl")
	args := []string{"s_server", "-accept", "127.0.0.1:0", "-cert", cfg.Cert.File, "-cert_chain", cfg.Cert.File, "-key", cfg.Cert.Key}
	if !cfg.Raw {
		args = append(args, "-www")
	}
	return must(t, command{name: "openssl s_server", path: path, dir: folder(t), args: append(args, cfg.Args...)})
}

// GnuTLSConfig is a gnutls-serv that answers every request with a status page.
type GnuTLSConfig struct {
	Cert     *Cert
	Priority string   // e.g. "NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:-CIPHER-ALL:+3DES-CBC"; default NORMAL
	ClientCA string   // PEM; asks for a client certificate
	Args     []string // further arguments
}

// GnuTLSServer starts a gnutls-serv.
func GnuTLSServer(t testing.TB, cfg GnuTLSConfig) *Server {
	t.Helper()
	path := Need(t, "gnutls-serv", "gnutls-bin")
	args := []string{"--http", "--port=0", "--x509certfile=" + cfg.Cert.File, "--x509keyfile=" + cfg.Cert.Key,
		"--priority=" + orElse(cfg.Priority, "NORMAL")}
	if cfg.ClientCA != "" {
		args = append(args, "--x509cafile="+cfg.ClientCA)
	} else {
		args = append(args, "--disable-client-cert")
	}
	return must(t, command{name: "gnutls-serv", path: path, dir: folder(t), args: append(args, cfg.Args...)})
}
