package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// system is one proxy under measurement.
type system struct {
	Name  string
	plain string // address that speaks HTTP
	tls   string // address that speaks HTTPS; "" without
	admin string // of Lunette
	p     *process
}

// rules reports whether it inspects requests.
func (s *system) rules() bool { return strings.HasSuffix(s.Name, "+waf") }

// errMissing says that a program is not installed.
var errMissing = errors.New("not installed")

// find looks for a program, also where Debian puts servers.
func find(names ...string) (string, error) {
	for _, n := range names {
		for _, try := range []string{n, filepath.Join("/usr/sbin", n)} {
			if p, err := exec.LookPath(try); err == nil {
				return p, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w", names[0], errMissing)
}

// starter opens one system.
type starter struct {
	name  string
	start func(ctx context.Context, r *rig, s *system) error
}

// starters lists the systems in the order of the tables.
func starters(lunette, base string) []starter {
	out := []starter{
		{"lunette", startLunette(lunette, "off", 1)},
		{"nginx", startNginx},
		{"haproxy", startHAProxy},
		{"reverseproxy", startReverseProxy},
		{"caddy", startCaddy},
		{"lunette+waf", startLunette(lunette, "block", 1)},
	}
	if base != "" {
		out = append(out, starter{"base", startLunette(base, "off", 1)}, starter{"base+waf", startLunette(base, "block", 1)})
	}
	return out
}

// open starts a system on addresses of its own.
func (r *rig) open(ctx context.Context, st starter) (*system, error) {
	s := &system{Name: st.name}
	var err error
	for _, a := range []*string{&s.plain, &s.tls} {
		if *a, err = freeAddr(); err != nil {
			return nil, err
		}
	}
	if err := st.start(ctx, r, s); err != nil {
		return nil, err
	}
	r.procs = append(r.procs, s.p)
	return s, nil
}

const adminToken = "a-token-for-the-bench-only"

func startLunette(binary, mode string, paranoia int) func(context.Context, *rig, *system) error {
	return func(ctx context.Context, r *rig, s *system) (err error) {
		if s.admin, err = freeAddr(); err != nil {
			return err
		}
		conf := fmt.Sprintf(`listen:
  - {address: %q}
  - {address: %q, tls: true}
admin: {address: %q, token: %q}
access_log: {file: logs/%s.jsonl}
sites:
  - names: [%s]
    certificate: {file: %s, key: %s}
    origin:
      urls: ["https://%s"]
      tls: {server_name: %s, ca: %s}
    waf: {mode: %q, paranoia: %d}
`, s.plain, s.tls, s.admin, adminToken, s.Name, site, r.cert, r.key, r.origin, site, r.cert, mode, paranoia)
		file := r.file(s.Name + ".yaml")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			return err
		}
		s.p, err = start(ctx, r.dir, s.Name, []string{s.plain, s.tls, s.admin}, binary, "run", file)
		return err
	}
}

func startNginx(ctx context.Context, r *rig, s *system) (err error) {
	conf := fmt.Sprintf(nginxHead+`  upstream origin { server %[2]s; keepalive 64; keepalive_requests 10000000; }
  server {
    listen %[3]s; listen %[4]s ssl; ssl_certificate %[5]s; ssl_certificate_key %[6]s; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on;
    location / {
      proxy_pass https://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id;
      proxy_ssl_protocols TLSv1.3; proxy_ssl_server_name on; proxy_ssl_name %[7]s; proxy_ssl_verify on; proxy_ssl_trusted_certificate %[5]s;
    }
  }
}
`, "proxy", r.origin, s.plain, s.tls, r.cert, r.key, site)
	s.p, err = r.nginx(ctx, "nginx", conf, s.plain, s.tls)
	return err
}

func startHAProxy(ctx context.Context, r *rig, s *system) error {
	bin, err := find("haproxy")
	if err != nil {
		return err
	}
	conf := fmt.Sprintf(`global
  nbthread 1
  maxconn 8000
  ssl-server-verify required
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
  http-reuse always
frontend in
  bind %s
  bind %s ssl crt %s
  default_backend origin
backend origin
  server origin %s ssl verify required ca-file %s verifyhost %s sni str(%s)
`, s.plain, s.tls, r.file("site.pem"), r.origin, r.cert, site, site)
	file := r.file("haproxy.cfg")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	s.p, err = start(ctx, r.dir, s.Name, []string{s.plain, s.tls}, bin, "-db", "-f", file)
	return err
}

func startCaddy(ctx context.Context, r *rig, s *system) error {
	bin, err := find(filepath.Join(r.root, "bin", "caddy"), "caddy")
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(s.plain)
	conf := fmt.Sprintf(`{
	admin off
	auto_https off
	storage file_system %s
}
http://:%s {
	bind 127.0.0.1
	reverse_proxy https://%s {
		header_up Host %s
		transport http {
			tls_server_name %s
			tls_trust_pool file %s
			keepalive_idle_conns_per_host 64
		}
	}
}
`, r.file("caddy"), port, r.origin, site, site, r.cert)
	file := r.file("Caddyfile")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return err
	}
	s.tls = ""
	s.p, err = start(ctx, r.dir, s.Name, []string{s.plain}, bin, "run", "--config", file, "--adapter", "caddyfile")
	return err
}

// startReverseProxy runs this program again, as a bare httputil.ReverseProxy.
func startReverseProxy(ctx context.Context, r *rig, s *system) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.p, err = start(ctx, r.dir, s.Name, []string{s.plain, s.tls}, self, "-reverseproxy", "-listen", s.plain, "-listen-tls", s.tls,
		"-origin", r.origin, "-cert", r.cert, "-key", r.key)
	return err
}
