package probe

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// variant is one column of the TLS matrix.
type variant struct {
	purpose  string
	what     string
	optional bool // that it does not work is no fault
	change   func(*offer)
	own      *tlswire.ClientHello
	split    bool
	addr     netip.AddrPort
	natural  bool // the gateway might do the same
	like     bool // change what the gateway offers, where that works, and nothing else
}

// variants are what is tried, the ones that tell most first: where none of the first six is answered, the rest tells nothing.
func (c *climb) variants() []variant {
	only := func(v uint16) func(*offer) { return func(o *offer) { o.min, o.max = v, v } }
	suites := func(ids []uint16) func(*offer) {
		return func(o *offer) { o.suites, o.max = ids, tls.VersionTLS12 }
	}
	group := func(g tls.CurveID) func(*offer) { // with nothing that works without a group
		return func(o *offer) { o.groups, o.suites = []tls.CurveID{g}, append(modernSuites(), ecdheCBC()...) }
	}
	out := []variant{
		{purpose: "legacy", what: "all that Lunette can speak", change: func(o *offer) {}},
		{purpose: "hello_small", what: "defaults, without a post-quantum group", change: func(o *offer) {
			o.min, o.suites, o.alpn = tls.VersionTLS12, modernSuites(), []string{"h2", "http/1.1"}
		}},
		{purpose: "tls1.2", what: "TLS 1.2", change: func(o *offer) { only(tls.VersionTLS12)(o); o.cache = c.caches[0] }},
		{purpose: "tls1.3", what: "TLS 1.3", optional: true, change: func(o *offer) { only(tls.VersionTLS13)(o); o.cache = c.caches[1] }},
		{purpose: "tls1.0", what: "TLS 1.0", optional: true, change: only(tls.VersionTLS10)},
		{purpose: "sni_none", like: true, what: "no server name", optional: true, change: func(o *offer) { o.sni = "" }},

		{purpose: "tls1.1", what: "TLS 1.1", optional: true, change: only(tls.VersionTLS11)},
		{purpose: "sslv3", what: "SSL 3.0", optional: true, own: c.hello(tlswire.VersionSSL30, 0x0035, 0x002f, 0x000a, 0x0005, 0x0004)},
		{purpose: "hello_minimal", what: "the smallest hello of TLS 1.2", optional: true, own: c.minimalHello()},
		{purpose: "hello_large", what: "a large hello (post-quantum)", change: func(o *offer) {
			o.min, o.suites, o.groups, o.alpn = tls.VersionTLS12, modernSuites(), allGroups(), []string{"h2", "http/1.1"}
		}},
		{purpose: "hello_split", what: "a small hello in two segments", own: c.hello(tlswire.VersionTLS12, legacySuites()...), split: true},
		{purpose: "suites_ecdhe_aead", what: "ECDHE with AEAD", optional: true, change: suites(modernSuites())},
		{purpose: "suites_ecdhe_cbc", what: "ECDHE with CBC", optional: true, change: suites(ecdheCBC())},
		{purpose: "suites_rsa", what: "RSA key exchange", optional: true, change: suites(rsaAES())},
		{purpose: "suites_3des", what: "3DES", optional: true, change: suites(tripleDES())},
		{purpose: "suites_rc4", what: "RC4", optional: true, change: suites(rc4())},
		{purpose: "suites_dhe", what: "DHE", optional: true, own: c.hello(tlswire.VersionTLS12, 0x009e, 0x009f, 0x0067, 0x006b, 0x0033, 0x0039, 0x0016, 0x0032, 0x0038, 0x0013)},
		{purpose: "groups_rare", what: "a rare group", optional: true, own: c.rareHello()},
		{purpose: "suites_export", what: "export suites", optional: true, own: c.hello(tlswire.VersionTLS10, 0x0003, 0x0006, 0x0008, 0x0014, 0x0011, 0x0062, 0x0064)},
		{purpose: "auth_rsa", what: "RSA certificate", optional: true, change: suites(ofKind(append(modernSuites(), ecdheCBC()...), "RSA"))},
		{purpose: "auth_ecdsa", what: "ECDSA certificate", optional: true, change: suites(ofKind(append(modernSuites(), ecdheCBC()...), "ECDSA"))},
		{purpose: "group_x25519mlkem768", what: "group X25519MLKEM768", optional: true, change: group(tls.X25519MLKEM768)},
		{purpose: "group_x25519", what: "group x25519", optional: true, change: group(tls.X25519)},
		{purpose: "group_p256", what: "group secp256r1", optional: true, change: group(tls.CurveP256)},
		{purpose: "group_p384", what: "group secp384r1", optional: true, change: group(tls.CurveP384)},
		{purpose: "group_p521", what: "group secp521r1", optional: true, change: group(tls.CurveP521)},
		{purpose: "sni_wrong", like: true, what: "a wrong server name", optional: true, change: func(o *offer) { o.sni = "lunette-doctor.invalid" }},
		{purpose: "alpn_h2", like: true, what: "HTTP/2 alone by ALPN", optional: true, change: func(o *offer) { o.alpn = []string{"h2"} }},
		{purpose: "alpn_http1", like: true, what: "HTTP/1.1 alone by ALPN", change: func(o *offer) { o.alpn = []string{"http/1.1"} }},
	}
	for _, a := range c.addrs[min(1, len(c.addrs)):] {
		out = append(out, variant{purpose: "address", what: "at " + a.String(), addr: a, natural: true, change: func(o *offer) { *o = *c.modernOffer() }})
	}
	return append(out,
		variant{purpose: "resume1.2", what: "a session of TLS 1.2 again", optional: true, change: func(o *offer) { only(tls.VersionTLS12)(o); o.cache = c.caches[0] }},
		variant{purpose: "resume1.3", what: "a session of TLS 1.3 again", optional: true, change: func(o *offer) { only(tls.VersionTLS13)(o); o.cache = c.caches[1] }})
}

// rareHello offers ECDHE on groups that crypto/tls has not: brainpool, secp256k1, secp224r1, x448.
func (c *climb) rareHello() *tlswire.ClientHello {
	h := c.hello(tlswire.VersionTLS12, append(modernSuites(), ecdheCBC()...)...)
	h.Groups = []uint16{26, 27, 28, 22, 21, 30}
	return h
}

// minimalHello is what clients sent before extensions that matter: a name and nothing else.
func (c *climb) minimalHello() *tlswire.ClientHello {
	h := c.hello(tlswire.VersionTLS12, legacySuites()...)
	h.Groups, h.PointFormats, h.SignatureSchemes = nil, nil, nil
	return h
}

// ofKind are the suites that authenticate with this kind of key.
func ofKind(ids []uint16, auth string) []uint16 {
	var out []uint16
	for _, id := range ids {
		if strings.Contains(tlswire.SuiteName(id), "_"+auth+"_WITH") {
			out = append(out, id)
		}
	}
	return out
}

func (c *climb) costTLS() int {
	if !c.cfg.Target.TLS && (c.plain.Served() && c.plain.Status() < 400) {
		return -1
	}
	if !c.cfg.Target.TLS {
		return 1
	}
	return len(c.variants()) + 1
}

const (
	firstVariants  = 6 // those that tell most
	mostUnanswered = 3 // of them may go without any answer where none works, before the rest is left out
)

// farAway is how long a handshake takes with an origin that is worth several connections at once, and atOnce how many.
const (
	farAway = 60 * time.Millisecond
	atOnce  = 4
)

// tls goes through the matrix, one handshake after the other; to an origin that is far away and answers, a few side by side.
func (c *climb) tls() bool {
	if !c.cfg.Target.TLS { // the request in clear failed: is it the wrong scheme?
		v := variant{purpose: "tls_on_clear", what: "TLS on this port", optional: true, change: func(*offer) {}}
		c.told(&v, c.vary(&v))
		return true
	}
	for i := range c.caches {
		c.caches[i] = tls.NewLRUClientSessionCache(4)
	}
	width := 1
	if c.plain.Shaken() && c.plain.Times.TLS > farAway {
		width = atOnce
	}
	c.matrix(c.variants(), width)
	if c.working == nil && c.plain.Trust == "" {
		c.clearText()
	}
	c.smaller()
	return true
}

// matrix tries the variants, width of them side by side, and tells of them in their order.
func (c *climb) matrix(all []variant, width int) {
	unanswered := 0
	for at := 0; at < len(all) && c.ctx.Err() == nil; at += width {
		batch := slices.DeleteFunc(slices.Clone(all[at:min(at+width, len(all))]), func(v variant) bool {
			version, again := strings.CutPrefix(v.purpose, "resume")
			return again && !c.shook("tls"+version)
		})
		outs := make([]*Outcome, len(batch))
		var wg sync.WaitGroup
		for i := range batch {
			wg.Go(func() { outs[i] = c.vary(&batch[i]) })
		}
		wg.Wait()
		for i, o := range outs {
			if c.told(&batch[i], o); timedOut(o.Err) {
				unanswered++
			}
			if o.Shaken() && o.Purpose != "sni_none" && c.working == nil {
				c.working = c.legacyOffer()
				batch[i].change(c.working)
			}
		}
		if at == firstVariants-1 && unanswered >= mostUnanswered && c.working == nil {
			c.say("the rest", Absent, fmt.Sprintf("left out: of %d hellos %d went without answer, and none led to a handshake", firstVariants, unanswered))
			return
		}
	}
}

// smaller lets the small hello speak for the plain request where both failed alike: it was not the size.
func (c *climb) smaller() {
	small := c.tryFor("hello_small")
	if small == nil || small.Shaken() || small.Cut || c.plain.Shaken() || c.plain.Phase != "tls" || c.plain.Trust != "" {
		return
	}
	c.plain.Natural, small.Natural = false, true
}

// shook reports whether the try with this purpose completed its handshake.
func (c *climb) shook(purpose string) bool {
	for _, o := range c.report.Tries {
		if o.Purpose == purpose && o.Shaken() {
			return true
		}
	}
	return false
}

// alike is what a variant changes in one point: the gateway's own offer, unless that fails where another one works.
func (c *climb) alike() *offer {
	if o := c.base(); o != nil {
		return o
	}
	o := c.modernOffer()
	o.enforce, o.groups = false, classicGroups() // as hello_small, which speaks for the plain request then
	return o
}

// vary makes one handshake.
func (c *climb) vary(v *variant) *Outcome {
	t := try{purpose: v.purpose, natural: v.natural, addr: v.addr, own: v.own, split: v.split}
	if v.own == nil {
		if t.offer = c.legacyOffer(); v.like {
			t.offer = c.alike()
		}
		v.change(t.offer)
	}
	o := c.do(t)
	o.what = v.what
	if strings.HasPrefix(v.purpose, "resume") && !o.Shaken() {
		o.Natural = true // a client that resumes is no exception
	}
	return o
}

// told says what came of a variant.
func (c *climb) told(v *variant, o *Outcome) {
	mark, text := Good, ""
	switch {
	case o.Cut:
		mark, text = Said, errText(o)
	case o.Shaken():
		text = handshakeText(o)
	case o.Hello.Version != 0 && o.Err == nil:
		text = tlswire.VersionName(o.Hello.Version) + ", " + tlswire.SuiteName(o.Hello.Suite)
		if o.Hello.Prime > 0 {
			text += fmt.Sprintf(", DH %d bits", o.Hello.Prime)
		}
	default:
		if mark, text = Bad, errText(o); v.optional {
			mark = Absent
		}
	}
	c.say(v.what, mark, text)
}

// handshakeText says what a completed handshake came to.
func handshakeText(o *Outcome) string {
	s := o.State
	parts := []string{tlswire.VersionName(s.Version), tlswire.SuiteName(s.CipherSuite)}
	if s.CurveID != 0 {
		parts = append(parts, tlswire.GroupName(uint16(s.CurveID)))
	}
	if s.NegotiatedProtocol != "" {
		parts = append(parts, "ALPN "+s.NegotiatedProtocol)
	}
	if strings.HasPrefix(o.Purpose, "resume") {
		if !s.DidResume {
			return "not resumed, a full handshake"
		}
		parts = append(parts, "resumed")
	}
	if len(o.Chain) > 0 && (o.Purpose == "sni_none" || o.Purpose == "sni_wrong" || o.Purpose == "address") {
		parts = append(parts, "certificate "+cut(o.Chain[0].Subject.CommonName, mostError))
	}
	if o.AsksCert {
		parts = append(parts, "asks for a client certificate")
	}
	return strings.Join(append(parts, span(o.Times.TLS)), ", ")
}

// clearText asks in clear on a port that answers no hello: for the root alone, since everybody on the way can read along.
func (c *climb) clearText() {
	o := c.do(try{purpose: purposeClear, clear: true, requests: []request{{target: "/"}}, answer: 2 * time.Second})
	mark := Absent
	if len(o.Answers) > 0 && !c.alerted() {
		mark = Bad
	}
	c.say("HTTP in clear", mark, outcomeText(o))
}
