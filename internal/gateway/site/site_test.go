package site

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// get is a request as the listener hands it over; edit changes it.
func get(authority, path string, edit ...func(*exchange.Exchange)) *exchange.Exchange {
	x := &exchange.Exchange{
		ID: "01JD0000000000000000000000", Start: time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC),
		Client: &exchange.Client{
			Peer: netip.MustParseAddrPort("192.0.2.7:40000"), Addr: netip.MustParseAddrPort("192.0.2.7:40000"),
			Local: netip.MustParseAddrPort("127.0.0.1:8443"),
		},
		Request: exchange.Request{Method: "GET", Scheme: "http", Authority: authority, Proto: exchange.HTTP11, Body: exchange.NoBody},
	}
	r := &x.Request
	r.Target = path
	r.Path, r.Query, r.HasQuery = strings.Cut(path, "?")
	r.Header = exchange.Header{{Name: "Host", Value: authority}, {Name: "User-Agent", Value: "test"}}
	for _, e := range edit {
		e(x)
	}
	return x
}

func overTLS(sni string) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) {
		x.Request.Scheme = "https"
		x.Client.TLS = &exchange.ClientTLS{ServerName: sni}
	}
}

// handshake says whose TLS the connection got, and whether the client showed a good certificate.
func handshake(site string, verified bool) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) { x.Client.TLS.Site, x.Client.TLS.Verified = site, verified }
}

func from(addr string) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) { x.Client.Addr = netip.AddrPortFrom(netip.MustParseAddr(addr), 40000) }
}

func method(m string) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) { x.Request.Method = m }
}

func with(fields ...string) func(*exchange.Exchange) {
	return func(x *exchange.Exchange) {
		for i := 0; i < len(fields); i += 2 {
			x.Request.Header.Add(fields[i], fields[i+1])
		}
	}
}

func table(t testing.TB, cfg Config) *Table {
	t.Helper()
	if cfg.Pseudonym == "" {
		cfg.Pseudonym = "lunette-test"
	}
	tab, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// shop is the table that most tests use.
func shop(t testing.TB) *Table {
	return table(t, Config{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")},
		Sites: []SiteConfig{
			{Names: []string{"hello.test", "www.hello.test"}, Root: RouteConfig{Protection: 2}, Routes: []RouteConfig{
				{Path: "/upload/", Protection: 1}, {Path: "/api", Protection: 0}, {Path: "/api/admin", Protection: 3},
			}},
			{Names: []string{"*.shop.test", "shop.test"}, Path: Lenient, RedirectHTTPS: true, Routes: []RouteConfig{{Path: "/admin", Protection: 5}}},
			{Names: []string{"secret.test"}, RequireSNI: true},
			{Names: []string{"mutual.test"}, RequireSNI: true, RequireCert: true},
			{Names: []string{"moved.test"}, RequireSNI: true, RequireCert: true, RedirectHTTPS: true},
			{Names: []string{"iis.test"}, Routes: []RouteConfig{{Path: "/Admin", IgnoreCase: true, Protection: 1}}},
			{Names: []string{"[2001:db8::1]", "10.1.2.3"}},
		},
	})
}

func TestFind(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct{ host, site string }{
		{"hello.test", "hello.test"},
		{"HELLO.Test:8443", "hello.test"},
		{"hello.test.", "hello.test"},
		{"hello.test.:443", "hello.test"},
		{"www.hello.test", "hello.test"},
		{"hello.test..", ""},
		{".hello.test", ""},
		{"a.shop.test", "*.shop.test"},
		{"A.SHOP.TEST.:80", "*.shop.test"},
		{"shop.test", "*.shop.test"},
		{"a.b.shop.test", ""},
		{".shop.test", ""},
		{"evil#.shop.test", ""},
		{"evil/.shop.test", ""},
		{"x_y-1.shop.test", "*.shop.test"},
		{"test", ""},
		{"", ""},
		{":80", ""},
		{"10.1.2.3:80", "[2001:db8::1]"},
		{"[2001:DB8::1]:443", "[2001:db8::1]"},
		{"[2001:db8::1", ""},
		{"user@hello.test", ""},
		{strings.Repeat("a", 300) + ".test", ""},
	} {
		got := ""
		if s := tab.Find(c.host); s != nil {
			got = s.Name
		}
		if got != c.site {
			t.Errorf("Find(%q) = %q, want %q", c.host, got, c.site)
		}
	}
}

func TestDefaultSite(t *testing.T) {
	tab := table(t, Config{Sites: []SiteConfig{{Names: []string{"a.test"}}, {Names: []string{"b.test"}, Default: true}}})
	for host, want := range map[string]string{"a.test": "a.test", "other.test": "b.test", "": "b.test", "b.test": "b.test"} {
		if s := tab.Find(host); s == nil || s.Name != want {
			t.Errorf("Find(%q) = %v, want %s", host, s, want)
		}
	}
	x := get("a.test", "/", overTLS("unknown.test"))
	if _, f := tab.Match(x); f == nil || f.Reason.Code != reason.ConfigSNIHostMismatch {
		t.Errorf("SNI of the default site with Host of another: %v", f)
	}
}

func TestMatchFaults(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct {
		name   string
		x      *exchange.Exchange
		status int
		code   reason.Code
	}{
		{"plain", get("hello.test", "/"), 0, ""},
		{"same site by another name", get("www.hello.test", "/", overTLS("hello.test")), 0, ""},
		{"SNI of another site", get("hello.test", "/", overTLS("a.shop.test")), 421, reason.ConfigSNIHostMismatch},
		{"SNI of no site", get("hello.test", "/", overTLS("nowhere.test")), 421, reason.ConfigSNIHostMismatch},
		{"two wildcard names of one site", get("b.shop.test", "/", overTLS("a.shop.test")), 0, ""},
		{"no SNI", get("hello.test", "/", overTLS("")), 0, ""},
		{"no SNI where it is needed", get("secret.test", "/", overTLS("")), 421, reason.ConfigSNIHostMismatch},
		{"handshake of another site", get("hello.test", "/", overTLS("hello.test"), handshake("*.shop.test", false)), 421, reason.ConfigSNIHostMismatch},
		{"certificate required", get("mutual.test", "/", overTLS("mutual.test"), handshake("mutual.test", true)), 0, ""},
		{"certificate required, none on the connection", get("mutual.test", "/", overTLS("mutual.test"), handshake("mutual.test", false)), 421, reason.ClientCertRequired},
		{"certificate required, no TLS", get("mutual.test", "/"), 403, reason.ClientCertRequired},
		{"certificate required, TLS ended before us", get("moved.test", "/", from("10.0.0.1"), with("X-Forwarded-Proto", "https")), 403, reason.ClientCertRequired},
		{"certificate required, to be redirected", get("moved.test", "/"), 0, ""},
		{"no site", get("nowhere.test", "/"), 421, reason.ConfigNoSite},
		{"no Host", get("", "/"), 421, reason.ConfigNoSite},
		{"TRACE", get("hello.test", "/", method("TRACE")), 405, reason.ClientBadRequest},
		{"TRACK", get("hello.test", "/", method("TRACK")), 405, reason.ClientBadRequest},
		{"CONNECT", get("hello.test", "/", method("CONNECT")), 405, reason.ClientBadRequest},
		{"PROPFIND", get("hello.test", "/", method("PROPFIND")), 0, ""},
		{"lower case", get("hello.test", "/", method("get")), 501, reason.ClientBadRequest},
		{"unknown method", get("hello.test", "/", method("JEFF")), 501, reason.ClientBadRequest},
		{"PRI", get("hello.test", "*", method("PRI")), 501, reason.ClientBadRequest},
		{"OPTIONS *", get("hello.test", "*", method("OPTIONS")), 0, ""},
		{"GET *", get("hello.test", "*"), 400, reason.ClientPathRefused},
		{"path", get("hello.test", "/a/%2e%2e/b"), 400, reason.ClientPathRefused},
		{"path, lenient", get("a.shop.test", "/a/%2e%2e/b"), 0, ""},
		{"control, lenient", get("a.shop.test", "/a%00b"), 400, reason.ClientPathRefused},
		{"query", get("hello.test", "/?a=%zz&b=%u0041&c=%00&d=ä"), 0, ""},
		{"query with a control", get("a.shop.test", "/?a=\x01"), 400, reason.ClientPathRefused},
		{"query with a fragment", get("hello.test", "/?a#b"), 400, reason.ClientPathRefused},
		{"Connection: close, TE", get("hello.test", "/", with("Connection", "close, TE", "TE", "trailers")), 0, ""},
		{"Connection: Cookie", get("hello.test", "/", with("Connection", "close, Cookie", "Cookie", "a=1")), 400, reason.HTTP1BadHeader},
		{"Connection: host", get("hello.test", "/", with("Connection", "host")), 400, reason.HTTP1BadHeader},
		{"Connection: X-Forwarded-For", get("hello.test", "/", from("10.0.0.1"), with("Connection", "X-Forwarded-For", "X-Forwarded-For", "192.0.2.1")), 400, reason.HTTP1BadHeader},
		{"Connection names a custom field", get("hello.test", "/", with("connection", "X-Auth", "x-auth", "1")), 400, reason.HTTP1BadHeader},
		{"Connection names nothing that is there", get("hello.test", "/", with("Connection", "X-Auth, , keep-alive")), 0, ""},
		{"Connection: Upgrade", get("hello.test", "/", with("Connection", "Upgrade", "Upgrade", "websocket")), 0, ""},
		{"loop", get("hello.test", "/", with("Via", "1.0 fred, 1.1 Lunette-Test (Apache/1.1)")), 508, reason.ConfigLoopDetected},
		{"loop by CDN-Loop", get("hello.test", "/", with("CDN-Loop", "foo; v=1, lunette-test; x")), 508, reason.ConfigLoopDetected},
		{"another gateway", get("hello.test", "/", with("Via", "1.1 lunette-other, 1.1 xlunette-test", "CDN-Loop", "lunette")), 0, ""},
	} {
		_, f := tab.Match(c.x)
		if f == nil {
			if c.status != 0 {
				t.Errorf("%s: accepted, want %d %s", c.name, c.status, c.code)
			}
			continue
		}
		if f.Status != c.status || f.Reason.Code != c.code {
			t.Errorf("%s: %d %v, want %d %s", c.name, f.Status, f, c.status, c.code)
		}
		var re *reason.Error
		if !errors.As(error(f), &re) || (f.Status == 405) != f.Header.Has("Allow") {
			t.Errorf("%s: fault %+v lacks its reason or Allow", c.name, f)
		}
	}
}

func TestMethodsOfASite(t *testing.T) {
	tab := table(t, Config{Sites: []SiteConfig{{Names: []string{"rd.test"}, Methods: []string{"GET", "RPC_IN_DATA"}}}})
	for m, want := range map[string]int{"GET": 0, "RPC_IN_DATA": 0, "POST": 405, "JEFF": 405, "TRACE": 405} {
		status := 0
		if _, f := tab.Match(get("rd.test", "/", method(m))); f != nil {
			status = f.Status
			if got := f.Header.Get("Allow"); got != "GET, RPC_IN_DATA" {
				t.Errorf("%s: Allow %q", m, got)
			}
		}
		if status != want {
			t.Errorf("%s: %d, want %d", m, status, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct{ host, path, route, policy string }{
		{"hello.test", "/", "", ""},
		{"hello.test", "/upload/", "/upload/", "/upload/"},
		{"hello.test", "/upload/x/y?z", "/upload/", "/upload/"},
		{"hello.test", "/upload", "", ""},
		{"hello.test", "/uploadx", "", ""},
		{"hello.test", "/upload%78", "", ""},
		{"hello.test", "/uplo%61d/x", "/upload/", "/upload/"},
		{"hello.test", "/Upload/x", "", ""},
		{"hello.test", "/API/x", "", ""},
		{"a.shop.test", "/ADMIN/x", "", "/admin"},
		{"a.shop.test", "/%41dmin", "", "/admin"},
		{"hello.test", "/x/upload/", "", ""},
		{"hello.test", "/api", "/api", "/api"},
		{"hello.test", "/api/admin", "/api", "/api"}, // first wins
		{"hello.test", "/apis", "", ""},
		// Two readings: /upload//x is below /upload/ in both; /x//upload/ in none.
		{"hello.test", "/upload//x", "/upload/", "/upload/"},
		// An origin that merges slashes reads /api/admin, one that does not /api and an empty segment.
		{"hello.test", "/api//admin", "/api", "/api"},
		// Lenient sites: whatever can be read in several ways is judged by the strongest policy.
		{"a.shop.test", "/public", "", ""},
		{"a.shop.test", "/admin/x", "/admin", "/admin"},
		{"a.shop.test", "/public/..;/admin", "", "/admin"},
		{"a.shop.test", "/public/%2e%2e/admin", "", "/admin"},
		{"a.shop.test", "//admin", "", "/admin"},
		{"a.shop.test", "/x//admin", "", ""},
		{"a.shop.test", `/public\..\admin`, "", "/admin"},
		{"a.shop.test", "/%2561dmin", "", "/admin"},
		{"a.shop.test", "/admin%2f..%2fpublic", "/admin", "/admin"},
		{"iis.test", "/ADMIN/x", "/Admin", "/Admin"},
		{"iis.test", "/%41dmin", "/Admin", "/Admin"},
		{"iis.test", "/administrator", "", ""},
	} {
		x := get(c.host, c.path)
		m, f := tab.Match(x)
		if f != nil {
			t.Errorf("%s%s: %v", c.host, c.path, f)
			continue
		}
		if m.Route.Path != c.route || m.Policy.Path != c.policy || x.Route != c.route {
			t.Errorf("%s%s: route %q policy %q, want %q %q", c.host, c.path, m.Route.Path, m.Policy.Path, c.route, c.policy)
		}
	}
}

func TestMergedSlashesTakeTheStrongerPolicy(t *testing.T) {
	tab := table(t, Config{Sites: []SiteConfig{{Names: []string{"a.test"}, Routes: []RouteConfig{
		{Path: "/a/b", Protection: 3}, {Path: "/a", Protection: 0},
	}}}})
	m, f := tab.Match(get("a.test", "/a//b/c"))
	if f != nil || m.Route.Path != "/a" || m.Policy.Path != "/a/b" {
		t.Errorf("route %v policy %v fault %v", m.Route, m.Policy, f)
	}
}

func TestPathWithoutItsSlashTakesTheStrongerPolicy(t *testing.T) {
	tab := table(t, Config{Sites: []SiteConfig{{Names: []string{"a.test"}, Routes: []RouteConfig{{Path: "/admin/", Protection: 1}}}}})
	for path, want := range map[string]string{"/admin": "/admin/", "/Admin": "/admin/", "/admi": "", "/administer": "", "/": ""} {
		if m, f := tab.Match(get("a.test", path)); f != nil || m.Route.Path != "" || m.Policy.Path != want {
			t.Errorf("%s: route %q policy %q fault %v", path, m.Route.Path, m.Policy.Path, f)
		}
	}
}

func TestRouteIndexes(t *testing.T) {
	tab := shop(t)
	if tab.Routes() != 7+3+1+1 {
		t.Fatalf("%d routes", tab.Routes())
	}
	for i := range tab.Routes() {
		if tab.Route(i).Index != i {
			t.Errorf("route %d has index %d", i, tab.Route(i).Index)
		}
	}
	if r := tab.Route(2); r.Path != "/api" || r.Site.Name != "hello.test" || tab.Route(4).Site.Index != 1 {
		t.Errorf("order of routes: %+v", r)
	}
}

func TestNewReportsEveryFault(t *testing.T) {
	_, err := New(Config{
		Pseudonym: "two words",
		Sites: []SiteConfig{
			{Names: []string{"a.test", "A.test.", "b.test:80", "*", "x.*.test", "ä.test", "a..b", "fe80::1", strings.Repeat("a", 64) + ".test"}},
			{Names: []string{"a.test"}, Path: "loose", Methods: []string{"TRACE"}, ForwardClientCert: []CertForm{"x"}},
			{},
			{Names: []string{"c.test"}, Default: true, ErrorPages: map[int]string{200: "page.html", 502: "missing.html"}},
			{Names: []string{"d.test"}, Default: true, Routes: []RouteConfig{{Path: "x"}, {Path: "/a//b"}, {Path: "/%2e./"}, {Path: "/a?b"}, {Path: "/ü", IgnoreCase: true}}},
		},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	var re *reason.Error
	if !errors.As(err, &re) || re.Code != reason.ConfigBadSetting {
		t.Errorf("no config.bad_setting in %v", err)
	}
	for _, want := range []string{
		"two words", `"A.test."`, `"b.test:80"`, `"*"`, `"x.*.test"`, `"ä.test"`, `"a..b"`, `"fe80::1"`, "1 to 63 characters",
		`"loose"`, `"TRACE"`, `form "x"`, "site 3: no names", "for 200", "for 502", "already", `"x" does not begin`, "empty segment", "dot segment", "without a query", "ASCII paths only",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("fault %q is missing in:\n%v", want, err)
		}
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != 22 {
		t.Errorf("%d faults, want 22:\n%v", n, err)
	}
}

func TestPseudonymsDiffer(t *testing.T) {
	a, err1 := New(Config{})
	b, err2 := New(Config{})
	if err1 != nil || err2 != nil || a.self == b.self || !strings.HasPrefix(a.self, "lunette-") {
		t.Errorf("%q %q %v %v", a.self, b.self, err1, err2)
	}
}

func TestMatchTakesNoMemory(t *testing.T) {
	tab := shop(t)
	for _, x := range []*exchange.Exchange{
		get("Hello.test:8443", "/upload/a/b.png?q=1", overTLS("hello.test"), with("Connection", "keep-alive", "Accept", "*/*", "Cookie", "a=1", "Via", "1.1 front")),
		get("a.shop.test", "/caf%C3%A9//x;y=1"),
		get("hello.test", "/", from("10.0.0.1"), with("X-Forwarded-For", "203.0.113.9, 10.2.2.2", "X-Forwarded-Proto", "https")),
	} {
		if n := testing.AllocsPerRun(100, func() {
			if _, f := tab.Match(x); f != nil {
				t.Fatal(f)
			}
		}); n != 0 {
			t.Errorf("%s%s: %v allocations", x.Request.Authority, x.Request.Target, n)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	tab := shop(t)
	done := make(chan string)
	for range 8 {
		go func() {
			bad := ""
			for range 200 {
				x := get("hello.test", "/api/x", from("10.0.0.1"), with("X-Forwarded-For", "203.0.113.9"))
				m, f := tab.Match(x)
				if f != nil || m.Route.Path != "/api" || m.Client.String() != "203.0.113.9" {
					bad = "match"
				}
				if out := tab.Outgoing(x, &m); out.Header.Get("X-Forwarded-For") != "203.0.113.9, 10.0.0.1" {
					bad = "outgoing"
				}
				if _, body := tab.ErrorAnswer(x, &m, 0, reason.TCPRefused, ""); len(body) == 0 {
					bad = "answer"
				}
			}
			done <- bad
		}()
	}
	for range 8 {
		if bad := <-done; bad != "" {
			t.Error(bad)
		}
	}
}
