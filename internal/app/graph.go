package app

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/listener"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/gateway/profile"
	"github.com/lunette-waf/lunette/internal/gateway/site"
	"github.com/lunette-waf/lunette/internal/rules"
)

// shared is what outlives a graph.
type shared struct {
	rules    *rules.Factory
	connIDs  *atomic.Uint64
	observer origin.Observer
	gate     *policy.Gate
	keepBody int64                            // bytes of bodies that the audit log may show
	mask     func(target, part string) string // hides secrets in what rules matched; nil hides all of it
	flight   *flight.Recorder                 // keeps what crosses connections; nil: nobody does
	book     *profile.Book                    // learns of origins; nil: nobody does
}

// graph is one configuration at work. It is immutable; a reload builds another one.
type graph struct {
	cfg     *config.Config
	table   *site.Table
	routes  []route // by site.Route.Index
	tls     *listener.SiteTable
	origins map[string]*origin.Origin // by name and what they were built from
	named   map[string]string         // names of the origins of a site, by what they were built from
	engines []*rules.Engine
	byName  map[string]*origin.Origin  // passed-through sites by first name
	clients map[string]exchange.Flight // keeps what crosses connections of clients, by the first name of their site
	inputs  rules.Inputs               // what rules were read from
	faults  config.Faults              // of rules and exclusions, only while it is built
}

// route is what the stages need of one route.
type route struct {
	site     string
	path     string // "" for the site itself
	origin   *origin.Origin
	policy   *policy.Stage // nil where no request comes: TLS is passed through
	body     int64         // limit of a request body in bytes
	response bool          // response bodies are inspected
	forwards bool          // the origin learns the client's certificate from a field

	settings   *config.Origin
	slowFactor int  // of a first byte beside the usual; 0: none is slow
	prove      bool // try aside what failed
	endsLikely bool // a wait ends early also where its cause is only likely
}

// build is assemble for those who want a graph without a fault or none: on an error everything that was made for it is closed again.
func build(cfg *config.Config, sh shared, old *graph) (*graph, error) {
	g, err := assemble(cfg, sh, old)
	if err != nil {
		g.close(old)
		return nil, err
	}
	return g, nil
}

// assemble makes the graph of cfg. Origins of old whose settings are the same are taken over. The error holds every fault that was
// found; then the graph must not serve: it tells what was read, and is to be closed.
func assemble(cfg *config.Config, sh shared, old *graph) (*graph, error) {
	g := &graph{cfg: cfg, tls: &listener.SiteTable{Names: map[string]*listener.SiteTLS{}}, origins: map[string]*origin.Origin{}, named: map[string]string{}, byName: map[string]*origin.Origin{}, clients: map[string]exchange.Flight{}}
	var faults []error
	table, err := site.New(siteConfig(cfg))
	if err != nil {
		faults = append(faults, err)
	}
	g.table = table
	for i := range cfg.Sites {
		if err := g.addSite(i, sh, old); err != nil {
			faults = append(faults, err)
		}
	}
	if len(g.faults) > 0 {
		faults = append([]error{g.faults}, faults...)
	}
	return g, errors.Join(faults...)
}

// close ends what g does not share with keep, which may be nil. Running exchanges end undisturbed.
func (g *graph) close(keep *graph) {
	for key, o := range g.origins {
		if keep == nil || keep.origins[key] != o {
			o.Close()
		}
	}
	for _, e := range g.engines {
		e.Close()
	}
}

func (g *graph) addSite(i int, sh shared, old *graph) error {
	s := &g.cfg.Sites[i]
	if f := sh.tapes(s, flight.ClientLeg); f != nil {
		g.clients[s.Names[0]] = f
	}
	var faults []error
	if err := g.addTLS(s); err != nil {
		faults = append(faults, err)
	}
	faults = append(faults, g.addRoute(i, -1, sh, old))
	for j := range s.Routes {
		faults = append(faults, g.addRoute(i, j, sh, old))
	}
	if s.Passthrough && len(g.routes) > 0 {
		g.byName[s.Names[0]] = g.routes[len(g.routes)-1].origin
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("site %s: %w", s.Names[0], err)
	}
	return nil
}

// addRoute builds the stages of route j of site i, or of the site itself where j is -1.
func (g *graph) addRoute(i, j int, sh shared, old *graph) error {
	s := &g.cfg.Sites[i]
	path, oc, wc, lc := "", &s.Origin, &s.WAF, &s.Limits
	if j >= 0 {
		r := &s.Routes[j]
		path, oc, wc, lc = r.Path, &r.Origin, &r.WAF, &r.Limits
	}
	o, err := g.openOrigin(s, path, oc, sh, old)
	if err != nil {
		return err
	}
	var st *policy.Stage
	if !g.unread(s) {
		st, err = g.openPolicy(s.Names[0], wc, s.Methods, sh)
	}
	var le *rules.LoadError
	if errors.As(err, &le) {
		g.inputs.Add(le.Inputs)
		g.addFaults(i, j, le)
		return nil
	}
	if err != nil {
		return err
	}
	g.routes = append(g.routes, route{site: s.Names[0], path: path, origin: o, policy: st, body: lc.Body, response: st != nil && st.InspectsResponses(), forwards: len(s.ForwardClientCert) > 0,
		settings: oc, slowFactor: s.SlowFactor, prove: s.Prove == "on", endsLikely: s.DeadWaitOn == "likely" && s.DeadWait > 0})
	return nil
}

// unread reports whether no request to s is to be served, so that no rules are needed for it: its TLS is passed through, and what comes without TLS is sent
// to https, if there is a listener for it. Who stands behind a proxy that ends TLS may come by https and in plain text all the same.
func (g *graph) unread(s *config.Site) bool {
	plain := slices.ContainsFunc(g.cfg.Listen, func(l config.Listener) bool { return !l.TLS })
	trusts := len(g.cfg.TrustedProxies) > 0
	return s.Passthrough && (!plain || s.RedirectHTTPS && !trusts)
}

// openOrigin opens the origin of a route (path "": of the site itself). What has the same settings in one site shares
// one: its connections, its health checks. It takes over the old graph's where nothing about it changed, files included.
func (g *graph) openOrigin(s *config.Site, path string, c *config.Origin, sh shared, old *graph) (*origin.Origin, error) {
	settings, err := originKey(s, c)
	if err != nil {
		return nil, err
	}
	name, shared := g.named[settings]
	if !shared {
		name = s.Names[0] + path
		g.named[settings] = name
	}
	key := name + " " + settings
	if o := g.origins[key]; o != nil {
		return o, nil
	}
	if old != nil && old.origins[key] != nil {
		g.origins[key] = old.origins[key]
		return g.origins[key], nil
	}
	oc, err := originConfig(name, c)
	if err != nil {
		return nil, err
	}
	oc.DeadWait, oc.DeadWaitOn = offTime(s.DeadWait), s.DeadWaitOn
	o, err := origin.New(oc, origin.Deps{ConnIDs: sh.connIDs, Observer: sh.observer, Flight: sh.tapes(s, flight.OriginLeg), IdleEnded: sh.idleEnded(s.Names[0])})
	if err != nil {
		return nil, err
	}
	g.origins[key] = o
	return o, nil
}

func (g *graph) openPolicy(site string, c *config.WAF, methods []string, sh shared) (*policy.Stage, error) {
	pc := policyConfig(c)
	pc.Mask, pc.Gate, pc.KeepBody = sh.mask, sh.gate, sh.keepBody
	if c.Mode == "off" {
		return policy.New(pc, nil)
	}
	e, err := sh.rules.Open(rulesConfig(site, c, methods))
	if err != nil {
		return nil, err
	}
	g.engines = append(g.engines, e)
	g.inputs.Add(e.Inputs())
	return policy.New(pc, policy.Use(e))
}

// addTLS registers the site's certificates and client_auth under all of its names.
func (g *graph) addTLS(s *config.Site) error {
	st := &listener.SiteTLS{Name: s.Names[0], MinVersion: s.TLSMinVersion, Passthrough: s.Passthrough}
	if !s.Passthrough && len(s.Certificates) == 0 {
		return nil // served without TLS only
	}
	if !s.Passthrough {
		files := make([]listener.CertificateFile, len(s.Certificates))
		for i, c := range s.Certificates {
			files[i] = listener.CertificateFile{Chain: c.File, Key: c.Key}
		}
		certs, err := listener.LoadCertificates(files...)
		if err != nil {
			return err
		}
		st.Certificates = certs
		if err := addClientAuth(st, &s.ClientAuth); err != nil {
			return err
		}
	}
	for _, n := range s.Names {
		g.tls.Names[n] = st
	}
	if s.Default {
		g.tls.Default = st
	}
	return nil
}

func addClientAuth(st *listener.SiteTLS, c *config.ClientAuth) error {
	switch c.Mode {
	case "request":
		st.ClientAuth = listener.ClientAuthRequest
	case "require":
		st.ClientAuth = listener.ClientAuthRequire
	default:
		return nil
	}
	if c.CA != "" {
		pool, err := loadPool(c.CA)
		if err != nil {
			return err
		}
		st.ClientCAs = pool
	}
	if c.CRL != "" {
		crl, err := listener.LoadRevocationLists(false, c.CRL)
		if err != nil {
			return err
		}
		st.CRL = crl
	}
	return nil
}

func loadPool(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read authorities %s: no certificate in it", file)
	}
	return pool, nil
}

var _ exchange.Handler = (*pipeline)(nil)
