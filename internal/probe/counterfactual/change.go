package counterfactual

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// Change is one thing that a try does otherwise. Zero values change nothing.
type Change struct {
	Does string // in words, as in "with …"

	ServerName    string
	Groups        []string
	HTTP          string
	Fresh         bool // no connection that has served before
	Renegotiation string
	MaxVersion    uint16
	NoCertificate bool
	Profile       string
	InsecureReneg bool

	price int // how much it gives up: the smaller one is the smaller change
}

// None reports whether c changes nothing.
func (c *Change) None() bool { return c.Does == "" }

// YAML is c as it stands below an entry of sites:, indented by two blanks a level.
func (c *Change) YAML() string {
	var top, deep, t strings.Builder
	if c.HTTP != "" {
		fmt.Fprintf(&top, "  http: %q\n", c.HTTP)
	}
	if c.Fresh {
		deep.WriteString("  timeouts:\n    keepalive_idle: 0s\n")
	}
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&t, "    %s: %s\n", key, value)
		}
	}
	line("server_name", quoted(c.ServerName))
	line("profile", c.Profile)
	if c.Profile == "legacy" {
		line("min_version", `"1.0"`)
	}
	if c.MaxVersion == tls.VersionTLS12 {
		line("max_version", `"1.2"`)
	}
	if len(c.Groups) > 0 {
		line("groups", "["+strings.Join(c.Groups, ", ")+"]")
	}
	line("renegotiation", c.Renegotiation)
	if c.InsecureReneg {
		line("insecure_renegotiation", "true")
	}
	if c.NoCertificate {
		t.WriteString("    # without client_certificate\n")
	}
	if t.Len() > 0 {
		deep.WriteString("  tls:\n" + t.String())
	}
	if top.Len()+deep.Len() == 0 {
		return ""
	}
	return "origin:\n" + top.String() + deep.String()
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%q", s)
}

// What can be changed, the smallest change first. A combination comes after its parts.
const (
	priceGroups = iota + 1
	priceHTTP
	priceServerName
	priceFresh
	priceRenegotiation
	priceCertificate
	priceVersion
	priceVersionHTTP
	priceCompatible
	priceLegacy
	priceInsecure
)

// changes are all that make a difference to what the attempt did, the smallest first.
func (d *Did) changes() []Change {
	var out []Change
	add := func(on bool, c Change) {
		if on {
			out = append(out, c)
		}
	}
	newest := d.MaxVersion == 0 || d.MaxVersion >= tls.VersionTLS13
	h2 := false
	for _, p := range d.ALPN {
		h2 = h2 || p == "h2"
	}
	add(d.TLS && newest && len(d.Groups) == 0, Change{Does: "a ClientHello without a post-quantum group, which fits one packet", Groups: []string{"X25519", "P-256", "P-384", "P-521"}, price: priceGroups})
	add(h2, Change{Does: "HTTP/1.1 alone, HTTP/2 not offered", HTTP: "1.1", price: priceHTTP})
	for _, n := range d.Names[:min(len(d.Names), 2)] {
		add(d.TLS && n != d.ServerName, Change{Does: "the name " + quoted(n) + " as SNI", ServerName: n, price: priceServerName})
	}
	add(d.Reused, Change{Does: "a connection of its own for each request", Fresh: true, price: priceFresh})
	add(d.TLS && (d.Renegotiation == "never" || d.Renegotiation == "once"), Change{Does: "an answer to every HelloRequest", Renegotiation: "auto", price: priceRenegotiation})
	add(d.TLS && d.Certificate, Change{Does: "no client certificate", NoCertificate: true, price: priceCertificate})
	add(d.TLS && newest, Change{Does: "TLS 1.2 at most, TLS 1.3 not offered", MaxVersion: tls.VersionTLS12, price: priceVersion})
	add(d.TLS && newest && h2, Change{Does: "TLS 1.2 at most and HTTP/1.1 alone", MaxVersion: tls.VersionTLS12, HTTP: "1.1", price: priceVersionHTTP})
	add(d.TLS && d.Profile != "compatible" && d.Profile != "legacy", Change{Does: "suites of ECDHE with CBC and of RSA key exchange offered too (weaker than the default)", Profile: "compatible", price: priceCompatible})
	add(d.TLS && d.Profile != "legacy", Change{Does: "TLS 1.0 and every suite that can be spoken offered, and no ALPN (weak: until the origin is mended)", Profile: "legacy", price: priceLegacy})
	add(d.TLS && !d.InsecureReneg && d.Renegotiation != "never", Change{Does: "renegotiation without RFC 5746 allowed (an attacker on the way can abuse it)", InsecureReneg: true, price: priceInsecure})
	return out
}
