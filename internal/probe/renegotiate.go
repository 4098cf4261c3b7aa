package probe

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"
)

// What a client may do with a HelloRequest; the purposes of the tries that do it.
const (
	purposeComply      = "reneg_comply"
	purposeRefuse      = "reneg_refuse"
	purposeCertificate = "reneg_certificate"
	purposeIgnore      = "reneg_ignore"
)

// reacting is an offer under which an origin may renegotiate: TLS 1.2 at most, HTTP/1.1.
func (c *climb) reacting() *offer {
	o := *c.base()
	o.max = min(o.max, tls.VersionTLS12)
	if o.alpn != nil {
		o.alpn = []string{"http/1.1"}
	}
	o.enforce, o.cache = false, nil
	return &o
}

// base is an offer that this origin takes: the gateway's own where that works, else the first that did.
func (c *climb) base() *offer {
	if p := c.plain; p.Shaken() || p.State != nil && p.Trust != "" {
		o := c.modernOffer()
		o.enforce = false
		return o
	}
	if c.working != nil {
		o := *c.working
		return &o
	}
	return nil
}

func (c *climb) costRenegotiation() int {
	if o := c.baseIfTLS(); o == nil || !c.old() {
		return -1
	}
	return 3 * len(c.cfg.Paths)
}

func (c *climb) baseIfTLS() *offer {
	if !c.cfg.Target.TLS {
		return nil
	}
	return c.base()
}

// old reports whether the origin speaks TLS 1.2 or less.
func (c *climb) old() bool {
	for _, o := range c.report.Tries {
		if o.Shaken() && o.State.Version <= tls.VersionTLS12 && !o.Via {
			return true
		}
	}
	return false
}

// renegotiation asks for each path and complies; where a HelloRequest came, it tries the other answers too.
func (c *climb) renegotiation() bool {
	for _, path := range c.cfg.Paths {
		if c.ctx.Err() != nil {
			return true
		}
		comply := c.reacting()
		comply.reneg = tls.RenegotiateOnceAsClient
		o := c.react(purposeComply, path, comply)
		if o.HelloRequests == 0 {
			c.say("GET "+path, said(o), "no HelloRequest; "+outcomeText(o))
			continue
		}
		c.asked = append(c.asked, o)
		what := "it asks to renegotiate"
		if o.AsksCert {
			what += " and wants a client certificate"
		}
		c.say("GET "+path, Bad, what)
		c.say("  comply, no certificate", said(o), outcomeText(o))
		never := c.reacting()
		never.reneg = tls.RenegotiateNever
		refused := c.react(purposeRefuse, path, never)
		c.say("  refuse", said(refused), outcomeText(refused))
		if !o.AsksCert {
			continue
		}
		shown := c.reacting()
		shown.reneg, shown.cert = tls.RenegotiateOnceAsClient, c.certificate()
		with := c.react(purposeCertificate, path, shown)
		c.say("  comply, with a certificate", said(with), outcomeText(with))
	}
	return true
}

func said(o *Outcome) Mark {
	if o.Served() {
		return Good
	}
	return Bad
}

// react makes one request under f.
func (c *climb) react(purpose, path string, f *offer) *Outcome {
	o := c.do(try{purpose: purpose, offer: f, requests: []request{{target: path}}, answer: c.patienceForAnswer()})
	o.Natural = o.HelloRequests > 0 && purpose == purposeRefuse && !o.Cut
	return o
}

// certificate is the caller's own, or a throw-away one: an origin that verifies it refuses it, which tells as much.
func (c *climb) certificate() *tls.Certificate {
	if c.cfg.Certificate != nil {
		return c.cfg.Certificate
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "lunette doctor, throw-away"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (c *climb) costPatience() int {
	if len(c.asked) == 0 {
		return -1
	}
	return len(c.asked)
}

// patience leaves HelloRequests without answer, side by side, and watches what the origin does.
func (c *climb) patience() bool {
	left := time.Until(c.report.Began.Add(c.cfg.Budget)) - time.Second
	wait := min(c.cfg.Patience, left)
	if wait < time.Second {
		return true
	}
	outs := make([]*Outcome, len(c.asked))
	var wg sync.WaitGroup
	for i, asked := range c.asked {
		f := c.reacting()
		f.ignore = wait
		wg.Go(func() {
			outs[i] = c.do(try{purpose: purposeIgnore, offer: f, requests: []request{{target: asked.Path}}, answer: wait + time.Second})
			outs[i].Natural = outs[i].HelloRequests > 0 // also where it was cut: it was silent up to there
		})
	}
	wg.Wait()
	for i, o := range outs {
		text := outcomeText(o)
		if o.Ignored > 0 {
			text = fmt.Sprintf("the origin was silent for %s, then %s", span(o.Ignored), c.then(o))
		}
		c.say("GET "+c.asked[i].Path+", ignored", Bad, text)
	}
	return true
}

// then says how the wait after an ignored HelloRequest ended.
func (c *climb) then(o *Outcome) string {
	switch how := ended(o.Recording); {
	case o.spokeOn:
		return "went on without"
	case o.expired:
		return "we gave up"
	case how != "":
		return how
	}
	return "it was over"
}
