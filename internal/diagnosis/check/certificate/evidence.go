package certificate

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// The alerts by which a client refuses a certificate (RFC 8446 section 6.2), and 40, by which some refuse everything.
const (
	alertHandshakeFailure       = 40
	alertBadCertificate         = 42
	alertUnsupportedCertificate = 43
	alertCertificateRevoked     = 44
	alertCertificateExpired     = 45
	alertCertificateUnknown     = 46
	alertUnknownCA              = 48
	alertInternalError          = 80
)

// judgement is what became of the server's certificates.
type judgement struct {
	chain []fact.Certificate // nil where they were not read
	sent  int                // of the TLSCertificate, -1 unseen
	code  reason.Code        // why they were refused, by who checked them; "" where nobody said
	alert int                // number of the client's alert about them, 0 without
	at    int                // the fact that says so, -1 without
	taken bool               // the handshake was completed and nobody complained
}

// judge reads what became of the certificates in f.
func judge(f *check.Flow) judgement {
	j := judgement{at: -1}
	j.chain, j.sent = f.Chain()
	verified := f.Find(-1, func(x *fact.Fact) bool { return x.Kind == fact.TLSVerified && refusal(reason.Code(x.Text)) })
	alert := f.Find(-1, func(x *fact.Fact) bool { return x.Kind == fact.TLSAlert && x.Side == fact.SideClient && about(x.Code) })
	switch {
	case verified >= 0:
		j.code, j.at = reason.Code(f.Facts[verified].Text), verified
	case refusal(f.Reason) && !strings.HasPrefix(f.Detail, "ServerKeyExchange"):
		j.code = f.Reason
	}
	if alert >= 0 && (f.Has(fact.TLSServerHello) || j.sent >= 0) {
		j.alert = f.Facts[alert].Code
		if j.at < 0 {
			j.at = alert
		}
	}
	j.taken = f.Established() && j.code == "" && j.alert == 0
	return j
}

// refusal reports whether a certificate is refused by code: a check may also have passed, or have been left out.
func refusal(code reason.Code) bool {
	return strings.HasPrefix(string(code), "cert.") || code == reason.TLSWeakKeyOrHash
}

// about reports whether an alert is about the certificate of the other end.
func about(alert int) bool {
	return alert >= alertBadCertificate && alert <= alertCertificateUnknown || alert == alertUnknownCA
}

// refused reports whether the certificates were refused at all.
func (j *judgement) refused() bool { return j.code != "" || j.alert != 0 }

// because reports whether they were refused for one of these reasons, in so many words.
func (j *judgement) because(codes ...reason.Code) bool { return slices.Contains(codes, j.code) }

// vaguely reports whether they were refused without a reason that names another cause: by one of these alerts alone.
func (j *judgement) vaguely(alerts ...int) bool {
	return j.code == "" && slices.Contains(alerts, j.alert)
}

// proof is the certificate, with words about it, and how it was refused.
func (j *judgement) proof(f *check.Flow, words string) []finding.Proof {
	var out []finding.Proof
	if j.sent >= 0 {
		out = append(out, f.Proof(j.sent, words))
	}
	if j.at >= 0 {
		x := &f.Facts[j.at]
		text := fmt.Sprintf("the client refuses it with alert %d %s", x.Code, x.Text)
		if x.Kind == fact.TLSVerified {
			text = "checked, and refused: " + x.Text
		}
		out = append(out, f.Proof(j.at, text))
	}
	if len(out) == 0 && len(f.Facts) > 0 {
		out = append(out, f.Proof(max(f.First(fact.TLSServerHello, fact.TLSClientHello), 0), "the handshake: "+string(f.Reason)+" "+check.Short(f.Detail, 80)))
	}
	return out
}

// by is who refused, in words.
func (j *judgement) by() string {
	if j.alert != 0 && j.code == "" {
		return fmt.Sprintf("the client refused it with alert %d", j.alert)
	}
	return "it was refused"
}

// leaf is the server's own certificate, nil where it was not read.
func (j *judgement) leaf() *fact.Certificate {
	if len(j.chain) == 0 {
		return nil
	}
	return &j.chain[0]
}

// now is the time at which they were judged, by the clock of who watched.
func (j *judgement) now(f *check.Flow) time.Time {
	if i := max(j.sent, j.at); i >= 0 {
		return f.Facts[i].At
	}
	return f.Start
}

// selfIssued reports whether c names itself as its issuer.
func selfIssued(c *fact.Certificate) bool { return c.Subject == c.Issuer }

// above is the index in chain of the issuer of chain[i], -1 where it was not sent.
func above(chain []fact.Certificate, i int) int {
	if selfIssued(&chain[i]) {
		return -1
	}
	return slices.IndexFunc(chain, func(c fact.Certificate) bool { return c.Subject == chain[i].Issuer })
}

// topmost follows the issuers as far as they were sent, whatever their order.
func topmost(chain []fact.Certificate) *fact.Certificate {
	at := 0
	for range chain {
		next := above(chain, at)
		if next < 0 {
			break
		}
		at = next
	}
	return &chain[at]
}

// wanted is the name that the certificate was to be for: what was configured, else what the ClientHello named; "" unknown.
func wanted(f *check.Flow) string {
	if f.Name != "" {
		return strings.TrimSuffix(strings.ToLower(f.Name), ".")
	}
	if h, _ := f.Hello(); h != nil {
		return strings.ToLower(h.ServerName)
	}
	return ""
}

// covers reports whether one of the names is for name (RFC 6125 section 6.4.3: a wildcard stands for the whole leftmost label), or may
// be: of very many names some are left out.
func covers(names []string, name string) bool {
	addr, err := netip.ParseAddr(name)
	if n := len(names); n > 0 && strings.HasPrefix(names[n-1], "and ") {
		return true
	}
	return slices.ContainsFunc(names, func(n string) bool {
		if err == nil {
			a, bad := netip.ParseAddr(n)
			return bad == nil && a == addr
		}
		if n = strings.TrimSuffix(strings.ToLower(n), "."); n == name {
			return true
		}
		rest, wild := strings.CutPrefix(n, "*.")
		_, parent, ok := strings.Cut(name, ".")
		return wild && ok && rest == parent
	})
}

// commonName is the CN of a subject, "" without.
func commonName(subject string) string {
	for part := range strings.SplitSeq(subject, ",") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(part), "CN="); ok {
			return v
		}
	}
	return ""
}

// day writes a date as people read it, in UTC.
func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// days writes a long span in days, hours or minutes.
func days(d time.Duration) string {
	switch d = d.Round(time.Minute); {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

// list joins names in short.
func list(names []string) string {
	if len(names) > 5 {
		return check.Short(strings.Join(names[:5], ", "), 80) + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return check.Short(strings.Join(names, ", "), 80)
}
