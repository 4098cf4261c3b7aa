package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Bounds of what is kept of certificates.
const (
	mostCertificates = 24
	mostSANs         = 20
	mostPerName      = 12
)

// certificate learns the leaf that came for a name. A resumed session shows none: its leaf is that of the handshake which began it. It
// bears out one that is in use; it brings none back.
func (e *entry) certificate(name *Name, peer *exchange.Peer, resumed bool, now time.Time) {
	if peer.Fingerprint == "" || resumed && !name.Certs.holds(peer.Fingerprint) {
		return
	}
	c := e.leaf(peer, now)
	c.Last = now
	c.Count++
	e.warn(c, now)
	if was, is, ok := e.see(&name.Certs, peer.Fingerprint, now, mostPerName); ok {
		e.certificateChanged(now, name.SNI, e.known(was), e.known(is))
	}
}

// leaf is the record of a certificate.
func (e *entry) leaf(peer *exchange.Peer, now time.Time) *Certificate {
	if c := e.known(peer.Fingerprint); c != nil {
		return c
	}
	if len(e.p.Certificates) >= mostCertificates {
		oldest := 0
		for i := range e.p.Certificates {
			if e.p.Certificates[i].Last.Before(e.p.Certificates[oldest].Last) {
				oldest = i
			}
		}
		e.p.Certificates = slices.Delete(e.p.Certificates, oldest, oldest+1)
	}
	c := Certificate{
		SHA256: peer.Fingerprint, Subject: clean(peer.Subject, 256), Issuer: clean(peer.Issuer, 256), NotBefore: peer.NotBefore, NotAfter: peer.NotAfter,
		Key: clean(peer.Key, 32), KeySHA256: peer.KeyID, First: now,
	}
	for _, n := range peer.SANs[:min(len(peer.SANs), mostSANs)] {
		c.Names = append(c.Names, clean(n, 255))
	}
	e.p.Certificates = append(e.p.Certificates, c)
	return &e.p.Certificates[len(e.p.Certificates)-1]
}

// known is the certificate with this fingerprint, nil where it was forgotten.
func (e *entry) known(fingerprint string) *Certificate {
	for i := range e.p.Certificates {
		if c := &e.p.Certificates[i]; c.SHA256 == fingerprint {
			return c
		}
	}
	return nil
}

func (e *entry) certificateChanged(now time.Time, name string, was, is *Certificate) {
	if is == nil {
		return
	}
	what := e.p.URL
	if name != "" {
		what += " (" + name + ")"
	}
	if was == nil {
		e.say(now, CertificateChanged, what+" shows another certificate: "+is.words(), "The one before it is no longer known here. Compare the fingerprint with that on the server.")
		return
	}
	keyNow, issuerNow := "the same key", "the same issuer"
	advice := "A renewal with the same issuer: nothing to do."
	if was.KeySHA256 != is.KeySHA256 {
		keyNow = "a new key"
	}
	if was.Issuer != is.Issuer {
		issuerNow = "another issuer (before: " + was.Issuer + ")"
		advice = "Another issuer: if nobody of yours moved to it, compare the fingerprint with that on the server, since something may stand between. With origin.tls.ca the new authority must be in that file."
	}
	if is.NotAfter.Before(was.NotAfter) {
		advice += " It ends earlier than the one before: perhaps an old one was put back."
	}
	if lost := missing(was.Names, is.Names); len(lost) > 0 {
		advice += " It is no longer valid for " + strings.Join(lost[:min(len(lost), 3)], ", ") + "."
	}
	e.say(now, CertificateChanged, fmt.Sprintf("%s shows another certificate with %s and %s: %s; before: SHA-256 %.16s…, until %s", what, keyNow, issuerNow, is.words(), was.SHA256, day(was.NotAfter)), advice)
}

func (c *Certificate) words() string {
	return fmt.Sprintf("%s, issued by %s, %s, until %s, SHA-256 %.16s…", c.Subject, c.Issuer, c.Key, day(c.NotAfter), c.SHA256)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02") }

func missing(was, is []string) (out []string) {
	for _, n := range was {
		if !slices.Contains(is, n) {
			out = append(out, n)
		}
	}
	return out
}

// seenWithin is how recently a certificate must have been seen for its end to matter.
const seenWithin = 7 * 24 * time.Hour

// expiries looks at the ends of the certificates that are in use.
func (e *entry) expiries(now time.Time) []Drift {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.expire(now)
	return e.take()
}

func (e *entry) expire(now time.Time) {
	for i := range e.p.Certificates {
		c := &e.p.Certificates[i]
		if now.Sub(c.Last) < seenWithin && e.inUse(c.SHA256) {
			e.warn(c, now)
		}
	}
}

// inUse reports whether a name shows the certificate, as far as is known.
func (e *entry) inUse(fingerprint string) bool {
	return slices.ContainsFunc(e.p.Names, func(n Name) bool { return n.Certs.holds(fingerprint) })
}

// warn tells once of each of 30, 14, 7, 3, 1 and 0 days before the end of c; of those that passed unseen only the last. For certificates
// that live shortly, those beyond half of their life are none.
func (e *entry) warn(c *Certificate, now time.Time) {
	if c.NotAfter.IsZero() {
		return
	}
	left, life := c.NotAfter.Sub(now), c.NotAfter.Sub(c.NotBefore)
	level := -1
	for _, days := range [...]int{30, 14, 7, 3, 1, 0} {
		if span := time.Duration(days) * 24 * time.Hour; left <= span && (c.NotBefore.IsZero() || span < life/2) {
			level = days
		}
	}
	if level < 0 || c.Warned > 0 && c.Warned <= level+1 {
		return
	}
	c.Warned = level + 1
	e.changed.Store(true)
	text, advice := "expires in "+span(left), "Renew it on the server; renewals that run by themselves should have happened by now when less than a third of its life is left. After that date visitors get 502 (cert.expired) with verify: full or chain."
	if level == 0 {
		text, advice = "has expired", "Renew it on the server now: with verify: full or chain every new connection fails (cert.expired)."
	}
	e.say(now, CertificateExpires, fmt.Sprintf("certificate of %s %s, on %s: %s, issued by %s, SHA-256 %.16s…", e.p.URL, text, c.NotAfter.UTC().Format("2006-01-02 15:04 MST"), c.Subject, c.Issuer, c.SHA256), advice)
}

// span is d in days, or hours.
func span(d time.Duration) string {
	if d > 36*time.Hour {
		return fmt.Sprintf("%d days", int((d+12*time.Hour)/(24*time.Hour)))
	}
	return fmt.Sprintf("%d hours", max(int(d/time.Hour), 1))
}
