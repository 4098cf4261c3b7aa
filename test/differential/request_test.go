package differential_test

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// request is what both engines are given.
type request struct {
	name   string
	method string
	target string
	header exchange.Header
	body   string
	reply  *reply // nil: there is no answer to look at
}

// reply is the answer of an origin.
type reply struct {
	status int
	header exchange.Header
	body   string
}

// exchange returns r as the gateway hands it over.
func (r *request) exchange() *exchange.Exchange {
	x := &exchange.Exchange{ID: "0123456789ABCDEFGHJKMNPQRS", Start: time.Unix(1_700_000_000, 0), Client: &exchange.Client{
		Addr: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:443"),
	}}
	q := &x.Request
	q.Method, q.Target, q.Scheme, q.Proto, q.Header = r.method, r.target, "https", exchange.HTTP11, r.header
	q.Authority = r.header.Get("Host")
	q.Path, q.Query, q.HasQuery = strings.Cut(r.target, "?")
	q.Body, q.Length = exchange.NoBody, int64(len(r.body))
	return x
}

// clone returns a copy that may be changed.
func (r *request) clone() *request {
	c := *r
	c.header = r.header.Clone()
	if r.reply != nil {
		a := *r.reply
		a.header = a.header.Clone()
		c.reply = &a
	}
	return &c
}

// set sets a field of the head in place of those with its name.
func (r *request) set(name, value string) { r.header.Set(name, value) }

// String is r as Go would quote it, line by line.
func (r *request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %q %q\n", r.name, r.method, r.target)
	for _, f := range r.header {
		fmt.Fprintf(&b, "  %q: %q\n", f.Name, f.Value)
	}
	if r.body != "" {
		fmt.Fprintf(&b, "  body %q\n", r.body)
	}
	if r.reply != nil {
		fmt.Fprintf(&b, "  answer %d %q %q\n", r.reply.status, r.reply.header, r.reply.body)
	}
	return b.String()
}
