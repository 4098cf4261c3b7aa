package peer

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"text/template"
)

// HAProxyConfig is a HAProxy. Text is its whole configuration but for "global", a text/template with {{addr}}, {{addr 1}}, … for the
// addresses that it binds.
type HAProxyConfig struct {
	Text      string
	Certs     []*Cert // written with their keys as cert0.pem, cert1.pem, … in {{dir}}
	Listeners int     // how many addresses are used; default 1
}

// HAProxy starts a HAProxy.
func HAProxy(t testing.TB, cfg HAProxyConfig) *Server {
	t.Helper()
	path := Need(t, "haproxy", "haproxy")
	dir := folder(t)
	for i, c := range cfg.Certs {
		write(t, filepath.Join(dir, fmt.Sprintf("cert%d.pem", i)), append(read(t, c.File), read(t, c.Key)...))
	}
	return withPorts(t, max(cfg.Listeners, 1), func(ports []int) command {
		conf := filepath.Join(dir, "haproxy.cfg")
		addr := func(i ...int) string { return fmt.Sprintf("127.0.0.1:%d", ports[append(i, 0)[0]]) }
		tmpl, err := template.New("haproxy").Funcs(template.FuncMap{"addr": addr, "dir": func() string { return dir }}).Parse(cfg.Text)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := tmpl.Execute(&out, nil); err != nil {
			t.Fatal(err)
		}
		write(t, conf, out.Bytes())
		return command{name: "haproxy", path: path, dir: dir, args: []string{"-db", "-f", conf}}
	})
}
