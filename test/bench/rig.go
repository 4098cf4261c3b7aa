package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// site is the name that everything here is called.
const site = "bench.test"

// rig is what all measurements share: files, and the origin.
type rig struct {
	dir    string // temporary
	root   string // of the repository
	cert   string // file: certificate of site, which is its own authority
	key    string
	pool   *x509.CertPool
	origin string // address
	procs  []*process
}

func newRig(ctx context.Context, root, dir string) (*rig, error) {
	r := &rig{dir: dir, root: root, cert: filepath.Join(dir, "site.crt"), key: filepath.Join(dir, "site.key")}
	if err := r.certificate(); err != nil {
		return nil, err
	}
	if err := r.files(); err != nil {
		return nil, err
	}
	return r, r.startOrigin(ctx)
}

func (r *rig) close() {
	for _, p := range r.procs {
		p.stop()
	}
}

func (r *rig) file(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) files() error {
	for _, dir := range []string{"www", "logs"} {
		if err := os.MkdirAll(r.file(dir), 0o755); err != nil { //nolint:gosec // the worker of an nginx that root starts is somebody else
			return err
		}
	}
	page := "<!doctype html><title>A page</title>" + strings.Repeat("<p>Ten kilobytes of an ordinary page, and a little more of it.</p>\n", 160)
	if err := os.WriteFile(r.file("www/page.html"), []byte(page[:10<<10]), 0o600); err != nil {
		return err
	}
	if err := wafScripts(r); err != nil {
		return err
	}
	return os.WriteFile(r.file("form.lua"), []byte(formScript()), 0o600)
}

func (r *rig) certificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: site}, DNSNames: []string{site}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	crtPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	r.pool = x509.NewCertPool()
	r.pool.AppendCertsFromPEM(crtPEM)
	if err := os.WriteFile(r.cert, crtPEM, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(r.key, keyPEM, 0o600); err != nil {
		return err
	}
	return os.WriteFile(r.file("site.pem"), append(crtPEM, keyPEM...), 0o600) // for HAProxy
}

// nginxHead is what every nginx here begins with; %[1]s is a name for its files. user matters to root only: the worker
// must be able to enter our temporary directory.
const nginxHead = `user root; worker_processes 1; worker_rlimit_nofile 20000; daemon off; pid %[1]s.pid; error_log stderr crit;
events { worker_connections 10000; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 65s; keepalive_requests 10000000;
  client_body_temp_path %[1]s.t1; proxy_temp_path %[1]s.t2; fastcgi_temp_path %[1]s.t3; uwsgi_temp_path %[1]s.t4; scgi_temp_path %[1]s.t5;
`

// startOrigin starts an nginx that answers over TLS 1.3: a line, a page of 10 KB, and a line to every form. It reads a form before it answers, as
// an application does: return would answer to the head, and then it is chance whether a proxy has sent the body by then, ends the exchange and needs
// a new connection. mirror is what reads here; the file that is looked for next is not there.
func (r *rig) startOrigin(ctx context.Context) (err error) {
	if r.origin, err = freeAddr(); err != nil {
		return err
	}
	conf := fmt.Sprintf(nginxHead+`  server {
    listen %[2]s ssl; ssl_certificate %[3]s; ssl_certificate_key %[4]s; ssl_protocols TLSv1.3; root %[5]s; default_type text/html;
    location = / { return 200 "hello\n"; }
    location = /form { client_body_buffer_size 64k; mirror /read; error_page 404 =200 @read; }
    location = /read { internal; return 204; }
    location @read { return 200 "thank you\n"; }
  }
}
`, "origin", r.origin, r.cert, r.key, r.file("www"))
	p, err := r.nginx(ctx, "origin", conf, r.origin)
	if err != nil {
		return err
	}
	r.procs = append(r.procs, p)
	return nil
}

func (r *rig) nginx(ctx context.Context, name, conf string, addrs ...string) (*process, error) {
	file := r.file(name + ".conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	bin, err := find("nginx")
	if err != nil {
		return nil, err
	}
	return start(ctx, r.dir, name, addrs, bin, "-p", r.dir, "-c", file)
}
