package explain

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// clientHello sums an offer up.
func clientHello(h *fact.ClientHello) string {
	versions := h.Versions
	if len(versions) == 0 {
		versions = []string{h.Version}
	}
	name := ""
	if h.ServerName != "" {
		name = "SNI " + clean(h.ServerName)
	}
	alpn := ""
	if len(h.ALPN) > 0 {
		alpn = "ALPN " + clean(few(h.ALPN, 3))
	}
	suites := several(int64(len(h.Suites)), "suite")
	if len(h.Suites) == 1 {
		suites = "only " + suiteName(clean(h.Suites[0]))
	}
	return joined(", ", clean(versionsOffered(versions)), name, when(h.Renegotiation, "renegotiates"), suites, alpn, when(h.EncryptedHello, "ECH"), resumes(h),
		when(h.EarlyData, "early data"), when(h.PostHandshakeAuth, "post-handshake auth"))
}

func resumes(h *fact.ClientHello) string {
	switch {
	case h.OffersPSK:
		return "offers a PSK"
	case h.OffersTicket:
		return "offers a ticket"
	}
	return ""
}

// serverHello sums a choice up.
func serverHello(h *fact.ServerHello) string {
	return joined(", ", clean(h.Version), suiteName(clean(h.Suite)), clean(h.Group), alpnOf(h.ALPN), when(h.AcceptsPSK, "resumes"),
		when(h.AcceptsEarlyData, "takes early data"), when(h.Downgrade != "", "could do "+clean(h.Downgrade)))
}

func alpnOf(s string) string {
	if s == "" {
		return ""
	}
	return "ALPN " + clean(s)
}

// certificates sums a chain up.
func (t *teller) certificates(f *fact.Fact) (text string, l level) {
	c, ok := f.Detail.(*fact.Certificates)
	switch {
	case !ok:
		return clean(f.Text), usual
	case len(c.Chain) == 0 && f.Side == fact.SideClient:
		return "empty: the client has none to show", warn
	case len(c.Chain) == 0:
		return "empty", bad
	}
	leaf := &c.Chain[0]
	t.shown[f.Side] = leaf
	l, dates := usual, validity(leaf, f)
	switch {
	case dates != "":
		l = bad
	case !leaf.NotAfter.IsZero():
		dates = "until " + leaf.NotAfter.UTC().Format("2006-01-02")
	}
	misnamed := t.misnamed(f)
	if misnamed != "" {
		l = max(l, warn)
	}
	chain := ""
	if n := len(c.Chain) + c.Omitted; n > 1 {
		chain = "chain of " + grouped(int64(n))
	}
	return joined(", ", clean(leaf.Subject), misnamed, when(l == bad, dates), clean(leaf.Key), when(l != bad, dates), chain,
		when(leaf.Subject == leaf.Issuer && leaf.Subject != "", "self-signed")), l
}

// certificateRequest says whose certificates a server would take.
func certificateRequest(d *fact.CertificateRequest) string {
	text := "wants a client certificate"
	if n := len(d.Authorities); n > 0 {
		text += " of " + clean(strings.Join(d.Authorities[:1], "")) + when(n > 1, " or "+several(int64(n-1), "other"))
	}
	return text
}

func when(yes bool, text string) string {
	if yes {
		return text
	}
	return ""
}
