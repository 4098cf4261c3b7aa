package explain

import (
	"net/netip"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// naming says how a certificate names a host.
type naming uint8

const (
	namesIt   naming = iota
	namesInCN        // in the common name only, which RFC 9525 section 2 no longer counts
	namesNot
)

// namedBy finds host among the names of a certificate (RFC 9525 section 6.3). A host that is an address must stand there as one.
func namedBy(c *fact.Certificate, host string) naming {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, err := netip.ParseAddr(host); err == nil {
		for _, name := range c.Names {
			if a, err := netip.ParseAddr(name); err == nil && a.Unmap() == addr.Unmap() {
				return namesIt
			}
		}
		return namesNot
	}
	for _, name := range c.Names {
		if fits(strings.ToLower(name), host) {
			return namesIt
		}
	}
	if cn := commonName(c.Subject); len(c.Names) == 0 && cn != "" && fits(strings.ToLower(cn), host) {
		return namesInCN
	}
	return namesNot
}

// fits compares a name of a certificate with a host: a wildcard stands for one whole label, the leftmost.
func fits(name, host string) bool {
	name = strings.TrimSuffix(name, ".")
	if domain, ok := strings.CutPrefix(name, "*."); ok {
		label, rest, ok := strings.Cut(host, ".")
		return ok && label != "" && rest == domain
	}
	return name == host
}

func commonName(subject string) string {
	for part := range strings.SplitSeq(subject, ",") {
		if cn, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok {
			return cn
		}
	}
	return ""
}

// validity says what is wrong with the dates of a certificate at the time of a fact, "" for nothing.
func validity(c *fact.Certificate, f *fact.Fact) string {
	switch {
	case c.NotAfter.IsZero():
	case f.At.After(c.NotAfter):
		return "expired " + c.NotAfter.UTC().Format("2006-01-02")
	case f.At.Before(c.NotBefore):
		return "not valid before " + c.NotBefore.UTC().Format("2006-01-02")
	}
	return ""
}

// leafOf is the first certificate of a message, nil where it holds none that could be read.
func leafOf(f *fact.Fact) *fact.Certificate {
	if c, ok := f.Detail.(*fact.Certificates); ok && len(c.Chain) > 0 {
		return &c.Chain[0]
	}
	return nil
}

// misnamed says that the server's certificate is for another host than the client asked for, "" when it is not.
func (t *teller) misnamed(f *fact.Fact) string {
	c := leafOf(f)
	if c == nil || c.Error != "" || f.Side != fact.SideServer || t.flow.TLS == nil || t.flow.TLS.ServerName == "" {
		return ""
	}
	host := clean(t.flow.TLS.ServerName)
	switch namedBy(c, t.flow.TLS.ServerName) {
	case namesNot:
		return "does not name " + host
	case namesInCN:
		return "names " + host + " as CN only"
	}
	return ""
}

// faults are what is wrong with a certificate, for what stands out.
func (t *teller) faults(f *fact.Fact) []string {
	c := leafOf(f)
	if c == nil {
		return nil
	}
	t.shown[f.Side] = c
	var out []string
	if text := t.misnamed(f); strings.HasPrefix(text, "does not") {
		out = append(out, "the certificate "+text)
	}
	if text := validity(c, f); text != "" {
		out = append(out, "the "+f.Side.String()+"'s certificate "+text)
	}
	return out
}

// alertMeans says what in the certificate of the other side an alert may be about, "" when that is not known.
func (t *teller) alertMeans(f *fact.Fact) string {
	const unsupportedCertificate, certificateExpired, unknownCA = 43, 45, 48 // RFC 8446 section 6.2
	c := t.shown[f.Side.Other()]
	switch {
	case c == nil:
		return ""
	case f.Code == unknownCA && c.Issuer != "":
		return "issuer " + clean(c.Issuer)
	case f.Code == unsupportedCertificate && len(c.ExtKeyUsage) > 0:
		return "extended key usage " + clean(few(c.ExtKeyUsage, 3))
	case f.Code == certificateExpired:
		return validity(c, f)
	}
	return ""
}
