package cli

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"unicode"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/probe"
	"github.com/lunette-waf/lunette/internal/recording"
)

// config is what the flags ask for.
func (d *doctorFlags) config(url string) (probe.Config, error) {
	cfg := probe.Config{Gateway: d.via, Post: d.post, WebSocket: d.webSocket, Idle: d.idle, Budget: d.budget, Vouched: d.vouched, Verify: app.VerifyChain}
	usage := func(err error) (probe.Config, error) { return cfg, usageError{err} }
	if d.format != "text" && d.format != "json" {
		return usage(fmt.Errorf("--format must be text or json, not %q", d.format))
	}
	if (d.cert == "") != (d.key == "") {
		return usage(errors.New("--client-cert and --client-key belong together"))
	}
	var err error
	if cfg.Target, err = probe.ParseTarget(url, d.origin); err != nil {
		return usage(err)
	}
	if len(d.paths) > probe.MaxPaths {
		return usage(fmt.Errorf("--path is given %d times, at most %d are asked for", len(d.paths), probe.MaxPaths))
	}
	if budget := cmp.Or(d.budget, probe.DefaultBudget); d.idle >= budget {
		return usage(fmt.Errorf("--idle %s must end within --timeout %s, and leave time for the rest", d.idle, budget))
	}
	for _, p := range d.paths {
		if !strings.HasPrefix(p, "/") || strings.ContainsFunc(p, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
			return usage(fmt.Errorf("--path %.100q must begin with / and be percent-encoded", p))
		}
		cfg.Paths = append(cfg.Paths, p)
	}
	for _, h := range d.header {
		name, value, ok := strings.Cut(h, ":")
		if value = strings.TrimSpace(value); !ok || !token(name) || strings.ContainsFunc(value, unicode.IsControl) {
			return usage(fmt.Errorf("--header wants \"NAME: VALUE\", got %.60q", name))
		}
		if slices.ContainsFunc(framing[:], func(f string) bool { return strings.EqualFold(f, name) }) {
			return usage(fmt.Errorf("--header %s: the doctor writes this field itself; for another host name give it in the URL, and the address with --origin", name))
		}
		cfg.Header = append(cfg.Header, [2]string{name, value})
	}
	for _, r := range d.resolvers {
		a, err := resolverAddr(r)
		if err != nil {
			return usage(err)
		}
		cfg.Resolvers = append(cfg.Resolvers, a)
	}
	return cfg, d.files(&cfg)
}

// framing are the fields that say where a message ends and who it is for: another value of them makes another request (RFC 9112).
var framing = [...]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Expect", "Upgrade", "TE", "Trailer"}

// files reads what the flags name.
func (d *doctorFlags) files(cfg *probe.Config) error {
	if d.ca != "" {
		data, err := os.ReadFile(d.ca)
		if err != nil {
			return fmt.Errorf("read authorities: %w", err)
		}
		if cfg.Roots = x509.NewCertPool(); !cfg.Roots.AppendCertsFromPEM(data) {
			return fmt.Errorf("read authorities: %s: no certificate in PEM", d.ca)
		}
	}
	if d.cert != "" {
		cert, err := tls.LoadX509KeyPair(d.cert, d.key)
		if err != nil {
			return fmt.Errorf("read client certificate: %w", err)
		}
		cfg.Certificate = &cert
	}
	return nil
}

func resolverAddr(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a, nil
	}
	if a, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	return netip.AddrPort{}, fmt.Errorf("--resolver %.60q: want an address, or address:port", s)
}

// captureFile is the file of --write, nil without.
type captureFile struct {
	f    *os.File
	kept bool
}

// capture makes the file before anything is asked, so that a climb is not for nothing. Only its owner may read it: it holds the secrets
// that open it.
func (d *doctorFlags) capture() (*captureFile, error) {
	if d.write == "" {
		return nil, nil
	}
	f, err := os.OpenFile(d.write, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, usageError{fmt.Errorf("--write: %w", err)}
	}
	return &captureFile{f: f}, nil
}

// write puts all connections of r into the file; those that no client in earnest would make are marked.
func (c *captureFile) write(r *probe.Report) error {
	if c == nil {
		return nil
	}
	var recs []*recording.Recording
	for _, o := range r.Tries {
		rec := *o.Recording
		rec.Variant = !o.Natural
		recs = append(recs, &rec)
	}
	c.kept = true
	err := analysis.WriteRecordings(c.f, recs)
	if err = cmp.Or(err, c.f.Close()); err != nil {
		return fmt.Errorf("write capture: %s: %w", c.f.Name(), err)
	}
	return nil
}

// discard takes away a file that nothing was written to.
func (c *captureFile) discard() {
	if c != nil && !c.kept {
		_ = c.f.Close()
		_ = os.Remove(c.f.Name())
	}
}

// token reports whether name is one (RFC 9110 section 5.6.2).
func token(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
