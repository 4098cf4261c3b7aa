package peer

import (
	"bytes"
	_ "embed"
	"os"
	"path/filepath"
	"testing"
	"text/template"
	"time"
)

// ApacheConfig is an Apache httpd 2.4 (Debian apache2-bin) with one listener.
//
// It serves the files of Server.Root/<site name>/; POST to /echo (and below) is answered with its own body. In
// Server.Dir lie error.log, access.log and forensic.log, which has every request as it was read: request line and
// fields, separated by "|".
type ApacheConfig struct {
	Sites            []ApacheSite  // at least one; the first answers unknown names
	Plain            bool          // no TLS
	MinTLS, MaxTLS   string        // "1.0" … "1.3"; default: "1.2" and "1.3"
	Ciphers          string        // SSLCipherSuite; default: OpenSSL's DEFAULT, at security level 0 below TLS 1.2
	ClientCA         string        // PEM file of the authority for SSLVerifyClient
	HTTP2            bool          // offer h2 beside http/1.1
	KeepAliveTimeout time.Duration // default 5 s, as Debian has it
	Prefork          bool          // the module prefork, a process for each connection, in place of event
	Extra            string        // further directives, for the whole server
}

// ApacheSite is one virtual host, told apart by SNI and Host.
type ApacheSite struct {
	Name      string
	Cert      *Cert // unless Plain
	Locations []ApacheLocation
	Extra     string // further directives, for this site
}

// ApacheLocation sets what holds below one path.
type ApacheLocation struct {
	Path         string
	VerifyClient string // SSLVerifyClient: none, optional, require, optional_no_ca; "" leaves it
	Ciphers      string // SSLCipherSuite: makes TLS 1.2 renegotiate without a certificate; "" leaves it
	Extra        string
}

//go:embed apache.conf.tmpl
var apacheConf string

// Apache starts an Apache httpd.
func Apache(t testing.TB, cfg ApacheConfig) *Server {
	t.Helper()
	const modules = "/usr/lib/apache2/modules"
	path := Need(t, "apache2", "apache2")
	NeedFile(t, modules+"/mod_ssl.so", "apache2")
	if len(cfg.Sites) == 0 {
		t.Fatal("peer.Apache: at least one site is needed")
	}
	dir := folder(t)
	root := filepath.Join(dir, "htdocs")
	for _, site := range cfg.Sites {
		write(t, filepath.Join(root, site.Name, "index.html"), []byte("apache "+site.Name+"\n"))
	}
	s := withPorts(t, 1, func(ports []int) command {
		conf := filepath.Join(dir, "apache.conf")
		write(t, conf, apacheConfig(t, cfg, dir, modules, ports[0]))
		return command{name: "apache2", path: path, dir: dir, args: []string{"-D", "FOREGROUND", "-d", dir, "-f", conf}}
	})
	s.Root = root
	return s
}

// apacheConfig writes the configuration.
func apacheConfig(t testing.TB, cfg ApacheConfig, dir, modules string, port int) []byte {
	t.Helper()
	if cfg.KeepAliveTimeout == 0 {
		cfg.KeepAliveTimeout = 5 * time.Second
	}
	protocols := tlsRange(t, cfg.MinTLS, cfg.MaxTLS)
	if cfg.Ciphers == "" {
		cfg.Ciphers = "DEFAULT"
		if protocols[0] < "1.2" {
			cfg.Ciphers = "ALL:@SECLEVEL=0"
		}
	}
	var out bytes.Buffer
	err := template.Must(template.New("apache").Parse(apacheConf)).Execute(&out, map[string]any{
		"Config": cfg, "Dir": dir, "Modules": modules, "Port": port, "Protocols": protocols,
		"KeepAlive": int(max(cfg.KeepAliveTimeout.Seconds(), 1)), "Root": os.Geteuid() == 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// tlsRange lists the versions from one to the other, "1.2" and "1.3" being the defaults.
func tlsRange(t testing.TB, from, to string) []string {
	t.Helper()
	var out []string
	for _, v := range []string{"1.0", "1.1", "1.2", "1.3"} {
		if v >= orElse(from, "1.2") && v <= orElse(to, "1.3") {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no TLS version from %q to %q", from, to)
	}
	return out
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
