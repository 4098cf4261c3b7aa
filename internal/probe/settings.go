package probe

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// Settings are what Lunette must be told to work with an origin as it is; zero values are its defaults.
type Settings struct {
	URL           string
	Host          string // host, where the URL does not say it
	ServerName    string // tls.server_name, likewise
	Resolvers     []string
	Profile       string // tls.profile
	MaxVersion    string // tls.max_version
	Groups        []string
	Verify        string // tls.verify
	HTTP          string // http
	InsecureReneg bool   // tls.insecure_renegotiation
	CA            string // tls.ca: a file that the caller named
	Certificate   bool   // tls.client_certificate
	CertFile      string // its files, that the caller named
	KeyFile       string
	Why           []string // one phrase for each departure from the defaults
	Unknown       string   // why no settings are known that work; "" where some are
}

// settings are the smallest departure from the defaults under which the tries worked.
func (c *climb) settings() Settings {
	t := &c.cfg.Target
	s := Settings{URL: fmt.Sprintf("%s://%s", c.scheme(), hostPort(t.Host, t.Port, t.TLS))}
	if t.standsIn() {
		s.Host = t.Authority
	}
	for _, r := range c.cfg.Resolvers {
		s.Resolvers = append(s.Resolvers, r.String())
	}
	p := c.plain
	switch {
	case p == nil || !p.Connected():
		s.Unknown = "no address of the origin took a connection"
		return s
	case !t.TLS:
		if c.shook("tls_on_clear") && (!p.Served() || p.Status() >= 400) {
			s.Unknown = fmt.Sprintf("port %d speaks TLS: ask for https://%s", t.Port, hostPort(t.Host, t.Port, true))
		}
		return s
	case c.base() == nil:
		s.Unknown = c.unshaken()
		return s
	}
	if !p.Shaken() && p.Trust == "" {
		c.departHandshake(&s)
	}
	c.departTrust(&s)
	c.departAfter(&s)
	return s
}

func (s *Settings) because(format string, args ...any) {
	s.Why = append(s.Why, fmt.Sprintf(format, args...))
}

// departHandshake finds what a handshake needs that the defaults lack.
func (c *climb) departHandshake(s *Settings) {
	small := []string{"X25519", "P-256", "P-384", "P-521"}
	switch {
	case c.shook("hello_small"):
		s.Groups = small
		s.because("groups: a ClientHello with a post-quantum group is not answered, a small one is")
	case c.shookAt("suites_ecdhe_aead", tls.VersionTLS12):
		s.Groups, s.MaxVersion, s.HTTP = small, "1.2", "1.1"
		s.because("max_version and http: the origin does not answer a ClientHello that offers TLS 1.3")
	case c.shookAt("suites_ecdhe_cbc", tls.VersionTLS12), c.shookAt("suites_rsa", tls.VersionTLS12):
		s.Profile, s.HTTP = "compatible", c.notHTTP2()
		s.because("profile: the origin has no suite of ECDHE with AEAD")
	default:
		s.Profile, s.HTTP = "legacy", c.notHTTP2()
		s.because("profile: the origin speaks only %s", c.spoken())
	}
}

// notHTTP2 keeps HTTP/2 away from suites that it forbids (RFC 9113 section 9.2.2), where the origin would speak it.
func (c *climb) notHTTP2() string {
	for _, o := range c.report.Tries {
		if o.Shaken() && o.State.NegotiatedProtocol == protoHTTP2 {
			return "1.1"
		}
	}
	return ""
}

// unshaken says why no settings are known where no handshake was completed.
func (c *climb) unshaken() string {
	if o := c.tryFor(purposeClear); o != nil && len(o.Answers) > 0 && !c.alerted() {
		return fmt.Sprintf("port %d speaks HTTP in clear; name the port that speaks TLS, or, in a trusted network alone, urls: [\"http://%s\"]", c.cfg.Target.Port, hostPort(c.cfg.Target.Host, c.cfg.Target.Port, false))
	}
	if c.report.Cut != "" {
		return "the climb was cut short before a handshake was completed"
	}
	return "no TLS handshake was completed, whatever was offered"
}

// alerted reports whether the origin answered a hello with an alert: then it speaks TLS, and what it says to a request in clear (a 400,
// as a rule) is about that.
func (c *climb) alerted() bool {
	return slices.ContainsFunc(c.report.Tries, func(o *Outcome) bool { return !o.Via && o.Alert >= 0 && o.Purpose != purposeClear })
}

// Others are further settings to try where s does not work: a smaller hello, then less trust.
func (s *Settings) Others() []Settings {
	var out []Settings
	less := *s
	if s.Profile != "" && s.Groups == nil {
		less.Groups = []string{"X25519", "P-256", "P-384", "P-521"}
		less.Why = append(slices.Clone(s.Why), "groups: with a post-quantum group in its hello the request fails")
		out = append(out, less)
	}
	if s.Verify == "chain" {
		less.Verify = "none"
		less.Why = append(slices.Clone(less.Why), "verify: the chain is not trusted either, and whoever is on the way can read along; better mend it, or name its authority with tls.ca")
		out = append(out, less)
	}
	return out
}

// spoken is what the handshake came to that worked first.
func (c *climb) spoken() string {
	for _, o := range c.report.Tries {
		if o.Shaken() && !o.Via {
			return versionOf(o) + " with " + suiteOf(o)
		}
	}
	return "what the defaults leave out"
}

// shookAt is shook for a handshake of at least this version.
func (c *climb) shookAt(purpose string, version uint16) bool {
	for _, o := range c.report.Tries {
		if o.Purpose == purpose && o.Shaken() && o.State.Version >= version {
			return true
		}
	}
	return false
}

// departTrust finds the least that must be given up of the certificate's check.
func (c *climb) departTrust(s *Settings) {
	trust := c.plain.Trust
	for _, o := range c.report.Tries {
		if trust == "" && o.Trust != "" && !o.Via && o.Purpose != "sni_none" && o.Purpose != "sni_wrong" {
			trust = o.Trust
		}
	}
	switch trust {
	case "", "ok":
	case "cert.name_mismatch", "cert.no_san":
		s.Verify = "chain"
		s.because("verify: the certificate is not for %s (%s); better mend that, or set tls.server_name to a name that it has", c.cfg.Target.Name, trust)
	default:
		s.Verify = "none"
		s.because("verify: the certificate is not trusted (%s), and whoever is on the way can read along; better mend it, or name its authority with tls.ca", trust)
	}
}

// departAfter finds what the time after the handshake needs.
func (c *climb) departAfter(s *Settings) {
	if len(c.asked) > 0 {
		for _, o := range c.report.Tries {
			if o.Purpose == purposeComply && o.HelloRequests > 0 && (!o.Served() || o.Status() == 403) {
				if !o.AsksCert {
					s.Unknown = "GET " + Masked(o.Path) + " fails in the new handshake that the origin asks for: " + outcomeText(o)
					continue
				}
				with := c.served(purposeCertificate, o.Path)
				s.Certificate = s.Certificate || with && c.cfg.Certificate != nil
				if !with || c.cfg.Certificate == nil {
					s.Unknown = "GET " + Masked(o.Path) + " needs a client certificate that the origin accepts: give one with --client-cert and --client-key"
				}
			}
		}
		if !c.asked[0].Hello.Secure {
			s.InsecureReneg = true
			s.because("insecure_renegotiation: the origin renegotiates without RFC 5746")
		}
	}
	for i, o := range c.modern {
		if o.Shaken() && (o.Status() == 403 || o.Err != nil) && o.State.Version == tls.VersionTLS13 && c.served(purposeComply, c.cfg.Paths[i]) && c.asks(c.cfg.Paths[i]) {
			s.MaxVersion, s.HTTP = "1.2", "1.1"
			s.because("max_version: with TLS 1.3 GET %s is refused, with TLS 1.2 the origin asks for a client certificate and does without", Masked(c.cfg.Paths[i]))
			return
		}
		if o.Shaken() && o.Err != nil && o.State.NegotiatedProtocol == "h2" && c.served("http1", c.cfg.Paths[i]) && s.HTTP == "" {
			s.HTTP = "1.1"
			s.because("http: HTTP/2 fails (%s), HTTP/1.1 works", errText(o))
		}
	}
	if c.cfg.Certificate != nil {
		for _, o := range c.modern {
			s.Certificate = s.Certificate || o.AsksCert
		}
	}
}

func (c *climb) asks(path string) bool {
	for _, o := range c.asked {
		if o.Path == path {
			return true
		}
	}
	return false
}

// served reports whether the try with this purpose and path was answered, and not with a refusal.
func (c *climb) served(purpose, path string) bool {
	for _, o := range c.report.Tries {
		if o.Purpose == purpose && o.Path == path && o.Served() && o.Status() != 403 {
			return true
		}
	}
	return false
}

func hostPort(host string, port uint16, secure bool) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if secure && port == 443 || !secure && port == 80 {
		return host
	}
	return fmt.Sprintf("%s:%d", host, port)
}

// plainName are the characters of a host name that YAML takes as they are.
const plainName = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

// YAML is s as it stands below sites: in a configuration; "" where no settings are known.
func (s *Settings) YAML(names ...string) string {
	if s.Unknown != "" {
		return ""
	}
	var b strings.Builder
	quoted := slices.Clone(names)
	for i, n := range quoted {
		if strings.Trim(n, plainName) != "" { // of a URL that somebody else wrote
			quoted[i] = fmt.Sprintf("%q", n)
		}
	}
	fmt.Fprintf(&b, "- names: [%s]\n  origin:\n    urls: [%q]\n", strings.Join(quoted, ", "), s.URL)
	if s.Host != "" {
		fmt.Fprintf(&b, "    host: %q\n", s.Host)
	}
	if s.HTTP != "" {
		fmt.Fprintf(&b, "    http: %q\n", s.HTTP)
	}
	if len(s.Resolvers) > 0 {
		fmt.Fprintf(&b, "    resolver: [\"%s\"]\n", strings.Join(s.Resolvers, `", "`))
	}
	var t strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&t, "      %s: %s\n", key, value)
		}
	}
	line("profile", s.Profile)
	if s.MaxVersion != "" {
		line("max_version", fmt.Sprintf("%q", s.MaxVersion))
	}
	if len(s.Groups) > 0 {
		line("groups", "["+strings.Join(s.Groups, ", ")+"]")
	}
	if s.CA != "" && s.Verify != "none" {
		line("ca", fmt.Sprintf("%q", s.CA))
	}
	line("verify", s.Verify)
	if s.InsecureReneg {
		line("insecure_renegotiation", "true")
	}
	if s.Certificate {
		line("client_certificate", fmt.Sprintf("{file: %q, key: %q}", s.CertFile, s.KeyFile))
	}
	if t.Len() > 0 {
		b.WriteString("    tls:\n" + t.String())
	}
	return b.String()
}
