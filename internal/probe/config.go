package probe

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config says what is asked, and how far to go. Zero values are the defaults that stand beside them.
type Config struct {
	Target      Target
	Paths       []string                           // request targets; default that of the URL, else "/"
	Header      [][2]string                        // further fields of each request
	Roots       *x509.CertPool                     // whom to trust; nil: the system's
	Certificate *tls.Certificate                   // for an origin that asks; nil: a throw-away one, and only after a HelloRequest
	Resolvers   []netip.AddrPort                   // default: the system's
	Gateway     string                             // "host:port" of a gateway in front, which is asked the same, with http:// or https:// in front where it speaks otherwise than the origin; "": none
	Post        bool                               // send bodies too
	WebSocket   bool                               // the first path is a WebSocket: an Upgrade must work
	Idle        time.Duration                      // measure up to here how long an idle connection is kept; 0: not
	Vouched     bool                               // the addresses are the caller's own, whatever DNS says
	Budget      time.Duration                      // for all of it; default 50 s
	Patience    time.Duration                      // how long an ignored HelloRequest is watched; default 25 s
	Interval    time.Duration                      // least time between two connections; default 20 ms
	MaxConns    int                                // most connections; default 96
	Connects    int                                // TCP connections for the round trip to each address; default 3
	Progress    func(Line)                         // told of each line as it is known; may be nil
	Began       func(name, asks string, conns int) // told when a step begins; may be nil
	// Verify checks a chain as Lunette's gateway does: "" or a reason (cert.expired), and a detail. name is the name that is wanted.
	Verify func(chain []*x509.Certificate, roots *x509.CertPool, name string) (reason, detail string)
}

const (
	DefaultBudget   = 50 * time.Second
	defaultPatience = 25 * time.Second
	defaultInterval = 20 * time.Millisecond
	defaultMaxConns = 96
	MaxPaths        = 8 // request targets of a climb; further ones are not asked for
	maxAddresses    = 8
)

func (c Config) filled() Config {
	if len(c.Paths) == 0 {
		c.Paths = []string{c.Target.Path}
	}
	c.Paths = c.Paths[:min(len(c.Paths), MaxPaths)]
	if c.Budget <= 0 {
		c.Budget = DefaultBudget
	}
	if c.Patience <= 0 {
		c.Patience = defaultPatience
	}
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.Connects <= 0 {
		c.Connects = 3
	}
	if c.Progress == nil {
		c.Progress = func(Line) {}
	}
	if c.Began == nil {
		c.Began = func(string, string, int) {}
	}
	if c.Verify == nil {
		c.Verify = func([]*x509.Certificate, *x509.CertPool, string) (string, string) { return "", "" }
	}
	return c
}

// Target is the site that is asked.
type Target struct {
	TLS       bool
	Name      string // host name or address, no brackets: SNI, and the name that the certificate must have
	Authority string // the Host field
	Path      string // request target
	Host      string // what is dialled: Name, or what stands in for it
	Port      uint16
}

// ParseTarget reads a URL, and the address that is dialled instead of its host: host, host:port, or "" for the URL's own.
func ParseTarget(raw, origin string) (Target, error) {
	if !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return Target{}, fmt.Errorf("read url %.100q: %w", raw, errors.Unwrap(err))
	}
	t := Target{Name: strings.ToLower(u.Hostname()), Authority: u.Host, Path: u.RequestURI(), Port: 80}
	switch {
	case u.Scheme == "https":
		t.TLS, t.Port = true, 443
	case u.Scheme != "http":
		return t, fmt.Errorf("read url %.100q: scheme must be https or http", raw)
	}
	switch {
	case t.Name == "":
		return t, fmt.Errorf("read url %.100q: no host", raw)
	case u.User != nil:
		return t, fmt.Errorf("read url %.100q: no user or password here: use --header", raw)
	case len(t.Name) > 253 || strings.ContainsFunc(t.Name, func(r rune) bool { return r <= ' ' || r > '~' }):
		return t, fmt.Errorf("read url %.100q: host must be in ASCII; write other names as xn--…", raw)
	}
	if t.Host = t.Name; u.Port() != "" {
		if t.Port, err = port(u.Port()); err != nil {
			return t, fmt.Errorf("read url %.100q: %w", raw, err)
		}
	}
	if origin == "" {
		return t, nil
	}
	t.Host = strings.Trim(origin, "[]")
	if host, p, err := net.SplitHostPort(origin); err == nil {
		if t.Host = host; p != "" {
			if t.Port, err = port(p); err != nil {
				return t, fmt.Errorf("read address %.100q: %w", origin, err)
			}
		}
	}
	if t.Host == "" || strings.ContainsAny(t.Host, "/ ") {
		return t, fmt.Errorf("read address %.100q: want host, or host:port", origin)
	}
	return t, nil
}

func port(s string) (uint16, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, errors.New("port must be 1 to 65535")
	}
	return uint16(n), nil
}

// standsIn reports whether something else than the URL's own host is dialled.
func (t *Target) standsIn() bool { return t.Host != t.Name }

// literal is the address that is dialled where it is one, not a name.
func (t *Target) literal() (netip.Addr, bool) {
	a, err := netip.ParseAddr(t.Host)
	return a.Unmap(), err == nil
}

// sni is the name in the ClientHello: RFC 6066 section 3 allows no address.
func (t *Target) sni() string {
	if _, err := netip.ParseAddr(t.Name); err == nil {
		return ""
	}
	return strings.TrimSuffix(t.Name, ".")
}

// Most is how many connections are made at most.
func (c Config) Most() int { return c.filled().MaxConns }

// Longest is how long the climb may take.
func (c Config) Longest() time.Duration { return c.filled().Budget }
