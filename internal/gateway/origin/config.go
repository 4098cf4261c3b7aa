package origin

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
)

// Config says how one site or route reaches its origin. The zero value of each field is the default that stands beside it.
type Config struct {
	Name    string   // for the record: site, or site and route
	URLs    []string // "https://host:port"; at least one
	Balance string   // "round_robin" (default), "least_conn", "hash"
	HashKey string   // for hash: "client_ip" (default), "path", "header:Name", "cookie:name"
	Host    string   // Host of health checks; default: the URL's
	HTTP    string   // "auto" (default), "1.1", "2"

	TLS      TLS
	Timeouts Timeouts
	Health   Health

	MaxConns  int      // connections per URL, 0: no limit
	MaxIdle   int      // idle connections kept per URL; default 256
	Retries   int      // further attempts after the first; default 2, -1: none. Another address of the same URL is no further attempt
	Resolvers []string // "ip:port"; default: the system's

	// DeadWait is after how long an HTTP/1.1 wait is ended in which it is proven that nobody can speak any more; with DeadWaitOn "likely"
	// also one from which some origins would wake. Default 3 s and "proven"; negative: off.
	DeadWait   time.Duration
	DeadWaitOn string

	MaxHeader int // bytes of an origin's response head; default 128 KiB
}

// TLS is what the gateway offers and demands on the origin leg.
type TLS struct {
	ServerName      string         // SNI; default: the Host that is sent
	Roots           *x509.CertPool // nil: the system's
	Verify          string         // "full" (default), "chain" (any name), "none"
	MinVersion      uint16         // default: TLS 1.2, with profile legacy TLS 1.0
	MaxVersion      uint16         // default: TLS 1.3
	Profile         string         // "modern" (default), "compatible", "legacy"
	Groups          []tls.CurveID  // default: Go's
	Renegotiation   string         // "auto" (default), "never", "once", "freely"
	InsecureReneg   bool           // renegotiate even without RFC 5746
	Certificate     *tls.Certificate
	ShareConnection bool // connections on which Certificate was used may serve every client
}

// Timeouts bound the phases of an attempt; 0 means the default, a negative value none.
type Timeouts struct {
	DNS           time.Duration // 5 s
	Connect       time.Duration // 5 s
	TLS           time.Duration // 10 s
	Write         time.Duration // 60 s, without progress
	FirstByte     time.Duration // 60 s, from the last byte of the request
	ReadIdle      time.Duration // 60 s, between two pieces of the response
	KeepaliveIdle time.Duration // 4 s: below the 5 s of Apache and Node
	Total         time.Duration // none
}

// Health says how URLs are watched.
type Health struct {
	Path     string        // active checks GET it; "": none
	Interval time.Duration // 10 s
	Timeout  time.Duration // 5 s
	Status   [2]int        // accepted range; default 200–399
	Rise     int           // successes until up; default 2
	Fall     int           // failures until down; default 3
	// Passive: so many failed attempts in a row put a URL aside for Aside, while another one is up. Default 3 and 10 s; -1: never.
	PassiveFall int
	Aside       time.Duration
}

type endpointURL struct {
	raw    string
	secure bool
	host   string // name or address, no brackets
	port   uint16
	ip     netip.Addr // valid when host is a literal
}

func (u endpointURL) authority() string {
	h := u.host
	if u.ip.Is6() {
		h = "[" + h + "]"
	}
	if (u.secure && u.port == 443) || (!u.secure && u.port == 80) {
		return h
	}
	return h + ":" + strconv.Itoa(int(u.port))
}

func parseURL(raw string) (endpointURL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return endpointURL{}, fmt.Errorf("parse origin url %q: %w", raw, err)
	}
	e := endpointURL{raw: raw, host: strings.ToLower(u.Hostname())}
	switch u.Scheme {
	case "https":
		e.secure, e.port = true, 443
	case "http":
		e.port = 80
	default:
		return e, fmt.Errorf("parse origin url %q: scheme must be http or https", raw)
	}
	if e.host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.User != nil || u.Fragment != "" {
		return e, fmt.Errorf("parse origin url %q: want scheme://host:port and nothing else", raw)
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return e, fmt.Errorf("parse origin url %q: port must be 1 to 65535", raw)
		}
		e.port = uint16(n)
	}
	if ip, err := netip.ParseAddr(e.host); err == nil {
		e.ip = ip.Unmap()
		return e, nil
	}
	if e.host, err = idna.Lookup.ToASCII(e.host); err != nil && !plainName(e.host) { // RFC 5891; "_" is common inside
		return e, fmt.Errorf("parse origin url %q: %w", raw, err)
	}
	return e, nil
}

// plainName reports whether a host that is no proper name of the Internet is good enough for a local resolver.
func plainName(host string) bool {
	for i := range len(host) {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return host != "" && len(host) <= 253
}

func orDuration(d, def time.Duration) time.Duration {
	switch {
	case d == 0:
		return def
	case d < 0:
		return 0
	}
	return d
}

func orInt(n, def int) int {
	switch {
	case n == 0:
		return def
	case n < 0:
		return 0
	}
	return n
}

func orString(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// withDefaults returns c with every default filled in; durations of 0 then mean none.
func (c Config) withDefaults() Config {
	t := &c.Timeouts
	t.DNS = orDuration(t.DNS, 5*time.Second)
	t.Connect = orDuration(t.Connect, 5*time.Second)
	t.TLS = orDuration(t.TLS, 10*time.Second)
	t.Write = orDuration(t.Write, 60*time.Second)
	t.FirstByte = orDuration(t.FirstByte, 60*time.Second)
	t.ReadIdle = orDuration(t.ReadIdle, 60*time.Second)
	t.KeepaliveIdle = orDuration(t.KeepaliveIdle, 4*time.Second)
	t.Total = orDuration(t.Total, 0)
	h := &c.Health
	h.Interval = orDuration(h.Interval, 10*time.Second)
	h.Timeout = orDuration(h.Timeout, 5*time.Second)
	if h.Status == [2]int{} {
		h.Status = [2]int{200, 399}
	}
	h.Rise, h.Fall = orInt(h.Rise, 2), orInt(h.Fall, 3)
	h.PassiveFall, h.Aside = orInt(h.PassiveFall, 3), orDuration(h.Aside, 10*time.Second)
	c.Balance, c.HashKey, c.HTTP = orString(c.Balance, "round_robin"), orString(c.HashKey, "client_ip"), orString(c.HTTP, "auto")
	c.MaxIdle, c.Retries, c.MaxHeader = orInt(c.MaxIdle, 256), orInt(c.Retries, 2), orInt(c.MaxHeader, 128<<10)
	c.DeadWait, c.DeadWaitOn = orDuration(c.DeadWait, 3*time.Second), orString(c.DeadWaitOn, "proven")
	c.TLS = c.TLS.withDefaults()
	return c
}

func (t TLS) withDefaults() TLS {
	t.Verify, t.Profile, t.Renegotiation = orString(t.Verify, "full"), orString(t.Profile, "modern"), orString(t.Renegotiation, "auto")
	if t.MinVersion == 0 {
		t.MinVersion = tls.VersionTLS12
		if t.Profile == "legacy" {
			t.MinVersion = tls.VersionTLS10
		}
	}
	if t.MaxVersion == 0 {
		t.MaxVersion = tls.VersionTLS13
	}
	return t
}
