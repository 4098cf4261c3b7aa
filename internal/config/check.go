package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
)

// checker looks at what no key shows alone: keys against one another, and files.
type checker struct {
	cfg  *Config
	dir  string
	now  time.Time
	d    *decoder
	root place
}

func (c *checker) fault(path, hint, format string, args ...any) {
	c.d.report(Error, c.d.place(path, c.root), path, wrong(hint, format, args...))
}

func (c *checker) warn(path, hint, format string, args ...any) {
	c.d.report(Warning, c.d.place(path, c.root), path, wrong(hint, format, args...))
}

// mentioned reports whether the file has this key, even with a value of the wrong shape.
func (c *checker) mentioned(path string) bool {
	_, ok := c.d.places[path]
	return ok
}

// stated reports whether the file has this key with a value that could be read.
func (c *checker) stated(path string) bool { return c.mentioned(path) && !c.d.refused[path] }

// unsure reports whether what the file means by one of these keys is not known, because its value, a part of it or what
// it stands in could not be read, or because it seems to be misspelled. What depends on such a key is not judged: the
// first fault is enough. A route's key is as unsure as the site's, from which it may come.
func (c *checker) unsure(paths ...string) bool {
	for _, path := range paths {
		if c.doubtful(path) {
			return true
		}
		site, rest, inRoute := strings.Cut(path, ".routes[")
		_, key, deeper := strings.Cut(rest, "].")
		if inRoute && deeper && c.doubtful(join(site, key)) {
			return true
		}
	}
	return false
}

func (c *checker) doubtful(path string) bool {
	for bad := range c.d.refused {
		if below(bad, path) || below(path, bad) {
			return true
		}
	}
	for above := path; above != ""; above = above[:max(strings.LastIndexAny(above, ".["), 0)] {
		if c.d.meant[above] && !c.mentioned(above) {
			return true
		}
	}
	return false
}

// below reports whether path is key or lies in it.
func below(path, key string) bool {
	return path == key || strings.HasPrefix(path, key) && (path[len(key)] == '.' || path[len(key)] == '[')
}

// listensTLS reports whether a listener speaks TLS, and whether that can be told.
func (c *checker) listensTLS() (secure, known bool) {
	known = len(c.cfg.Listen) > 0
	for i, l := range c.cfg.Listen {
		secure = secure || l.TLS
		known = known && !c.unsure(fmt.Sprintf("listen[%d].tls", i))
	}
	return secure, known || secure
}

// statedAny returns the first of keys below path that the file has, or "".
func (c *checker) statedAny(path string, keys ...string) string {
	for _, k := range keys {
		if c.stated(join(path, k)) {
			return k
		}
	}
	return ""
}

// derive fills the defaults that follow from other keys.
func (cfg *Config) derive() {
	for i := range cfg.Listen {
		if p := &cfg.Listen[i].ProxyProtocol; p.Trusted == nil {
			p.Trusted = cfg.TrustedProxies
		}
	}
	for i := range cfg.Sites {
		s := &cfg.Sites[i]
		s.Origin.TLS.derive()
		for j := range s.Routes {
			s.Routes[j].Origin.TLS.derive()
		}
	}
}

func (t *OriginTLS) derive() {
	switch {
	case t.MinVersion != 0:
	case t.Profile == "legacy":
		t.MinVersion = tls.VersionTLS10
	default:
		t.MinVersion = tls.VersionTLS12
	}
}

func (c *checker) all() {
	c.filesExist()
	c.listeners()
	c.incidents()
	c.admin()
	c.logFiles()
	c.names()
	for i := range c.cfg.Sites {
		c.site(fmt.Sprintf("sites[%d]", i), &c.cfg.Sites[i])
	}
}

func (c *checker) filesExist() {
	eachFile(reflect.ValueOf(c.cfg).Elem(), c.d.root, "", func(path, file string) {
		if !c.stated(path) { // a route's, which it has from its site
			return
		}
		info, err := os.Stat(file)
		if err == nil && !info.Mode().IsRegular() {
			c.fault(path, "", "%s is no regular file", file)
			return
		}
		var f *os.File
		if err == nil {
			f, err = os.Open(file)
		}
		if err != nil {
			p := fileProblem(file, err)
			c.fault(path, p.hint, "%s", p.message)
			return
		}
		_ = f.Close()
	})
}

func (c *checker) listeners() {
	first := map[string]int{}
	_, adminPort, _ := net.SplitHostPort(c.cfg.Admin.Address)
	for i, l := range c.cfg.Listen {
		path := fmt.Sprintf("listen[%d]", i)
		_, port, _ := net.SplitHostPort(l.Address)
		if j, ok := first[l.Address]; ok && port != "" && port != "0" {
			c.fault(path+".address", "", "%s is the address of listen[%d] already", l.Address, j)
			continue
		}
		first[l.Address] = i
		if l.ProxyProtocol.Mode != "off" && len(l.ProxyProtocol.Trusted) == 0 && !c.unsure(path+".proxy_protocol.trusted", "trusted_proxies") {
			c.fault(path+".proxy_protocol", "state proxy_protocol.trusted, or trusted_proxies for the whole file",
				"no networks are trusted to send the header, or anyone could forge addresses")
		}
		if key := c.statedAny(path, "http2"); key != "" && !l.TLS && !c.unsure(path+".tls") {
			c.warn(join(path, key), "set tls: true", "does nothing on a listener without tls")
		}
		if l.Address == c.cfg.Admin.Address && adminPort != "" && adminPort != "0" {
			c.fault("admin.address", "", "%s is the address of %s already", l.Address, path)
		}
	}
}

func (c *checker) admin() {
	a := &c.cfg.Admin
	if c.mentioned("admin.token") && c.mentioned("admin.token_file") {
		c.fault("admin.token_file", "leave token out", "token and token_file exclude each other")
	}
	if c.stated("admin") && a.Address == "" && !c.unsure("admin.address") {
		c.warn("admin", "set address", "does nothing without an address")
	}
	if a.TokenFile != "" && a.Token == "" {
		c.tokenFile(a)
	}
	if a.Address != "" && !isLoopback(a.Address) && a.Token == "" && a.TokenFile == "" && !c.unsure("admin.token", "admin.token_file") {
		c.fault("admin.address", "listen on 127.0.0.1 or [::1], or set token_file", "an address other than loopback needs a token")
	}
}

func (c *checker) tokenFile(a *Admin) {
	data, p := readBounded(a.TokenFile, 1<<20)
	if p != nil {
		return // filesExist says so
	}
	a.Token = trimSpace(data)
	if n := len(a.Token); n < 16 || n > 4096 {
		c.fault("admin.token_file", "it holds the token and nothing else", "the token in %s has %d characters, it must have 16 to 4096", a.TokenFile, n)
	}
	if info, err := os.Stat(a.TokenFile); err == nil && info.Mode().Perm()&0o007 != 0 && os.PathSeparator == '/' {
		c.warn("admin.token_file", "chmod o= "+a.TokenFile, "every user of the machine may use %s", a.TokenFile)
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

func (c *checker) logFiles() {
	c.logFile("access_log.file", c.cfg.AccessLog.File)
	c.logFile("audit_log.file", c.cfg.AuditLog.File)
	if f := c.cfg.AuditLog.File; strings.HasPrefix(f, "/") && f == c.cfg.AccessLog.File {
		c.fault("audit_log.file", "state another file", "%s is the access log already", f)
	}
}

func (c *checker) logFile(key, f string) {
	if f == "" || slices.Contains([]string{"stdout", "stderr", "off"}, f) {
		return
	}
	if info, err := os.Stat(filepath.Dir(f)); err != nil || !info.IsDir() {
		c.fault(key, "make it, owned by the user that runs lunette", "there is no folder %s", filepath.Dir(f))
	} else if info, err := os.Stat(f); err == nil && info.IsDir() {
		c.fault(key, "state a file in it", "%s is a folder", f)
	}
}

// names: no two sites share a name, and at most one is the default.
func (c *checker) names() {
	first := map[string]string{}
	standard := ""
	for i, s := range c.cfg.Sites {
		site := fmt.Sprintf("sites[%d]", i)
		for j, name := range s.Names {
			path := fmt.Sprintf("%s.names[%d]", site, j)
			if name == "" { // refused already
				continue
			}
			if at, ok := first[name]; ok {
				c.fault(path, "", "%s stands already in %s, line %d", quote(name), at, c.d.place(at, c.root).line)
				continue
			}
			first[name] = path
		}
		if s.Default {
			if standard != "" {
				c.fault(site+".default", "", "%s is the default site already", standard)
			}
			standard = site
		}
	}
}
