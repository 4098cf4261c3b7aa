package profile

import (
	"fmt"
	"strings"
	"time"
)

// Suggestion follows from a profile.
type Suggestion struct {
	Setting string `json:"setting,omitempty"` // YAML for the gateway; "" where there is nothing to set there
	Why     string `json:"why"`
}

// Line is one thing that is known, for people.
type Line struct{ Label, Text string }

// Lines tells the profile in words. Times are given as of now.
func (p *Profile) Lines(now time.Time) []Line {
	var out []Line
	add := func(label, text string) {
		if text != "" {
			out = append(out, Line{label, text})
		}
	}
	add("known", fmt.Sprintf("since %s, last used %s; %d requests on %d connections, %d failed", day(p.First), ago(p.Last, now), p.Requests, p.Connections, p.Failures))
	add("addresses", p.Addresses.words(now))
	add("tls", p.tlsWords(now))
	add("alpn", p.ALPN.words(now))
	add("server name", map[string]string{
		"needed": "needed: without one the handshake fails", "chooses": "chooses the certificate", "ignored": "the same certificate with and without",
	}[p.SNI])
	for i := range p.Certificates {
		add("certificate", p.certWords(&p.Certificates[i], now))
	}
	add("renegotiates", p.renegotiationWords(now))
	add("client cert", p.askedWords())
	add("idle close", p.idleWords())
	add("keep-alive", p.reuseWords())
	add("first byte", p.firstWords())
	add("answers", p.statusWords())
	add("software", p.Server)
	return out
}

func (s *Set) words(now time.Time) string {
	var parts []string
	for _, st := range []State{Current, Candidate, Gone} {
		for _, m := range s.Members {
			if m.State != st {
				continue
			}
			switch st {
			case Candidate:
				parts = append(parts, m.Value+" (new)")
			case Gone:
				parts = append(parts, fmt.Sprintf("%s (until %s)", m.Value, ago(m.Last, now)))
			default:
				parts = append(parts, m.Value)
			}
		}
	}
	if n := len(parts); n > 6 {
		parts = append(parts[:6], fmt.Sprintf("%d more", n-6))
	}
	return strings.Join(parts, ", ")
}

func (p *Profile) tlsWords(now time.Time) string {
	if p.Full+p.Resumed == 0 {
		return ""
	}
	text := p.Versions.words(now)
	if p.Ceiling != "" && p.Ceiling < p.Offered {
		text += fmt.Sprintf("; no newer one, although %s was offered", p.Offered)
	}
	if c := p.Ciphers.Values(); len(c) > 0 {
		text += "; " + strings.Join(c[:min(len(c), 2)], ", ")
	}
	text += fmt.Sprintf("; %d of %d handshakes resumed", p.Resumed, p.Full+p.Resumed)
	if p.Secure == "no" {
		text += "; no secure renegotiation (RFC 5746)"
	}
	return text
}

func (p *Profile) certWords(c *Certificate, now time.Time) string {
	state := "no longer shown"
	for _, n := range p.Names {
		if n.Certs.holds(c.SHA256) {
			state = "in use"
		}
	}
	left := "expired " + ago(c.NotAfter, now)
	if d := c.NotAfter.Sub(now); d > 0 {
		left = "expires in " + span(d)
	}
	return fmt.Sprintf("%s, %s: %s, issued by %s, %s, SHA-256 %.16s…, seen %s to %s", state, left, c.Subject, c.Issuer, c.Key, c.SHA256, day(c.First), day(c.Last))
}

func (p *Profile) renegotiationWords(now time.Time) string {
	r := &p.Renegotiation
	if r.Count == 0 {
		if p.Full+p.Resumed > 0 {
			return "not seen"
		}
		return ""
	}
	var paths []string
	for _, q := range r.Paths[:min(len(r.Paths), 5)] {
		paths = append(paths, fmt.Sprintf("%s (%d)", q.Path, q.Count))
	}
	return fmt.Sprintf("yes, %d times, last %s, at %s", r.Count, ago(r.Last, now), strings.Join(paths, ", "))
}

func (p *Profile) askedWords() string {
	var parts []string
	for _, c := range []struct {
		n    uint64
		when string
	}{{p.CertAsked.Initial, "in the handshake"}, {p.CertAsked.Renegotiation, "by renegotiation"}, {p.CertAsked.PostHandshake, "after the handshake (TLS 1.3)"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%s (%d)", c.when, c.n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "asked for " + strings.Join(parts, ", ")
}

func (p *Profile) idleWords() string {
	c := p.IdleClose
	if c.AtLeast == 0 && c.AtMost == 0 {
		return ""
	}
	return fmt.Sprintf("%s; %s seen", c.words(), counted(c.Closures, "closure"))
}

func counted(n uint64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func (p *Profile) reuseWords() string {
	r := p.Reuse
	if p.Requests == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d requests on a connection that was used before", r.Kept, p.Requests)
	if r.AtFirst > 0 {
		text += fmt.Sprintf("; %d connections ended with their first answer", r.AtFirst)
	}
	if r.Least > 0 {
		at := fmt.Sprintf("%d", r.Least)
		if r.Most != r.Least {
			at = fmt.Sprintf("%d to %d", r.Least, r.Most)
		}
		text += fmt.Sprintf("; others after %s requests", at)
	}
	if r.Stale > 0 {
		text += fmt.Sprintf("; %d requests met one that was closed", r.Stale)
	}
	return text
}

func (p *Profile) firstWords() string {
	f := p.FirstByte
	if f.Seen == 0 {
		return ""
	}
	text := fmt.Sprintf("half within %s, 95 of 100 within %s", short(f.P50), short(f.P95))
	if f.Usual == 0 {
		return text + "; too few yet to tell what is slow"
	}
	return text + fmt.Sprintf("; %d were slow", f.Slow)
}

func (p *Profile) statusWords() string {
	var parts []string
	for class, n := range p.Statuses {
		if n == 0 {
			continue
		}
		name := fmt.Sprintf("%dxx", class)
		if class == 0 {
			name = "none"
		}
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	return strings.Join(parts, ", ")
}

func ago(t, now time.Time) string {
	d := now.Sub(t)
	switch {
	case d < 0 || t.IsZero():
		return day(t)
	case d < 2*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s ago", int(d/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days ago", int(d/(24*time.Hour)))
}
