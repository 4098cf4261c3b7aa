package healthy

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

// call is one run of a client.
type call struct {
	what   string // also in the query of what it asks for
	line   string // program and arguments; URL stands for the site, words with a colon for files and addresses
	stdin  string
	small  bool // a site that knows nothing but GET can answer
	over   string
	upload bool // over HTTP/2
	exit   int  // 0, and others where the client ends it
}

// What a call asks of the connection: only to sites that speak HTTP/2, only those with TLS.
const (
	http2Only = "h2"
	tlsOnly   = "tls"
)

// get is a request as people type it into s_client.
const get = "GET /a.html?CALL HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"

// calls are what all sites are asked.
func calls() []call {
	return []call{
		{what: "curl", line: "curl URL/a.html", small: true},
		{what: "curl-http10", line: "curl --http1.0 --no-alpn URL/a.html", small: true},
		{what: "curl-kept", line: "curl --http1.1 --compressed URL/a.html URL/gzip URL/missing URL/empty URL/none URL/forbidden URL/a.html"},
		{what: "curl-h2", line: "curl --http2 --compressed URL/a.html URL/gzip URL/missing URL/empty URL/none URL/big", over: http2Only},
		{what: "curl-h2-at-once", line: "curl --http2 --parallel URL/a.html URL/big URL/late URL/gzip", over: http2Only},
		{what: "curl-head", line: "curl --http1.1 -I URL/a.html URL/big URL/missing"},
		{what: "curl-head-waits", line: "curl --http1.1 -X HEAD -m 1 URL/a.html", exit: -1},
		{what: "curl-post", line: "curl --http1.1 --data-binary @:body URL/upload URL/upload"},
		{what: "curl-post-expect", line: "curl --http1.1 --data-binary @:body -H Expect:100-continue URL/upload"},
		{what: "curl-post-chunked", line: "curl --http1.1 --data-binary @:body -H Transfer-Encoding:chunked URL/upload"},
		{what: "curl-post-h2", line: "curl --http2 --data-binary @:body URL/upload", over: http2Only, upload: true},
		{what: "curl-slowly", line: "curl --http1.1 --limit-rate 1M URL/big"},
		{what: "curl-breaks-off", line: "curl --http1.1 --limit-rate 200k -m 1 URL/big", exit: -1},
		{what: "curl-breaks-off-h2", line: "curl --http2 --limit-rate 200k -m 1 URL/big", over: http2Only, exit: -1},
		{what: "curl-impatient", line: "curl -m 0.5 URL/late", exit: -1},
		{what: "curl-impatient-1s", line: "curl --http1.1 -m 1.3 URL/late", exit: -1},
		{what: "curl-leaves-in-a-pause", line: "curl --http1.1 -m 2.3 URL/drip", exit: -1},
		{what: "curl-leaves-in-a-pause-h2", line: "curl --http2 -m 2.3 URL/drip", over: http2Only, exit: -1},
		{what: "curl-late", line: "curl --http1.1 URL/late URL/drip"},
		{what: "curl-redirect", line: "curl -L URL/redirect"},
		{what: "curl-unchanged", line: "curl -H If-None-Match:* URL/a.html"},
		{what: "curl-range", line: "curl --http1.1 -r 100-299 URL/big"},
		{what: "curl-401", line: "curl --http1.1 URL/auth"},
		{what: "curl-login", line: "curl --http1.1 --anyauth -u user:pass URL/auth"},
		{what: "curl-login-h2", line: "curl --http2 --anyauth -u user:pass URL/auth", over: http2Only},
		{what: "curl-methods", line: "curl --http1.1 -X OPTIONS URL/a.html URL/a.html"},
		{what: "curl-delete", line: "curl --http1.1 -X DELETE URL/a.html"},
		{what: "curl-resumes", line: "curl --http1.1 -H Connection:close URL/a.html URL/missing URL/a.html", over: tlsOnly, small: true},
		{what: "s_client", line: "openssl s_client -connect :addr -servername shop.test -CAfile :ca -keylogfile :keys -ign_eof", stdin: get, over: tlsOnly, small: true},
		{what: "s_client-only-looks", line: "openssl s_client -connect :addr -servername shop.test -CAfile :ca -keylogfile :keys -brief", over: tlsOnly, small: true},
		{what: "gnutls-cli", line: "gnutls-cli --x509cafile :ca --sni-hostname shop.test --verify-hostname shop.test -p :port 127.0.0.1", stdin: get, over: tlsOnly, small: true, exit: -1},
		{what: "wget", line: "wget -q --no-check-certificate -O /dev/null URLIP/a.html URLIP/big", exit: -1},
		{what: "wget-looks", line: "wget -q --no-check-certificate --spider URLIP/a.html", exit: -1},
		{what: "node", line: "node :node URL :addr"},
	}
}

// nodeClient asks thrice over one connection, then waits longer than servers keep it, and asks again.
const nodeClient = `'use strict';
const [url, addr] = process.argv.slice(2), fs = require('fs');
const secure = url.startsWith('https'), http = require(secure ? 'https' : 'http');
const [host, port] = addr.split(':');
const cert = process.env.PEER_CERT ? {cert: fs.readFileSync(process.env.PEER_CERT), key: fs.readFileSync(process.env.PEER_KEY)} : {};
const agent = new http.Agent({keepAlive: true, maxSockets: 2});
const get = (path) => new Promise((ok, bad) => {
  http.get({host, port, path: path + '?' + process.env.CALL, agent, servername: 'shop.test', headers: {host: 'shop.test'}, ca: fs.readFileSync(process.env.PEER_CA), ...cert},
    (res) => { res.resume(); res.on('end', ok); }).on('error', bad);
});
const wait = (ms) => new Promise((ok) => setTimeout(ok, ms));
(async () => {
  await Promise.all([get('/a.html'), get('/gzip'), get('/big')]);
  await wait(3000);
  await get('/a.html');
  agent.destroy();
})();
`

// place is what calls need: files and the certificates of the client.
type place struct {
	ca, keys, body, node string
	cert                 *peer.Cert
}

func newPlace(t *testing.T, ca *peer.CA) *place {
	t.Helper()
	dir := t.TempDir()
	p := &place{ca: ca.File, keys: filepath.Join(dir, "keys"), body: filepath.Join(dir, "body"), node: filepath.Join(dir, "client.js"),
		cert: ca.Issue(peer.Issue{CommonName: "client", Client: true, RSA: 2048})}
	must(t, os.WriteFile(p.keys, nil, 0o600))
	must(t, os.WriteFile(p.body, []byte(strings.Repeat("x", 1<<20)), 0o600))
	must(t, os.WriteFile(p.node, []byte(nodeClient), 0o600))
	return p
}

// suits reports whether the site can be asked this.
func (c *call) suits(s *site) bool {
	switch {
	case s.after && c.line[0] != 'c' && c.line[0] != 'o', // others break off, or do not offer to show one
		s.mirror && c.upload,
		s.small && !c.small, c.over == http2Only && !s.h2, c.over != "" && s.clear:
		return false
	}
	return true
}

// run makes one call.
func (p *place) run(t *testing.T, s *site, c *call) {
	t.Helper()
	_, port, _ := net.SplitHostPort(s.addr)
	scheme := "https://"
	if s.clear {
		scheme = "http://"
	}
	words := strings.Fields(c.line)
	for i, w := range words {
		for _, r := range []struct{ from, to string }{{"URLIP", scheme + s.addr}, {"URL", scheme + name + ":" + port}} {
			if strings.HasPrefix(w, r.from) {
				w = r.to + strings.TrimPrefix(w, r.from)
				if strings.HasPrefix(words[i], r.from+"/") {
					w += "?" + c.what
				}
				break
			}
		}
		words[i] = strings.NewReplacer(":addr", s.addr, ":port", port, ":ca", p.ca, ":keys", p.keys, ":body", p.body, ":node", p.node).Replace(w)
	}
	words = append(words, p.more(words[0], s, port)...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, peer.Need(t, words[0], words[0]), words[1:]...)
	cmd.Env = append(os.Environ(), "SSLKEYLOGFILE="+p.keys, "PEER_CA="+p.ca, "CALL="+c.what)
	if words[0] == "node" {
		cmd.Env = append(cmd.Env, "NODE_OPTIONS=--tls-keylog="+p.keys)
		if s.mtls != "" {
			cmd.Env = append(cmd.Env, "PEER_CERT="+p.cert.File, "PEER_KEY="+p.cert.Key)
		}
	}
	cmd.Stdin = strings.NewReader(strings.Replace(c.stdin, "CALL", c.what, 1))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && c.exit < 0) {
		t.Errorf("%s: %s: %v: %.500s", s.what, c.what, err, out)
	}
}

// more are the arguments that every call of a program gets.
func (p *place) more(program string, s *site, port string) (more []string) {
	switch program {
	case "curl":
		more = []string{"-q", "-sS", "--noproxy", "*", "--cacert", p.ca, "--resolve", name + ":" + port + ":127.0.0.1"}
		if s.mtls != "" {
			more = append(more, "--cert", p.cert.File, "--key", p.cert.Key)
		}
	case "openssl":
		if s.mtls != "" {
			more = []string{"-cert", p.cert.File, "-key", p.cert.Key, "-enable_pha"}
		}
	case "gnutls-cli":
		if s.mtls != "" {
			more = []string{"--x509certfile", p.cert.File, "--x509keyfile", p.cert.Key}
		}
	case "wget":
		if s.mtls != "" {
			more = []string{"--certificate", p.cert.File, "--private-key", p.cert.Key}
		}
	}
	return more
}
