package healthy

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lunette-waf/lunette/test/peer"
)

// site is one real origin that is well.
type site struct {
	what   string
	addr   string
	h2     bool
	clear  bool
	small  bool // it knows nothing but GET
	pages  bool // it has those of writePages
	mirror bool // it sends back what is uploaded while it reads, which it does not finish over HTTP/2
	mtls   string
	log    func() string // its access log, nil without
	after  bool          // it asks for certificates after a request
	only   string        // "1.2" or "1.3", "" for both
	core   bool          // a gateway before it runs the Core Rule Set
}

// big is the size of /big.
const big = 2 << 20

// writePages puts files below root.
func writePages(t *testing.T, root string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, big)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte("lunette "), 8000))
	_ = z.Close()
	for name, data := range map[string][]byte{"big": noise, "gzip.gz": packed.Bytes(), "a.html": []byte("<p>a</p>\n"), "none": nil} {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// nginxPages is what each server of nginx has. The last listener takes what is sent.
const nginxPages = `
  location = /redirect { return 302 /a.html; }
  location = /auth { auth_basic "shop"; auth_basic_user_file {{dir}}/users; try_files /a.html =404; }
  location = /forbidden { return 403; }
  location = /empty { return 204; }
  location = /gzip { default_type text/plain; try_files /gzip.txt =404; }
  location = /late { echo_sleep 1.5; echo late; }
  location = /drip { echo one; echo_flush; echo_sleep 1.2; echo two; echo_flush; echo_sleep 1.2; echo three; }
  location = /upload { client_max_body_size 0; proxy_pass http://{{addr 6}}; }
`

func nginxSites(t *testing.T, ca *peer.CA) []site {
	t.Helper()
	const module = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
	peer.NeedFile(t, module, "libnginx-mod-http-echo")
	rsa, ec := ca.Issue(peer.Issue{Names: []string{name}, RSA: 2048, Intermediate: true}), ca.Issue(peer.Issue{Names: []string{name}})
	cert := func(c *peer.Cert) string {
		return fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;", c.File, c.Key)
	}
	http := "keepalive_timeout 2s; absolute_redirect off; gzip on; gzip_types *;\n"
	for i, how := range []string{
		"listen {{addr 0}} ssl http2; ssl_protocols TLSv1.2; " + cert(rsa),
		"listen {{addr 1}} ssl http2; ssl_protocols TLSv1.3; " + cert(ec),
		"listen {{addr 2}} ssl; ssl_session_cache shared:a:1m; ssl_verify_client optional; ssl_client_certificate " + ca.File + ";" + cert(rsa) + cert(ec),
		"listen {{addr 3}} ssl http2; ssl_verify_client on; ssl_client_certificate " + ca.File + ";" + cert(ec),
		"listen {{addr 4}};",
		"listen {{addr 5}} ssl; keepalive_timeout 0; ssl_session_tickets off; " + cert(rsa),
	} {
		http += fmt.Sprintf("server { server_name %s s%d; %s %s }\n", name, i, how, nginxPages)
	}
	http += "server { listen {{addr 6}}; client_max_body_size 0; location / { echo_read_request_body; echo taken; } }"
	s := peer.Nginx(t, peer.NginxConfig{Main: "load_module " + module + ";", HTTP: http, Listeners: 7})
	writePages(t, s.Root)
	must(t, os.WriteFile(filepath.Join(s.Root, "gzip.txt"), bytes.Repeat([]byte("lunette "), 8000), 0o644))
	must(t, os.WriteFile(filepath.Join(s.Dir, "users"), []byte("user:{PLAIN}pass\n"), 0o644))
	log := func() string { return s.Log("access.log") } // of all its servers
	return []site{
		{log: log, what: "nginx, TLS 1.2, RSA", addr: s.Addrs[0], h2: true, pages: true, only: "1.2"},
		{what: "nginx, TLS 1.3, ECDSA", addr: s.Addrs[1], h2: true, pages: true, only: "1.3", core: true},
		{what: "nginx, certificates welcome", addr: s.Addrs[2], pages: true, mtls: "optional"},
		{what: "nginx, certificates wanted", addr: s.Addrs[3], h2: true, pages: true, mtls: "required"},
		{what: "nginx, clear", addr: s.Addrs[4], pages: true, clear: true},
		{what: "nginx, no keep-alive, no tickets", addr: s.Addrs[5], pages: true},
	}
}

const apachePages = `
RedirectMatch 302 ^/redirect$ /a.html
RedirectMatch 403 ^/forbidden$
RedirectMatch 204 ^/empty$
<Location /upload>
  SetHandler reflector
</Location>
`

func apacheSites(t *testing.T, ca *peer.CA) []site {
	t.Helper()
	rsa, ec := ca.Issue(peer.Issue{Names: []string{name}, RSA: 2048}), ca.Issue(peer.Issue{Names: []string{name}, Intermediate: true})
	var out []site
	for _, c := range []struct {
		site
		cfg peer.ApacheConfig
	}{
		{site{what: "Apache, event, RSA", h2: true, mirror: true, core: true}, peer.ApacheConfig{HTTP2: true, Sites: []peer.ApacheSite{{Cert: rsa}}}},
		{site{what: "Apache, prefork, TLS 1.2, renegotiates", mtls: "optional", after: true, only: "1.2"}, peer.ApacheConfig{Prefork: true, MaxTLS: "1.2", ClientCA: ca.File, KeepAliveTimeout: time.Second,
			Sites: []peer.ApacheSite{{Cert: ec, Locations: []peer.ApacheLocation{{Path: "/a.html", VerifyClient: "optional"}}}}}},
		{site{what: "Apache, event, certificates after the handshake", mtls: "required", after: true, only: "1.3"}, peer.ApacheConfig{MinTLS: "1.3", ClientCA: ca.File,
			Sites: []peer.ApacheSite{{Cert: rsa, Locations: []peer.ApacheLocation{{Path: "/a.html", VerifyClient: "require"}}}}}},
		{site{what: "Apache, clear", clear: true}, peer.ApacheConfig{Plain: true, Sites: []peer.ApacheSite{{}}}},
	} {
		c.cfg.Sites[0].Name, c.cfg.Sites[0].Extra = name, apachePages
		s := peer.Apache(t, c.cfg)
		writePages(t, filepath.Join(s.Root, name))
		c.addr, c.pages, c.log = s.Addr, true, func() string { return s.Log("access.log") }
		out = append(out, c.site)
	}
	return out
}

// nodeScript answers over both versions of HTTP.
const nodeScript = `'use strict';
const fs = require('fs'), zlib = require('zlib');
const options = {cert: fs.readFileSync(process.env.PEER_CERT), key: fs.readFileSync(process.env.PEER_KEY), allowHTTP1: true, ca: process.env.PEER_CA && fs.readFileSync(process.env.PEER_CA), requestCert: !!process.env.PEER_CA, rejectUnauthorized: false};
const big = Buffer.alloc(2 << 20, 'x');
require('http2').createSecureServer(options, (req, res) => {
  const path = req.url.split('?')[0];
  let n = 0;
  req.on('data', (d) => { n += d.length; });
  req.on('end', () => {
    switch (path) {
    case '/big': res.setHeader('content-length', big.length); return res.end(big);
    case '/redirect': res.writeHead(302, {location: '/a.html'}); return res.end();
    case '/missing': res.writeHead(404); return res.end('nothing');
    case '/forbidden': res.writeHead(403); return res.end('no');
    case '/empty': res.writeHead(204); return res.end();
    case '/gzip': res.setHeader('content-encoding', 'gzip'); return res.end(zlib.gzipSync('lunette '.repeat(8000)));
    case '/late': return setTimeout(() => res.end('late'), 1500);
    case '/drip': res.write('one'); return setTimeout(() => res.end('two'), 1200);
    case '/auth':
      if (req.headers.authorization) return res.end('in');
      res.writeHead(401, {'www-authenticate': 'Basic realm="shop"'}); return res.end();
    }
    res.end('took ' + n + '\n');
  });
}).listen(0, '127.0.0.1');
`

func otherSites(t *testing.T, ca *peer.CA) []site {
	t.Helper()
	rsa, ec := ca.Issue(peer.Issue{Names: []string{name}, RSA: 2048}), ca.Issue(peer.Issue{Names: []string{name}})
	env := []string{"PEER_CERT=" + ec.File, "PEER_KEY=" + ec.Key}
	out := []site{
		{what: "Node", addr: peer.Node(t, nodeScript, env...).Addr, h2: true, pages: true, core: true},
		{what: "Node, certificates welcome", addr: peer.Node(t, nodeScript, append(env, "PEER_CA="+ca.File)...).Addr, h2: true, pages: true, mtls: "optional"},
		{what: "Tomcat", addr: peer.Tomcat(t, peer.TomcatConfig{Cert: rsa}).Addr},
		{what: "OpenSSL, TLS 1.2", addr: peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: rsa, Args: []string{"-tls1_2"}}).Addr, small: true, only: "1.2"},
		{what: "OpenSSL, TLS 1.3", addr: peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: ec, Args: []string{"-tls1_3"}}).Addr, small: true, only: "1.3"},
		{what: "OpenSSL, certificates wanted", addr: peer.OpenSSLServer(t, peer.OpenSSLConfig{Cert: rsa, Args: []string{"-Verify", "3", "-CAfile", ca.File, "-verify_return_error"}}).Addr, small: true, mtls: "required"},
		{what: "GnuTLS", addr: peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: rsa}).Addr, small: true},
		{what: "GnuTLS, certificates welcome", addr: peer.GnuTLSServer(t, peer.GnuTLSConfig{Cert: ec, ClientCA: ca.File}).Addr, small: true, mtls: "optional"},
	}
	return out
}

// haproxySite is a HAProxy in front of a site in clear; both legs are watched.
func haproxySite(t *testing.T, ca *peer.CA, behind string) site {
	t.Helper()
	cert := ca.Issue(peer.Issue{Names: []string{name}, RSA: 2048, Intermediate: true})
	s := peer.HAProxy(t, peer.HAProxyConfig{Certs: []*peer.Cert{cert}, Text: `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout http-keep-alive 2s
frontend f
  bind {{addr}} ssl crt {{dir}}/cert0.pem alpn h2,http/1.1
  default_backend b
backend b
  server s ` + behind + "\n"})
	return site{what: "HAProxy before nginx", addr: s.Addr, h2: true, pages: true}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// allSites are servers of all kinds, each of them well.
func allSites(t *testing.T, ca *peer.CA) []site {
	t.Helper()
	sites := nginxSites(t, ca)
	sites = append(sites, haproxySite(t, ca, sites[4].addr))
	return append(append(sites, apacheSites(t, ca)...), otherSites(t, ca)...)
}

// addressed are the addresses of sites, and the sites by address.
func addressed(sites []site) (servers []string, of map[string]*site) {
	of = map[string]*site{}
	for i := range sites {
		servers, of[sites[i].addr] = append(servers, sites[i].addr), &sites[i]
	}
	return servers, of
}

// each does something with every site, width of them side by side, and waits for all.
func each(sites []site, width int, do func(*site)) {
	var all errgroup.Group
	all.SetLimit(width)
	for i := range sites {
		all.Go(func() error { do(&sites[i]); return nil })
	}
	_ = all.Wait()
}
