package soup

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Get is a browser's plain GET of a path with or without a query, as the gateway hands it to the rules; more are further fields, name and value
// in turn.
func Get(target string, more ...string) *exchange.Exchange {
	now := time.Now()
	x := &exchange.Exchange{ID: exchange.NewID(now), Start: now, Client: &exchange.Client{
		Addr: netip.MustParseAddrPort("192.0.2.7:40000"), Local: netip.MustParseAddrPort("192.0.2.1:443"),
	}}
	r := &x.Request
	r.Method, r.Target, r.Scheme, r.Authority, r.Proto, r.Body = "GET", target, "https", "shop.test", exchange.HTTP11, exchange.NoBody
	r.Path, r.Query, r.HasQuery = strings.Cut(target, "?")
	r.Header = exchange.Header{
		{Name: "Host", Value: "shop.test"}, {Name: "User-Agent", Value: "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}, {Name: "Accept", Value: "*/*"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Add(more[i], more[i+1])
	}
	return x
}

// Post is the same with a body of length bytes, which whoever inspects it brings along.
func Post(target, mime string, length int, more ...string) *exchange.Exchange {
	x := Get(target, more...)
	r := &x.Request
	r.Method, r.Length = "POST", int64(length)
	r.Header.Add("Content-Type", mime)
	r.Header.Add("Content-Length", strconv.Itoa(length))
	return x
}
