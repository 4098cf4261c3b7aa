package config

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/spelling"
)

// nearest is a hint that names the word nearest to got, "" when none is near.
func nearest(got string, words []string) string {
	if best := spelling.Nearest(got, words); best != "" {
		return didYouMean(best)
	}
	return ""
}

func didYouMean(word string) string { return `did you mean "` + word + `"?` }

// foreign maps words of other proxies' files to ours.
func foreign(key string) string {
	return map[string]string{
		"server_names": "names", "hosts": "names", "domains": "names", "domain": "names",
		"upstream": "origin", "upstreams": "origin", "backend": "origin", "proxy_pass": "origin",
		"servers": "urls", "url": "urls", "ssl": "tls", "bind": "address", "addr": "address", "port": "address",
		"locations": "routes", "location": "routes", "sni": "server_name",
		"cert": "certificate", "certificates": "certificate", "ca_file": "ca", "cert_file": "file", "key_file": "key",
		"insecure_skip_verify": "verify", "proxy_ssl_verify": "verify", "client_max_body_size": "body", "curves": "groups",
		"modsecurity": "waf", "paranoia_level": "paranoia", "lb_policy": "balance", "prefix": "path",
		"read_timeout": "read_idle", "connect_timeout": "connect", "listeners": "listen", "logs": "access_log", "audit": "audit_log", "auditlog": "audit_log",
	}[key]
}

// meant finds the key of o that an unknown one stands for, "" when none is near, and says so.
func (o *object) meant(key string) (ours, hint string) {
	if ours = foreign(strings.ToLower(key)); ours != "" && o.field(ours) != nil {
		return ours, `here it is called "` + ours + `"`
	}
	if ours = strings.ReplaceAll(key, "-", "_"); o.field(ours) != nil {
		return ours, didYouMean(ours)
	}
	if ours = spelling.Nearest(key, o.keys()); ours != "" {
		return ours, didYouMean(ours)
	}
	return "", ""
}

// keyHint says where an unknown key of o that is near none of its keys may belong.
func keyHint(root, o *object, key string) string {
	var homes []string
	root.walk("", func(path string, f *field) {
		if f.key == key && !strings.HasPrefix(path, "sites.routes.") && len(homes) < 3 {
			homes = append(homes, path)
		}
	})
	if len(homes) > 0 {
		return "there is such a key elsewhere: " + strings.Join(homes, ", ")
	}
	return "known keys here: " + strings.Join(o.keys(), ", ")
}
