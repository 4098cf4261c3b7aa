package site_test

import (
	"fmt"
	"net/netip"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/site"
	"github.com/lunette-waf/lunette/internal/reason"
)

// The way of a request: match, redirect, build what the origin gets, answer for an origin that failed.
func Example() {
	sites, err := site.New(site.Config{
		Pseudonym: "lunette-1",
		Sites: []site.SiteConfig{{
			Names:  []string{"hello.test"},
			Root:   site.RouteConfig{Protection: 2},
			Routes: []site.RouteConfig{{Path: "/upload/", Protection: 1}},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	origins := make([]string, sites.Routes()) // whatever belongs to a route lies at its index
	origins[1] = "https://10.0.0.227:8443"

	x := &exchange.Exchange{
		ID:      "01JD0000000000000000000000",
		Client:  &exchange.Client{Addr: netip.MustParseAddrPort("192.0.2.7:40000"), TLS: &exchange.ClientTLS{ServerName: "hello.test"}},
		Request: exchange.Request{Method: "GET", Scheme: "https", Authority: "hello.test", Target: "/upload/a", Path: "/upload/a", Proto: exchange.HTTP11},
	}
	m, fault := sites.Match(x)
	if fault != nil {
		answer, body := sites.Refusal(x, &m, fault)
		fmt.Println(answer.Status, len(body))
		return
	}
	if sites.Redirect(x, &m) != nil {
		return
	}
	out := sites.Outgoing(x, &m)
	fmt.Println(m.Site.Name, m.Route.Path, origins[m.Route.Index])
	for _, f := range out.Header {
		fmt.Println(f.Name+":", f.Value)
	}
	answer, _ := sites.ErrorAnswer(x, &m, 0, reason.TCPRefused, "")
	fmt.Println(answer.Status, answer.Header.Get("Proxy-Status"))
	// Output:
	// hello.test /upload/ https://10.0.0.227:8443
	// Host: hello.test
	// X-Forwarded-For: 192.0.2.7
	// X-Forwarded-Proto: https
	// X-Forwarded-Host: hello.test
	// X-Forwarded-Port: 443
	// Forwarded: for=192.0.2.7;host=hello.test;proto=https
	// Via: 1.1 lunette-1
	// X-Request-Id: 01JD0000000000000000000000
	// 502 lunette; error=connection_refused; details="tcp.refused"
}
