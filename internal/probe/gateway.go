package probe

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

func (c *climb) costGateway() int {
	if c.cfg.Gateway == "" {
		return -1
	}
	return len(c.cfg.Paths)
}

// gateway asks a gateway in front for the same, by the site's name, and tells what differs from the direct way.
func (c *climb) gateway() bool {
	at, clear := gatewayScheme(c.cfg.Gateway, !c.cfg.Target.TLS)
	addr, err := c.gatewayAddr(strings.TrimSuffix(at, "/"), clear)
	if err != nil {
		c.say(c.cfg.Gateway, Bad, err.Error())
		return true
	}
	for i, path := range c.cfg.Paths {
		t := try{purpose: "via", addr: addr, via: true, shake: slowHandshake, requests: []request{{target: path}}}
		if !clear {
			t.offer = c.modernOffer()
			t.offer.enforce = false
		}
		o := c.do(t)
		c.say("GET "+path+" at "+addr.String(), said(o), outcomeText(o))
		for _, name := range []string{"Proxy-Status", "Via"} {
			if len(o.Answers) > 0 && o.Answers[0].Header.Get(name) != "" {
				c.say("  says", Said, fmt.Sprintf("%s: %.300s", name, o.Answers[0].Header.Get(name)))
			}
		}
		if i < len(c.modern) {
			for _, d := range Differences(c.modern[i], o) {
				if d.What == "trust" {
					continue // the authorities of --ca are for the origin
				}
				c.say("  differs", Said, fmt.Sprintf("%s: %s directly, %s through the gateway", d.What, d.A, d.B))
			}
		}
	}
	return true
}

// gatewayScheme takes http:// or https:// off a gateway, which then says whether it is asked in clear; without either it is as the
// origin is.
func gatewayScheme(gateway string, origin bool) (at string, clear bool) {
	if at, ok := strings.CutPrefix(gateway, "http://"); ok {
		return at, true
	}
	if at, ok := strings.CutPrefix(gateway, "https://"); ok {
		return at, false
	}
	return gateway, origin
}

func (c *climb) gatewayAddr(at string, clear bool) (netip.AddrPort, error) {
	host, p, err := net.SplitHostPort(at)
	if err != nil {
		host, p = strings.Trim(at, "[]"), "443"
		if clear {
			p = "80"
		}
	}
	n, err := port(p)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read gateway %.100q: %w", at, err)
	}
	addrs := c.resolve(host)
	if len(addrs) == 0 {
		return netip.AddrPort{}, fmt.Errorf("find gateway %.100q: no address", host)
	}
	return netip.AddrPortFrom(addrs[0], n), nil
}

// Difference is one thing that two connections do not have in common.
type Difference struct {
	What string `json:"what"`
	A    string `json:"a"`
	B    string `json:"b"`
}

// Differences are what two outcomes of the same kind of try do not have in common, in the order in which a connection meets it.
func Differences(a, b *Outcome) []Difference {
	var out []Difference
	apart := reached(a) != reached(b)
	add := func(what, x, y string) {
		if apart && what != "reached" && (x == "" || y == "") {
			return // one of them never came so far
		}
		if x != y {
			out = append(out, Difference{what, orNone(x), orNone(y)})
		}
	}
	add("reached", reached(a), reached(b))
	if !a.Connected() || !b.Connected() {
		return out // the rest follows from it
	}
	for _, f := range tlsFacts() {
		add(f.what, f.of(a), f.of(b))
	}
	add("status", numbered(a.Status()), numbered(b.Status()))
	add("server", serverOf(a), serverOf(b))
	if len(a.Answers) > 0 && len(b.Answers) > 0 {
		x, y := &a.Answers[0], &b.Answers[0]
		add("HTTP version", x.Proto, y.Proto)
		if x.Status == y.Status {
			add("bytes", fmt.Sprint(x.Bytes), fmt.Sprint(y.Bytes))
		}
		if d := y.FirstByte - x.FirstByte; d > time.Second || d < -time.Second {
			add("first byte", span(x.FirstByte), span(y.FirstByte))
		}
	}
	return out
}

type tlsFact struct {
	what string
	of   func(*Outcome) string
}

func tlsFacts() []tlsFact {
	shaken := func(f func(*Outcome) string) func(*Outcome) string {
		return func(o *Outcome) string {
			if !o.Shaken() {
				return ""
			}
			return f(o)
		}
	}
	return []tlsFact{
		{"TLS", shaken(func(o *Outcome) string { return versionOf(o) })},
		{"cipher suite", shaken(func(o *Outcome) string { return suiteOf(o) })},
		{"ALPN", shaken(func(o *Outcome) string { return o.State.NegotiatedProtocol })},
		{"certificate", func(o *Outcome) string {
			if len(o.Chain) == 0 {
				return ""
			}
			return fmt.Sprintf("%.200s, issued by %.200s, %d sent", o.Chain[0].Subject.CommonName, o.Chain[0].Issuer.CommonName, len(o.Chain))
		}},
		{"trust", func(o *Outcome) string { return o.Trust }},
		{"HelloRequest", shaken(func(o *Outcome) string { return numbered(o.HelloRequests) })},
		{"client certificate", shaken(func(o *Outcome) string {
			if o.AsksCert {
				return "asked for"
			}
			return ""
		})},
	}
}

func reached(o *Outcome) string {
	switch {
	case o.Err != nil:
		return errText(o)
	case len(o.Answers) > 0:
		return "an answer"
	case o.Shaken():
		return "a handshake"
	}
	return "a connection"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func numbered(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// words are what a try was made for, for people.
func (o *Outcome) words() string {
	switch {
	case o.what != "":
		return o.what
	case o.Purpose == "plain":
		return "the request"
	case o.Via:
		return "through the gateway"
	}
	return strings.ReplaceAll(o.Purpose, "_", " ")
}

// Compared are the differences of two climbs, try by try: the same purpose and path. What differs alike in many tries is told of the first.
func Compared(a, b *Report) []Difference {
	var out, seen []Difference
	for _, x := range a.Tries {
		if slices.Contains([]string{"tcp", "tcp_quiet", "address"}, x.Purpose) {
			continue
		}
		i := slices.IndexFunc(b.Tries, func(y *Outcome) bool { return y.Purpose == x.Purpose && y.Path == x.Path && y.Via == x.Via })
		if i < 0 {
			continue
		}
		for _, d := range Differences(x, b.Tries[i]) {
			if d.What == "certificate" || d.What == "bytes" {
				if x.Purpose != "plain" {
					continue
				}
			}
			if slices.Contains(seen, d) {
				continue // told of another try
			}
			seen = append(seen, d)
			d.What = x.words() + ": " + d.What
			out = append(out, d)
		}
	}
	return out
}
