package peer

import (
	"strconv"
	"testing"
)

// Mitmproxy starts a mitmdump (Debian mitmproxy) as a reverse proxy: HTTP in clear to it, HTTPS to origin (host:port), of TLS 1.2 at most and
// whatever its certificate says. options are further ones, as in "ssl_verify_upstream_trusted_ca=FILE".
func Mitmproxy(t testing.TB, origin string, options ...string) *Server {
	t.Helper()
	path := Need(t, "mitmdump", "mitmproxy")
	dir := folder(t)
	return withPorts(t, 1, func(ports []int) command {
		args := []string{"--mode", "reverse:https://" + origin, "--listen-host", "127.0.0.1", "--listen-port", strconv.Itoa(ports[0]), "--set", "confdir=" + dir}
		for _, o := range append([]string{"ssl_insecure=true", "tls_version_server_max=TLS1_2"}, options...) {
			args = append(args, "--set", o)
		}
		return command{name: "mitmdump", path: path, dir: dir, args: args, env: []string{"HOME=" + dir}}
	})
}
