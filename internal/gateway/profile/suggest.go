package profile

import (
	"fmt"
	"strings"
	"time"
)

// Suggestions are what follows from the profile. They rest on what was seen alone: the settings of the gateway are not known here.
func (p *Profile) Suggestions(now time.Time) []Suggestion {
	var out []Suggestion
	for _, s := range []Suggestion{p.suggestIdle(), p.suggestReneg(), p.suggestSecure(), p.suggestAsked(), p.suggestReuse(), p.suggestCeiling()} {
		if s.Why != "" {
			out = append(out, s)
		}
	}
	for i := range p.Certificates {
		c := &p.Certificates[i]
		if left := c.NotAfter.Sub(now); left < 14*24*time.Hour && left < c.NotAfter.Sub(c.NotBefore)/3 && p.shows(c.SHA256) {
			out = append(out, Suggestion{Why: fmt.Sprintf("The certificate %.16s… ends on %s: renew it on the server.", c.SHA256, c.NotAfter.UTC().Format("2006-01-02 15:04 MST"))})
		}
	}
	return out
}

func (p *Profile) shows(fingerprint string) bool {
	for i := range p.Names {
		if p.Names[i].Certs.holds(fingerprint) {
			return true
		}
	}
	return false
}

// suggestIdle: connections should be given up before the origin does so.
func (p *Profile) suggestIdle() Suggestion {
	keep := p.IdleClose.keep()
	if keep <= 0 || p.IdleClose.AtMost == 0 {
		return Suggestion{}
	}
	return Suggestion{
		Setting: "origin: { timeouts: { keepalive_idle: " + keep.String() + " } }",
		Why:     fmt.Sprintf("The origin closes idle connections %s: a keepalive_idle of %s or less (default 4s) gives them up first.", p.IdleClose.words(), keep),
	}
}

func (p *Profile) suggestReneg() Suggestion {
	r := &p.Renegotiation
	if r.Count == 0 {
		return Suggestion{}
	}
	var paths []string
	for _, q := range r.Paths[:min(len(r.Paths), 3)] {
		paths = append(paths, q.Path)
	}
	why := fmt.Sprintf("It renegotiates at %s. ", strings.Join(paths, ", "))
	switch {
	case strings.HasPrefix(p.Server, "Microsoft-IIS"), strings.HasPrefix(p.Server, "Microsoft-HTTPAPI"):
		why += "On IIS that is SSL Settings > Client certificates: Accept or Require, for that path; where no certificate is wanted, set Ignore."
	case strings.HasPrefix(p.Server, "Apache"):
		why += "On Apache that is SSLVerifyClient or SSLCipherSuite within a Location or Directory; where no certificate is wanted, remove it."
	default:
		why += "The server asks for a client certificate by path; where none is wanted, switch that off there (IIS: SSL Settings > Ignore; Apache: no SSLVerifyClient in a location)."
	}
	return Suggestion{Setting: "origin: { tls: { renegotiation: auto } }", Why: why + " Until then keep renegotiation: auto, with which the gateway answers."}
}

func (p *Profile) suggestSecure() Suggestion {
	if p.Secure != "no" {
		return Suggestion{}
	}
	return Suggestion{Why: "It does not know secure renegotiation (RFC 5746): update its TLS software. A renegotiation is refused here, unless insecure_renegotiation is set."}
}

func (p *Profile) suggestAsked() Suggestion {
	if p.CertAsked.PostHandshake == 0 {
		return Suggestion{}
	}
	return Suggestion{
		Setting: "origin: { tls: { max_version: \"1.2\" } }",
		Why:     "It asks for a client certificate after a TLS 1.3 handshake, which this gateway cannot answer: with TLS 1.2 it asks by renegotiation instead. Better have the server ask in the first handshake, or not at all.",
	}
}

func (p *Profile) suggestReuse() Suggestion {
	r := p.Reuse
	if r.AtFirst < 20 || r.AtFirst*10 < p.Connections*9 {
		return Suggestion{}
	}
	return Suggestion{Why: "It ends nearly every connection with the first answer: each request pays for a new handshake. Switch keep-alive on there (Apache KeepAlive On, nginx keepalive_timeout above 0)."}
}

func (p *Profile) suggestCeiling() Suggestion {
	if p.Full+p.Resumed < 3 || p.Ceiling == "" || p.Ceiling >= "TLS 1.2" {
		return Suggestion{}
	}
	return Suggestion{Setting: "origin: { tls: { profile: legacy } }", Why: "It speaks nothing newer than " + p.Ceiling + ": keep profile: legacy for it alone, and plan its update."}
}
