package peer

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Caddy starts a Caddy (Debian caddy). text is its Caddyfile but for the global options; {{addr}} stands for its address, in clear.
func Caddy(t testing.TB, text string) *Server {
	t.Helper()
	path := Need(t, "caddy", "caddy")
	dir := folder(t)
	return withPorts(t, 1, func(ports []int) command {
		conf := filepath.Join(dir, "Caddyfile")
		addr := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
		write(t, conf, []byte("{\n admin off\n auto_https off\n}\n"+strings.ReplaceAll(text, "{{addr}}", addr)))
		return command{name: "caddy", path: path, dir: dir, args: []string{"run", "--config", conf, "--adapter", "caddyfile"},
			env: []string{"HOME=" + dir, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir}}
	})
}
