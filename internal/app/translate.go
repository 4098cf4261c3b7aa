package app

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/listener"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/gateway/site"
	"github.com/lunette-waf/lunette/internal/rules"
)

// The stages read 0 as their default; in the configuration it is "off", and defaults are filled in already.
func offTime(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func offInt(n int) int {
	if n == 0 {
		return -1
	}
	return n
}

func siteConfig(c *config.Config) site.Config {
	out := site.Config{TrustedProxies: c.TrustedProxies}
	switch c.Via {
	case "both":
		out.Via = site.ViaBoth
	case "none":
		out.Via = site.ViaNone
	}
	for i := range c.Sites {
		s := &c.Sites[i]
		sc := site.SiteConfig{
			Names: s.Names, Default: s.Default, Path: site.PathPolicy(s.Path), Methods: s.Methods,
			RequireSNI:    s.ClientAuth.Mode != "none" && s.ClientAuth.Mode != "",
			RequireCert:   s.ClientAuth.Mode == "require",
			RedirectHTTPS: s.RedirectHTTPS, RedirectPort: uint16(s.RedirectPort),
			ForwardUnverified: s.ForwardUnverified, ErrorPages: s.ErrorPages,
			Root: site.RouteConfig{IgnoreCase: s.IgnoreCase, Protection: protection(&s.WAF), OriginHost: s.Origin.Host},
		}
		for _, f := range s.ForwardClientCert {
			sc.ForwardClientCert = append(sc.ForwardClientCert, site.CertForm(f))
		}
		for j := range s.Routes {
			r := &s.Routes[j]
			sc.Routes = append(sc.Routes, site.RouteConfig{Path: r.Path, IgnoreCase: s.IgnoreCase, Protection: protection(&r.WAF), OriginHost: r.Origin.Host})
		}
		out.Sites = append(out.Sites, sc)
	}
	return out
}

// protection orders policies: an ambiguous path gets the strongest of those that it could claim.
func protection(w *config.WAF) int {
	switch w.Mode {
	case "off":
		return 0
	case "detect":
		return 1
	}
	p := 10 + w.Paranoia*100 - min(w.InboundThreshold, 99)/10
	if w.CoreRules {
		p += 1000
	}
	return max(p, 2)
}

func originConfig(name string, c *config.Origin) (origin.Config, error) {
	t := &c.Timeouts
	out := origin.Config{
		Name: name, URLs: c.URLs, Balance: c.Balance, HashKey: c.HashKey, Host: c.Host, HTTP: c.HTTP,
		Timeouts: origin.Timeouts{
			DNS: t.DNS, Connect: t.Connect, TLS: t.TLS, Write: offTime(t.Write), FirstByte: offTime(t.FirstByte),
			ReadIdle: offTime(t.ReadIdle), KeepaliveIdle: offTime(t.KeepaliveIdle), Total: offTime(t.Total),
		},
		Health: origin.Health{
			Path: c.Health.Path, Interval: c.Health.Interval, Timeout: c.Health.Timeout,
			Status: [2]int{c.Health.Status.From, c.Health.Status.To}, Rise: c.Health.Rise, Fall: c.Health.Fall,
			PassiveFall: offInt(c.Health.Passive.Failures), Aside: c.Health.Passive.Hold,
		},
		MaxConns: c.MaxConnections, MaxIdle: offInt(c.IdleConnections), Retries: offInt(c.Retries), MaxHeader: int(c.MaxHeader),
	}
	for _, r := range c.Resolver {
		out.Resolvers = append(out.Resolvers, r.String())
	}
	var err error
	out.TLS, err = originTLS(&c.TLS)
	return out, err
}

func originTLS(c *config.OriginTLS) (origin.TLS, error) {
	out := origin.TLS{
		ServerName: c.ServerName, Verify: c.Verify, MinVersion: c.MinVersion, MaxVersion: c.MaxVersion, Profile: c.Profile,
		Renegotiation: c.Renegotiation, InsecureReneg: c.InsecureRenegotiation, ShareConnection: c.ShareConnections,
	}
	for _, name := range c.Groups {
		id, ok := config.Group(name)
		if !ok {
			return out, fmt.Errorf("find key exchange group %q: unknown", name)
		}
		out.Groups = append(out.Groups, id)
	}
	if c.CA != "" {
		pool, err := loadPool(c.CA)
		if err != nil {
			return out, err
		}
		out.Roots = pool
	}
	if cc := c.ClientCertificate; cc != nil {
		cert, err := tls.LoadX509KeyPair(cc.File, cc.Key)
		if err != nil {
			return out, fmt.Errorf("read client certificate: %w", err)
		}
		out.Certificate = &cert
	}
	return out, nil
}

// originKey names everything that an origin of a site is built from: settings and the content of its files.
func originKey(s *config.Site, c *config.Origin) (string, error) {
	settings, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("compare origin: %w", err)
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\x00%s %d %v %v %s\x00", s.Names[0], s.Flight, s.FlightBytes, s.StallAfter, s.DeadWait, s.DeadWaitOn)
	_, _ = h.Write(settings)
	files := []string{c.TLS.CA}
	if c.TLS.ClientCertificate != nil {
		files = append(files, c.TLS.ClientCertificate.File, c.TLS.ClientCertificate.Key)
	}
	for _, f := range files {
		if f == "" {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return "", fmt.Errorf("read origin file: %w", err)
		}
		_, _ = fmt.Fprintf(h, "\x00%d\x00", len(b))
		_, _ = h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// tapes is who keeps what crosses connections of a site; nil for nobody.
func (sh *shared) tapes(s *config.Site, leg flight.Leg) exchange.Flight {
	if sh.flight == nil {
		return nil
	}
	set := flight.Settings{Site: s.Names[0], Leg: leg, Mode: flight.Mode(s.Flight), Bytes: int(s.FlightBytes), StallAfter: s.StallAfter}
	if s.DeadWaitOn == "likely" && s.DeadWait > 0 { // then a stall is looked into when it may be ended
		set.StallAfter = cmp.Or(min(set.StallAfter, s.DeadWait), s.DeadWait)
	}
	if leg == flight.ClientLeg {
		set.Mode, set.StallAfter = flight.Mode(s.FlightClient), 0
	}
	return sh.flight.For(set)
}

// idleEnded hears of idle connections to origins of a site that are over; nil where nobody learns.
func (sh *shared) idleEnded(site string) func(url string, idle time.Duration, closed bool) {
	if sh.book == nil {
		return nil
	}
	return func(url string, idle time.Duration, closed bool) {
		if closed {
			sh.book.Closed(site, url, idle)
		} else {
			sh.book.Survived(site, url, idle)
		}
	}
}

func policyConfig(c *config.WAF) policy.Config {
	out := policy.Config{
		Mode: policy.Mode(c.Mode), RequestLimit: c.BodyLimit, Partial: c.OnLimit == "partial",
		ResponseLimit: -1, Budget: offTime(c.TimeLimit), FailOpen: c.OnError == "open",
	}
	if c.InspectResponses {
		out.ResponseLimit = c.ResponseLimit
	}
	return out
}

func rulesConfig(site string, c *config.WAF, methods []string) rules.Settings {
	out := rules.Settings{
		Site: site, NoCore: !c.CoreRules, Detect: c.Mode == "detect", Paranoia: c.Paranoia, Inbound: c.InboundThreshold, Outbound: c.OutboundThreshold,
		Methods: methods, Files: c.Rules, Arguments: c.Arguments, Leaves: c.Leaves, Depth: c.Depth, Work: c.WorkLimit,
	}
	for _, e := range c.Exclusions {
		x := rules.Exclusion{Tag: e.Tag, Target: e.Target, Path: e.Path}
		if e.Rule != 0 {
			x.Rules = []int{e.Rule}
		}
		out.Exclusions = append(out.Exclusions, x)
	}
	return out
}

func listenerSettings(l *config.Listener) listener.Settings {
	m := &l.Limits
	return listener.Settings{
		Connections: offInt(m.Connections), PerClient: offInt(m.PerClient), Requests: offInt(m.Requests),
		HeaderBytes: int(m.Header), HeaderFields: m.Fields, LineBytes: int(m.Line), Streams: m.Streams,
		Idle: m.Idle, Header: m.HeaderTime, BodyIdle: m.BodyIdle, Write: m.SendIdle, TunnelIdle: offTime(m.TunnelIdle),
	}
}

func listenerConfig(l *config.Listener, trusted *config.Config) listener.Config {
	out := listener.Config{Address: l.Address, TLS: l.TLS, HTTP2: l.HTTP2 && l.TLS, Settings: listenerSettings(l), Trusted: l.ProxyProtocol.Trusted}
	switch l.ProxyProtocol.Mode {
	case "accept":
		out.Proxy = listener.ProxyAccept
	case "require":
		out.Proxy = listener.ProxyRequire
	}
	if len(out.Trusted) == 0 {
		out.Trusted = trusted.TrustedProxies
	}
	return out
}
