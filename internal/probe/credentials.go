package probe

import (
	"crypto/tls"
	"slices"

	"github.com/lunette-waf/lunette/internal/redact"
)

// purposeClear is the try in clear on a port that answers no hello.
const purposeClear = "clear"

const insist = "; --origin-is-mine sends it all the same"

// withheld says why the caller's credentials, which are the fields of --header and the client certificate, must not go out on this
// connection; "" where they may. Whoever breaks handshakes, or shows a certificate that nobody trusts, must not be handed a token.
func (c *climb) withheld(o *Outcome, t *try) string {
	switch {
	case t.purpose == purposeClear:
		return "the target is https, and this is in clear"
	case c.cfg.Vouched:
		return ""
	case t.offer != nil && !t.clear:
		if o.Trust != "ok" {
			return "the certificate is not trusted (" + o.Trust + ")" + insist
		}
	case c.cfg.Target.TLS && !ownNetwork(t.addr.Addr()):
		return "the target is https, and the gateway is asked in clear" + insist
	}
	return ""
}

// fields are the caller's own for a request on this connection.
func (c *climb) fields(o *Outcome, t *try) [][2]string {
	if len(c.cfg.Header) == 0 || len(t.requests) == 0 {
		return nil
	}
	if why := c.withheld(o, t); why != "" {
		c.sayWithheld("--header", why)
		return nil
	}
	return c.cfg.Header
}

// shown is the client certificate for this connection: the caller's own goes only where its fields would go.
func (c *climb) shown(o *Outcome, t *try) *tls.Certificate {
	if t.offer.cert == nil {
		return &tls.Certificate{}
	}
	if t.offer.cert == c.cfg.Certificate {
		if why := c.withheld(o, t); why != "" {
			c.sayWithheld("--client-cert", why)
			return &tls.Certificate{}
		}
	}
	return t.offer.cert
}

// sayWithheld tells it once for each flag and cause.
func (c *climb) sayWithheld(flag, why string) {
	c.mu.Lock()
	said := slices.Contains(c.keptBack, flag+why)
	c.keptBack = append(c.keptBack, flag+why)
	c.mu.Unlock()
	if said {
		return
	}
	c.say(flag, Said, "left out: "+why)
}

// Masked is a request target as it may be shown: explain masks the same values.
func Masked(target string) string {
	m, _ := redact.New(redact.Config{}) // the zero Config is always good
	return m.Target(target)
}

// masked is text as it may be shown, and not longer than a line that somebody reads.
func masked(text string) string {
	m, _ := redact.New(redact.Config{})
	return cut(m.Text(text), mostText)
}

const (
	mostText  = 1000 // bytes of a line
	mostError = 200  // bytes of what a library says: it may quote what the origin sent
)

// cut is s, or its beginning and how long it was.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xc0 == 0x80 { // not within a character
		most--
	}
	return s[:most] + "…"
}
