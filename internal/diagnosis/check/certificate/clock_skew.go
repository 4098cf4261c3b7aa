package certificate

import (
	"fmt"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// skew is how far clocks may lie apart before it is worth a word.
const skew = 5 * time.Minute

var clockSkew = check.Check{
	Code:      "cert.clock_skew",
	Title:     "the certificate is refused for its dates because a clock is wrong",
	Severity:  finding.Critical,
	Catalogue: []int{51},
	Refines:   []reason.Code{reason.CertExpired, reason.CertNotYetValid, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"cert.expired", "cert.not_yet_valid", "tls.handshake_alert"},
	Text: `Whether a certificate has expired is a question to the *client's* clock. When that is wrong, good certificates are refused as
expired or as not yet valid, from **many origins at once**, and browsers elsewhere see nothing. Causes: a dead battery (the clock
says 2000 or 1970), a virtual machine that slept, NTP blocked by a firewall, a time zone set in place of UTC.

The strings are those of cert.expired and cert.not_yet_valid; Go prints the time that it believes in: compare that with a watch.

On the wire the origin's clock shows in the **Date** field of its answers, on other connections or on one without verification.
When its clock differs from that of the watcher and the certificate is valid by it, one of both clocks is wrong. A cache in front
may serve old Dates; answers with an Age field are left out.`,
	Asks: []string{
		"`date -u` on the gateway, and the true time; `chronyc tracking` or `timedatectl`; on Windows: `w32tm /query /status`",
		"Do other origins fail with the same reason since the same minute? `lunette incidents`",
	},
	Mends: []finding.Mend{
		{On: finding.Lunette, Do: "There is no setting for this: mend the clock of the machine that Lunette runs on."},
		{On: finding.Origin, Do: "Let both ends follow NTP, and let UDP port 123 through. Setting a clock makes it jump: databases and clusters may mind. A Windows machine in a domain follows the domain; give it no peers of its own.",
			Lines: "# Linux\ntimedatectl\ntimedatectl set-ntp true\n# Windows\nw32tm /query /status\nw32tm /resync /rediscover"},
	},
	Sources: []string{"RFC 9110 section 6.6.1", "RFC 5280 section 4.1.2.5"},
	Run:     runClockSkew,
}

func runClockSkew(c *check.Case) *check.Verdict {
	f := c.Flow
	j := judge(f)
	if len(j.chain) == 0 || !j.because(reason.CertExpired, reason.CertNotYetValid) && !j.vaguely(alertCertificateExpired, alertBadCertificate, alertCertificateUnknown) {
		return nil
	}
	now := j.now(f)
	if valid(j.chain, now) {
		if !j.because(reason.CertExpired, reason.CertNotYetValid) && !j.vaguely(alertCertificateExpired) {
			return nil
		}
		return &check.Verdict{Confidence: finding.Likely, Settle: "the client's clock: date -u on that machine",
			Proof:   j.proof(f, fmt.Sprintf("the certificates are valid on %s, when this was watched", day(now))),
			Summary: fmt.Sprintf("The client refused the certificate for its dates, but by the watcher's clock (%s) all certificates are valid: the client's clock is wrong.", day(now))}
	}
	for _, o := range slices.Concat(c.Compared(), []*check.Flow{f}) {
		for i := o.First(fact.ResponseHead); i >= 0; i = o.Next(i, fact.ResponseHead) {
			x := &o.Facts[i]
			h, _ := x.Detail.(*fact.HTTPHead)
			date, err := time.Parse("Mon, 02 Jan 2006 15:04:05 GMT", check.Field(h, "Date"))
			off := date.Sub(x.At)
			if err != nil || check.HasField(h, "Age") || off.Abs() < skew || !valid(j.chain, now.Add(off)) {
				continue
			}
			return &check.Verdict{Confidence: finding.Likely, Settle: "the true time: one of both clocks is wrong",
				Proof: append(j.proof(f, fmt.Sprintf("the certificates are not valid on %s, when this was watched", day(now))), f.ProofOther(x, "the origin's Date is "+day(date)+", by which they are")),
				Summary: fmt.Sprintf("The origin's clock and the watcher's lie %s apart (%s and %s), and by the origin's the certificate is valid.",
					days(off.Abs()), day(date), day(x.At))}
		}
	}
	return nil
}

// valid reports whether all certificates are valid at that time.
func valid(chain []fact.Certificate, at time.Time) bool {
	for i := range chain {
		if at.Before(chain[i].NotBefore) || at.After(chain[i].NotAfter) {
			return false
		}
	}
	return true
}
