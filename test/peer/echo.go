package peer

import (
	"fmt"
	"testing"
	"time"
)

// EchoOrigin is one kind of real origin that keeps what it received: see [Server.Received] and [Server.Await].
type EchoOrigin struct {
	Name  string
	Start func(t testing.TB, cert *Cert) *Server // cert nil: plain HTTP
}

// EchoOrigins lists them: every path is answered with 200, but by Apache for other methods than GET and POST (405; it
// keeps them all the same).
func EchoOrigins() []EchoOrigin {
	return []EchoOrigin{
		{"nginx", NginxEcho},
		{"apache", apacheEcho},
		{"node", nodeEcho},
		{"tomcat", func(t testing.TB, cert *Cert) *Server {
			t.Helper()
			return Tomcat(t, TomcatConfig{Cert: cert})
		}},
	}
}

// NginxEcho starts an nginx that keeps what it received, with the module that shows the head as it was read. nginx
// writes a request down when it is over, which may be after its answer arrived: use [Server.Await].
func NginxEcho(t testing.TB, cert *Cert) *Server {
	t.Helper()
	const module = "/usr/lib/nginx/modules/ngx_http_echo_module.so"
	Need(t, "nginx", "nginx-light")
	NeedFile(t, module, "libnginx-mod-http-echo")
	listen := "listen {{addr}};"
	if cert != nil {
		listen = fmt.Sprintf("listen {{addr}} ssl; ssl_certificate %s; ssl_certificate_key %s;", cert.File, cert.Key)
	}
	return Nginx(t, NginxConfig{Main: "load_module " + module + ";", HTTP: `
log_format received escape=json '{"raw":"$echo_client_request_headers","text":"$request_body"}';
server { ` + listen + `
  client_max_body_size 0;
  client_body_buffer_size 1m;
  access_log {{dir}}/requests.log received;
  location / { echo_read_request_body; echo ok; }
}`})
}

func apacheEcho(t testing.TB, cert *Cert) *Server {
	t.Helper()
	const everything = `FallbackResource /index.html
<If "%{REQUEST_METHOD} == 'POST'">
  SetHandler reflector
</If>`
	return Apache(t, ApacheConfig{Plain: cert == nil, Sites: []ApacheSite{{Name: "echo.test", Cert: cert,
		Locations: []ApacheLocation{{Path: "/", Extra: everything}}}}})
}

func nodeEcho(t testing.TB, cert *Cert) *Server {
	t.Helper()
	if cert == nil {
		return Node(t, NodeEcho)
	}
	return Node(t, NodeEcho, "PEER_CERT="+cert.File, "PEER_KEY="+cert.Key)
}

// Await waits until the origin has written down a request with this target, and returns all that it wrote until
// then. To be sure that nothing else arrived, send one last request with a target of its own and await that.
func (s *Server) Await(t testing.TB, target string) []Received {
	t.Helper()
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		seen := s.Received(t)
		for _, r := range seen {
			if r.Target == target {
				return seen
			}
		}
		select {
		case <-late.C:
			t.Fatalf("%s did not receive %s, but %q", s.Name, target, seen)
		case <-tick.C:
		}
	}
}
