package config

import (
	"crypto/tls"
	"fmt"
	"strings"
)

func (c *checker) origin(path string, o *Origin) {
	secure, plain := c.urls(path, o)
	if len(o.URLs) > 0 && !secure && c.stated(path+".tls") && !c.unsure(path+".urls") {
		c.warn(path+".tls", "write https:// in urls", "does nothing, because no url is https")
	}
	if c.stated(path+".hash_key") && o.Balance != "hash" && !c.unsure(path+".balance") {
		c.warn(path+".hash_key", "set balance: hash", "does nothing with balance: %s", o.Balance)
	}
	if o.HTTP == "2" && plain && !c.unsure(path+".urls") {
		c.fault(path+".http", "use https, or http: auto", "HTTP/2 to a plain http:// origin is not spoken")
	}
	if o.MaxConnections > 0 && o.IdleConnections > o.MaxConnections && c.stated(path+".idle_connections") {
		c.warn(path+".idle_connections", "", "is more than max_connections")
	}
	c.originTLS(path+".tls", o)
	c.health(path+".health", &o.Health)
}

// urls reports which schemes there are.
func (c *checker) urls(path string, o *Origin) (secure, plain bool) {
	first := map[string]int{}
	for i, u := range o.URLs {
		at := fmt.Sprintf("%s.urls[%d]", path, i)
		if !c.stated(at) { // a route's, which it has from its site
			at = path
		}
		if j, ok := first[u]; ok && u != "" {
			c.fault(at, "", "%s is urls[%d] already", u, j)
		}
		first[u] = i
		switch {
		case strings.HasPrefix(u, "https://"):
			secure = true
			if strings.HasSuffix(u, ":80") {
				c.warn(at, "write http://, or another port", "port 80 usually speaks plain HTTP, not TLS")
			}
		case strings.HasPrefix(u, "http://"):
			plain = true
			if strings.HasSuffix(u, ":443") {
				c.warn(at, "write https://", "port 443 usually speaks TLS, not plain HTTP")
			}
		}
	}
	if secure && plain {
		c.warn(path+".urls", "", "some are https and some http: the same request is sometimes sent in clear")
	}
	return secure, plain
}

func (c *checker) originTLS(path string, o *Origin) {
	t := &o.TLS
	if t.MaxVersion != 0 && t.MinVersion > t.MaxVersion && !c.unsure(path+".min_version", path+".max_version", path+".profile") {
		key := "max_version"
		if !c.stated(path + ".max_version") {
			key = "min_version"
		}
		hint := "with max_version below \"1.2\" set min_version too"
		if c.stated(path + ".min_version") {
			hint = ""
		}
		c.fault(path+"."+key, hint, "min_version %s is above max_version %s", versionName(t.MinVersion), versionName(t.MaxVersion))
	}
	if o.HTTP == "2" && t.MaxVersion != 0 && t.MaxVersion < tls.VersionTLS12 {
		c.fault(path+".max_version", "", "HTTP/2 needs TLS 1.2 (RFC 9113 section 9.2)")
	}
	if o.HTTP == "2" && (t.Renegotiation == "once" || t.Renegotiation == "freely") {
		c.warn(path+".renegotiation", "set origin.http: auto", "HTTP/2 forbids renegotiation (RFC 9113 section 9.2.1)")
	}
	if t.InsecureRenegotiation && t.Renegotiation == "never" {
		c.warn(path+".insecure_renegotiation", "", "does nothing with renegotiation: never")
	}
	if t.Verify == "none" && c.stated(path+".ca") {
		c.warn(path+".ca", "set verify: full or chain", "does nothing with verify: none")
	}
	seen := map[string]bool{}
	for i, g := range t.Groups {
		if seen[g] && g != "" {
			c.fault(fmt.Sprintf("%s.groups[%d]", path, i), "", "%s stands here for a second time", g)
		}
		seen[g] = true
	}
	if c.stated(path + ".ca") {
		c.authorities(path+".ca", t.CA)
	}
	if c.stated(path+".client_certificate") && t.ClientCertificate != nil {
		c.pair(path+".client_certificate", t.ClientCertificate)
	}
}

func versionName(v uint16) string { return fmt.Sprintf("1.%d", v-tls.VersionTLS10) }

func (c *checker) health(path string, h *Health) {
	key := c.statedAny(path, "interval", "timeout", "status", "rise", "fall")
	if key != "" && h.Path == "" && !c.unsure(path+".path") {
		c.fault(path+"."+key, "set health.path, such as /healthz", "needs a path: without one there are no active checks")
	}
}
