package certificate

import (
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

var notYetValid = check.Check{
	Code:      "cert.not_yet_valid",
	Title:     "the origin's certificate is not valid yet",
	Severity:  finding.Critical,
	Catalogue: []int{50},
	Refines:   []reason.Code{reason.CertNotYetValid, reason.TLSAlert},
	On:        []fact.Kind{fact.TLSCertificate, fact.TLSVerified, fact.TLSAlert},
	Needs:     check.Records,
	Silences:  []finding.Code{"tls.handshake_alert", "cert.expired"},
	Text: `The certificate's notBefore lies in the future, by the clock of the client. Clients report it by **certificate_expired (45)**
(OpenSSL: bad_certificate, 42), for TLS has no alert of its own for it; nginx prints *(9:certificate is not yet valid)*, Go
*certificate has expired or is not yet valid: current time … is before …*.

Either the certificate was installed too early, mostly one that an internal authority made minutes ago on a machine whose clock is
ahead, or the client's clock is behind: a virtual machine that was resumed, a container host without NTP. A difference of minutes
or of whole hours points to clocks and time zones (cert.clock_skew); one of days to the certificate.`,
	Asks: []string{
		"`timedatectl` (Linux) or `w32tm /query /status` (Windows), on the gateway, on the origin and on the machine that signs",
	},
	Mends: append([]finding.Mend{
		{On: finding.Origin, Do: "Set the clocks right, on the machine that signs too; put the former certificate back until the date, or have it issued anew with an earlier notBefore.", Lines: "timedatectl set-ntp true\nw32tm /resync"},
	}, renew()...),
	Sources: []string{"RFC 5280 section 4.1.2.5", "RFC 8446 section 6.2"},
	Run:     func(c *check.Case) *check.Verdict { return runDates(c, false) },
}
