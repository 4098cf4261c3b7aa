package site

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/httpwire"
	"github.com/lunette-waf/lunette/internal/reason"
)

// New builds the table. Faults of all sites are reported together; each carries config.bad_setting.
func New(cfg Config) (*Table, error) {
	t := &Table{via: cfg.Via, self: cfg.Pseudonym, names: names{exact: map[string]*Site{}, wild: map[string]*Site{}}}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, reason.New(reason.ConfigBadSetting, "", fmt.Errorf(format, args...)))
	}
	if t.self == "" {
		var b [4]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		t.self = "lunette-" + hex.EncodeToString(b[:])
	}
	if !httpwire.IsToken(t.self) {
		fault("set pseudonym %q: not a token (RFC 9110 section 5.6.2)", t.self)
	}
	t.viaLine = viaLines(t.self)
	for _, p := range cfg.TrustedProxies {
		if !p.IsValid() {
			fault("set trusted_proxies: prefix %v is not valid", p)
			continue
		}
		t.trusted = append(t.trusted, unmapPrefix(p))
	}
	for i := range cfg.Sites {
		t.addSite(i, &cfg.Sites[i], fault)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return t, nil
}

func (t *Table) addSite(i int, c *SiteConfig, fault func(string, ...any)) {
	s := &Site{
		Index: i, lenient: c.Path == Lenient, requireSNI: c.RequireSNI, requireCert: c.RequireCert, redirect: c.RedirectHTTPS,
		certForms: c.ForwardClientCert, unverified: c.ForwardUnverified,
	}
	if c.Path != "" && c.Path != Strict && c.Path != Lenient {
		fault("set path of site %d: %q is neither strict nor lenient", i+1, c.Path)
	}
	if c.RedirectPort != 0 && c.RedirectPort != 443 {
		s.redirectPort = fmt.Sprintf(":%d", c.RedirectPort)
	}
	t.addNames(s, c, fault)
	s.setMethods(c.Methods, fault)
	for _, form := range c.ForwardClientCert {
		if !form.known() {
			fault("set forward_client_cert of site %s: unknown form %q", s.Name, form)
		}
	}
	pages, err := LoadPages(c.ErrorPages)
	if err != nil {
		fault("set error_pages of site %s: %w", s.Name, err)
	}
	s.pages = pages
	s.root = t.addRoute(s, &c.Root)
	s.strongest = s.root
	for k := range c.Routes {
		r := t.addRoute(s, &c.Routes[k])
		if err := r.setPath(c.Routes[k].Path); err != nil {
			fault("set route of site %s: %w", s.Name, err)
		}
		s.routes = append(s.routes, r)
		s.strongest = stronger(s.strongest, r)
	}
}

func (t *Table) addNames(s *Site, c *SiteConfig, fault func(string, ...any)) {
	if len(c.Names) == 0 && !c.Default {
		fault("add site %d: no names", s.Index+1)
	}
	s.Name = "default"
	if len(c.Names) > 0 {
		s.Name = strings.ToLower(strings.TrimSuffix(c.Names[0], "."))
	}
	for _, name := range c.Names {
		n, err := cleanName(name)
		if err != nil {
			fault("add name %q: %w", name, err)
			continue
		}
		if s.primary == "" && !strings.HasPrefix(n, "*.") {
			s.primary = n
		}
		if other := t.names.add(n, s); other != nil {
			fault("add name %q: site %s has it already", name, other.Name)
		}
	}
	if c.Default {
		if t.names.fallback != nil {
			fault("make site %s the default: site %s is it already", s.Name, t.names.fallback.Name)
		}
		t.names.fallback = s
	}
}

func (t *Table) addRoute(s *Site, c *RouteConfig) *Route {
	r := &Route{Site: s, Index: len(t.routes), IgnoreCase: c.IgnoreCase, Protection: c.Protection, OriginHost: c.OriginHost}
	t.routes = append(t.routes, r)
	return r
}
