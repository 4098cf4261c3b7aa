package config

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"strings"
)

func (c *checker) site(path string, s *Site) {
	secure, known := c.listensTLS()
	plain := known && !secure
	switch {
	case s.Passthrough:
		c.passthrough(path, s, plain)
	case secure && len(s.Certificates) == 0 && !c.unsure(path+".certificate", path+".passthrough"):
		c.fault(path, "set certificate: {file: …, key: …}, or passthrough: true", "needs a certificate, because a listener has tls")
	case plain && c.stated(path+".certificate[0]"):
		c.warn(path+".certificate", "set tls: true on a listener", "is not used, because no listener has tls")
	}
	if s.RedirectHTTPS && plain {
		c.fault(path+".redirect_https", "set tls: true on a listener", "would redirect to https, which no listener speaks")
	}
	c.certificates(path, s)
	c.clientAuth(path, s)
	c.origin(path+".origin", &s.Origin)
	c.waf(path, &s.WAF, &s.Limits)
	c.errorPages(path, s)
	c.routes(path, s)
}

// maxPage is how large an error page may be.
const maxPage = 256 << 10

func (c *checker) errorPages(path string, s *Site) {
	for status, file := range s.ErrorPages {
		at := fmt.Sprintf("%s.error_pages.%d", path, status)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() > maxPage {
			c.fault(at, "", "%s is larger than %d KiB", file, maxPage>>10)
		} else if page, p := readBounded(file, maxPage); p == nil && !showsID(page) {
			c.warn(at, "write {{id}} where the page shall show it, or nobody can find the log line of what they saw", "%s does not show the id of the request", file)
		}
	}
}

// showsID reports whether an error page has the placeholder {{id}}.
func showsID(page []byte) bool {
	for part := range bytes.SplitSeq(page, []byte("{{")) {
		if name, _, closed := bytes.Cut(part, []byte("}}")); closed && string(bytes.TrimSpace(name)) == "id" {
			return true
		}
	}
	return false
}

// passthrough: the connection is not opened, so whatever looks into it cannot work.
func (c *checker) passthrough(path string, s *Site, plain bool) {
	if plain {
		c.fault(path+".passthrough", "set tls: true on a listener", "needs a listener with tls")
	}
	if at := path + ".waf"; c.stated(at) && s.WAF.Mode != "off" && !c.unsure(at+".mode") {
		c.fault(at, "leave it out, write waf: {mode: off}, or set passthrough: false", "cannot work with passthrough: what is not opened no rule can see")
	}
	for _, key := range []string{"certificate", "tls_min_version", "client_auth", "forward_client_cert", "routes", "path"} {
		if c.stated(path + "." + key) {
			c.fault(path+"."+key, "leave it out, or set passthrough: false", "cannot work with passthrough, which does not open the connection")
		}
	}
	for i, u := range s.Origin.URLs {
		if strings.HasPrefix(u, "http://") {
			c.fault(fmt.Sprintf("%s.origin.urls[%d]", path, i), "", "must be https, because passthrough hands on the client's TLS")
		}
	}
	for _, key := range []string{"tls", "http", "host"} {
		if c.stated(path + ".origin." + key) {
			c.warn(path+".origin."+key, "leave it out, or set passthrough: false", "does nothing with passthrough: client and origin talk TLS to each other")
		}
	}
}

func (c *checker) clientAuth(path string, s *Site) {
	a, at := &s.ClientAuth, path+".client_auth"
	noCA := a.CA == "" && !c.unsure(at+".ca")
	none := a.Mode == "none" && !c.unsure(at+".mode")
	if a.Mode == "require" && noCA {
		c.fault(at, "set client_auth.ca to the authorities that issue the certificates", "mode require needs a ca")
	}
	if key := c.statedAny(at, "ca", "crl"); key != "" && none {
		c.warn(at+"."+key, "set client_auth.mode", "does nothing with mode none")
	}
	if c.stated(at+".crl") && noCA {
		c.fault(at+".crl", "set client_auth.ca", "needs the ca that issued it")
	}
	if len(s.ForwardClientCert) > 0 && none {
		c.fault(path+".forward_client_cert", "set client_auth: {mode: request}", "has nothing to forward, because clients are not asked for a certificate")
	}
	if len(s.ForwardClientCert) > 0 && a.Mode == "request" && noCA && !s.ForwardUnverified && !c.unsure(path+".forward_unverified") {
		c.fault(path+".forward_client_cert", "set client_auth.ca, or forward_unverified: true where the origin verifies them",
			"would forward nothing, because without a ca no certificate is verified")
	}
	c.authorities(at+".ca", a.CA)
	c.revocations(at+".crl", a.CRL, a.CA)
}

func (c *checker) waf(path string, w *WAF, l *Limits) {
	at := path + ".waf"
	for i, e := range w.Exclusions {
		item := fmt.Sprintf("%s.exclusions[%d]", at, i)
		if c.stated(item) && e.Rule == 0 && e.Tag == "" && e.Target == "" && !c.unsure(item+".rule", item+".tag", item+".target") {
			c.fault(item, "to look at nothing below a path, use a route with waf: {mode: off}", "states neither rule, tag nor target")
		}
		if e.Rule != 0 && e.Tag != "" {
			c.fault(item+".tag", "write two exclusions", "states a rule and a tag")
		}
	}
	if w.Mode != "off" && !w.CoreRules && len(w.Rules) == 0 && c.stated(at+".core_rules") && !c.unsure(at+".mode", at+".rules") {
		c.warn(at+".core_rules", "set rules, or mode: off", "without the core rules and rules of your own nothing is inspected")
	}
	body := c.statedAny(path, "limits.body", "waf.body_limit")
	if body != "" && w.Mode == "block" && w.OnLimit == "refuse" && l.Body > w.BodyLimit &&
		!c.unsure(at+".mode", at+".on_limit", at+".body_limit", path+".limits.body") {
		c.warn(path+"."+body, "raise waf.body_limit, or set waf.on_limit: partial",
			"limits.body lets bodies pass that the WAF refuses, because they are larger than waf.body_limit")
	}
}

func (c *checker) routes(path string, s *Site) {
	for i := range s.Routes {
		r := &s.Routes[i]
		at := fmt.Sprintf("%s.routes[%d]", path, i)
		for j := range i {
			if covers(s.Routes[j].Path, r.Path) || s.IgnoreCase && covers(strings.ToLower(s.Routes[j].Path), strings.ToLower(r.Path)) {
				c.warn(at+".path", "put the longer path first", "is never reached, because %s in line %d comes first",
					quote(s.Routes[j].Path), c.d.place(fmt.Sprintf("%s.routes[%d].path", path, j), c.root).line)
				break
			}
		}
		if plain, err := url.PathUnescape(r.Path); s.IgnoreCase && (err != nil || !isASCII(plain)) {
			c.fault(at+".path", "leave ignore_case out", "has characters outside ASCII, whose case ignore_case does not know")
		}
		if c.stated(at+".timeouts") && c.stated(at+".origin.timeouts") {
			c.fault(at+".timeouts", "keep one of them", "is the same as origin.timeouts, which stands here too")
		}
		if c.stated(at+".origin") || c.stated(at+".timeouts") {
			c.origin(at+".origin", &r.Origin)
		}
		if c.stated(at+".waf") || c.stated(at+".limits") {
			c.waf(at, &r.WAF, &r.Limits)
		}
	}
}

// covers reports whether every path that fits prefix b fits prefix a.
func covers(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if strings.HasSuffix(a, "/") {
		return strings.HasPrefix(b, a)
	}
	return b == a || strings.HasPrefix(b, a+"/")
}
