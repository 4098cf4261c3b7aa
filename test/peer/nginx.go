package peer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"text/template"
)

// NginxConfig is an nginx (Debian nginx-light). HTTP stands inside http { … } and is a text/template with
//
//	{{addr}} {{addr 1}}   127.0.0.1:port of the first, second, … listener
//	{{root}}              document root, with an index.html
//	{{dir}}               folder of logs and configuration
//
// In Server.Dir lie error.log (level info) and access.log.
type NginxConfig struct {
	HTTP      string // e.g. server { listen {{addr}} ssl; … }
	Main      string // directives outside http, a template too: load_module, stream { … }
	Listeners int    // how many addresses are used; default 1
}

// Nginx starts an nginx.
func Nginx(t testing.TB, cfg NginxConfig) *Server {
	t.Helper()
	path := Need(t, "nginx", "nginx-light")
	dir := folder(t)
	root := filepath.Join(dir, "html")
	write(t, filepath.Join(root, "index.html"), []byte("nginx\n"))
	s := withPorts(t, max(cfg.Listeners, 1), func(ports []int) command {
		conf := filepath.Join(dir, "nginx.conf")
		write(t, conf, nginxConfig(t, cfg, dir, root, ports))
		return command{name: "nginx", path: path, dir: dir, args: []string{"-p", dir, "-c", conf, "-e", filepath.Join(dir, "error.log")}}
	})
	s.Root = root
	return s
}

// nginxConfig puts a frame around what the test wrote.
func nginxConfig(t testing.TB, cfg NginxConfig, dir, root string, ports []int) []byte {
	t.Helper()
	user := ""
	if os.Geteuid() == 0 {
		user = "user www-data;\n"
	}
	text := user + cfg.Main + `
daemon off;
master_process on;
worker_processes 1;
pid {{dir}}/nginx.pid;
error_log {{dir}}/error.log info;
events { worker_connections 512; }
http {
  access_log {{dir}}/access.log;
  client_body_temp_path {{dir}}/body;
  proxy_temp_path {{dir}}/proxy;
  fastcgi_temp_path {{dir}}/fastcgi;
  uwsgi_temp_path {{dir}}/uwsgi;
  scgi_temp_path {{dir}}/scgi;
  root {{root}};
` + cfg.HTTP + "\n}\n"
	addr := func(i ...int) (string, error) {
		n := 0
		if len(i) > 0 {
			n = i[0]
		}
		if n >= len(ports) {
			return "", fmt.Errorf("addr %d: only %d listeners, raise NginxConfig.Listeners", n, len(ports))
		}
		return fmt.Sprintf("127.0.0.1:%d", ports[n]), nil
	}
	funcs := template.FuncMap{"addr": addr, "root": func() string { return root }, "dir": func() string { return dir }}
	tmpl, err := template.New("nginx").Funcs(funcs).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := tmpl.Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
