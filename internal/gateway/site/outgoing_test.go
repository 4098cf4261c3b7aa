package site

import (
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/httpwire"
)

// send matches x and returns what goes to the origin.
func send(t *testing.T, tab *Table, x *exchange.Exchange) exchange.Request {
	t.Helper()
	m, f := tab.Match(x)
	if f != nil {
		t.Fatalf("match: %v", f)
	}
	before := x.Request.Header.Clone()
	out := tab.Outgoing(x, &m)
	if !slices.Equal(before, x.Request.Header) {
		t.Errorf("the request as received was changed to %v", x.Request.Header)
	}
	if len(out.Header) == 0 || out.Header[0].Name != "Host" || out.Header.Count("Host") != 1 {
		t.Errorf("Host is not the first field, once: %v", out.Header)
	}
	return out
}

func TestOutgoingWhole(t *testing.T) {
	out := send(t, shop(t), get("Hello.test:8443", "/a?b", overTLS("hello.test"), with("Cookie", "a=1", "X-Forwarded-For", "1.2.3.4", "Connection", "keep-alive")))
	want := exchange.Header{
		{Name: "Host", Value: "Hello.test:8443"},
		{Name: "User-Agent", Value: "test"},
		{Name: "Cookie", Value: "a=1"},
		{Name: "X-Forwarded-For", Value: "192.0.2.7"},
		{Name: "X-Forwarded-Proto", Value: "https"},
		{Name: "X-Forwarded-Host", Value: "Hello.test:8443"},
		{Name: "X-Forwarded-Port", Value: "8443"},
		{Name: "Forwarded", Value: `for=192.0.2.7;host="Hello.test:8443";proto=https`},
		{Name: "Via", Value: "1.1 lunette-test"},
		{Name: "X-Request-Id", Value: "01JD0000000000000000000000"},
	}
	if d := cmp.Diff(want, out.Header); d != "" {
		t.Error(d)
	}
}

// TestForgedFields sends each field from outside and from a trusted proxy.
func TestForgedFields(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct {
		name             string
		outside, trusted bool // whether it reaches the origin
	}{
		{"Accept", true, true}, {"Authorization", true, true}, {"Cookie", true, true}, {"X-Custom", true, true}, {"X_Custom", true, true},
		{"X-Api-Key", true, true}, {"Range", true, true}, {"Origin", true, true}, {"Sec-WebSocket-Key", true, true}, {"Max-Forwards", true, true},
		{"X-Real-IP", false, true}, {"x-forwarded-server", false, true}, {"X-Forwarded-Proto", false, true}, {"X-Forwarded-Anything-Else", false, true},
		{"X-Forwarded-" + strings.Repeat("A", 60), false, true},
		{"Client-Cert", false, true}, {"Client-Cert-Chain", false, true}, {"X-ARR-ClientCert", false, true}, {"X-ARR-SSL", false, true},
		{"X-ARR-LOG-ID", false, true}, {"MS-ASPNETCORE-CLIENTCERT", false, true}, {"X-Client-Cert", false, true}, {"X-Client-Certificate", false, true},
		{"X-SSL-Client-Verify", false, true}, {"X-SSL-Client-S-DN", false, true}, {"SSL-Client-Cert", false, true},
		{"X-Original-URL", false, true}, {"X-Rewrite-URL", false, true}, {"X-Original-For", false, true}, {"True-Client-IP", false, true},
		{"CF-Connecting-IP", false, true}, {"Front-End-Https", false, true}, {"Remote-User", false, true},
		{"Proxy", false, false}, {"Proxy-Status", false, false}, {"Proxy-Authorization", false, false}, {"MS-ASPNETCORE-TOKEN", false, false},
		{"MS-ASPNETCORE-WINAUTHTOKEN", false, false}, {"X-Accel-Mapping", false, false},
		{"Keep-Alive", false, false}, {"Proxy-Connection", false, false}, {"Upgrade", false, false}, {"HTTP2-Settings", false, false},
		{"Expect", false, false}, {"Content-Length", false, false}, {"Transfer-Encoding", false, false}, {"Connection", false, false}, {"Trailer", false, false},
		// What reads the same to an origin that takes every odd character for a hyphen.
		{"X_Real_IP", false, false}, {"X_Forwarded_Proto", false, false}, {"X.Forwarded.Proto", false, false}, {"X_Forwarded-For", false, false},
		{"Client_Cert", false, false}, {"X_ARR_ClientCert", false, false}, {"X_Original_URL", false, false}, {"Content_Length", false, false},
		{"Transfer_Encoding", false, false}, {"Content_Type", false, false}, {"User.Agent", false, false}, {"X_Request_Id", false, false},
		{"X-HTTP_Method_Override", false, false},
	} {
		for trusted, want := range map[bool]bool{false: c.outside, true: c.trusted} {
			x := get("hello.test", "/", with(c.name, "close"))
			if trusted {
				from("10.9.9.9")(x)
			}
			out := send(t, tab, x)
			got := false
			for _, f := range out.Header {
				got = got || f.Name == c.name && f.Value == "close"
			}
			if got != want {
				t.Errorf("%s, trusted %v: passed %v, want %v", c.name, trusted, got, want)
			}
			if _, err := httpwire.AppendRequest(nil, &out); err != nil {
				t.Errorf("%s: not serialisable: %v", c.name, err)
			}
		}
	}
}

func TestLookAlikesOfFieldsThatAreThere(t *testing.T) {
	out := send(t, shop(t), get("hello.test", "/", with("X_User", "forged", "X-User", "alice", "x.user", "forged", "X_Alone", "1", "X_Alone", "2", "X-Usher", "x")))
	var got []string
	for _, f := range out.Header {
		if strings.HasPrefix(strings.ToLower(f.Name), "x_") || strings.HasPrefix(strings.ToLower(f.Name), "x-us") || strings.HasPrefix(f.Name, "x.") {
			got = append(got, f.Name+"="+f.Value)
		}
	}
	if want := []string{"X-User=alice", "X_Alone=1", "X_Alone=2", "X-Usher=x"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestClientAddress(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct {
		name, peer string
		fields     []string
		client     string
		xff, fwd   string // as sent, fwd without ;host and ;proto
	}{
		{"direct", "192.0.2.7", nil, "192.0.2.7", "192.0.2.7", "for=192.0.2.7"},
		{"direct, IPv6", "2001:db8:9::7", nil, "2001:db8:9::7", "2001:db8:9::7", `for="[2001:db8:9::7]"`},
		{"IPv4 in IPv6", "::ffff:192.0.2.7", nil, "192.0.2.7", "192.0.2.7", "for=192.0.2.7"},
		{"with a zone", "fe80::1%eth0", nil, "fe80::1%eth0", "fe80::1", `for="[fe80::1]"`},
		{"forged", "192.0.2.7", []string{"X-Forwarded-For", "10.0.0.1", "Forwarded", "for=10.0.0.1"}, "192.0.2.7", "192.0.2.7", "for=192.0.2.7"},
		{"proxy without a chain", "10.0.0.1", nil, "10.0.0.1", "10.0.0.1", "for=10.0.0.1"},
		{"one proxy", "10.0.0.1", []string{"X-Forwarded-For", "203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1", "for=203.0.113.9, for=10.0.0.1"},
		{"IPv4 in IPv6 proxy", "::ffff:10.0.0.1", []string{"X-Forwarded-For", "203.0.113.9"}, "203.0.113.9", "203.0.113.9, 10.0.0.1", "for=203.0.113.9, for=10.0.0.1"},
		{"two proxies, a forged entry before", "10.0.0.1", []string{"X-Forwarded-For", "127.0.0.1, 203.0.113.9", "x-forwarded-for", "10.0.0.2"}, "203.0.113.9", "127.0.0.1, 203.0.113.9, 10.0.0.2, 10.0.0.1", "for=127.0.0.1, for=203.0.113.9, for=10.0.0.2, for=10.0.0.1"},
		{"all trusted", "10.0.0.1", []string{"X-Forwarded-For", "10.0.0.3,10.0.0.2"}, "10.0.0.3", "10.0.0.3,10.0.0.2, 10.0.0.1", "for=10.0.0.3, for=10.0.0.2, for=10.0.0.1"},
		{"no address", "10.0.0.1", []string{"X-Forwarded-For", "203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2", "203.0.113.9, unknown, 10.0.0.2, 10.0.0.1", "for=203.0.113.9, for=unknown, for=10.0.0.2, for=10.0.0.1"},
		{"ports and brackets", "10.0.0.1", []string{"X-Forwarded-For", "[2001:db8:7::9]:1234"}, "2001:db8:7::9", "[2001:db8:7::9]:1234, 10.0.0.1", `for="[2001:db8:7::9]", for=10.0.0.1`},
		{"port", "10.0.0.1", []string{"X-Forwarded-For", "203.0.113.9:555"}, "203.0.113.9", "203.0.113.9:555, 10.0.0.1", "for=203.0.113.9, for=10.0.0.1"},
		{"Forwarded alone", "2001:db8:1::1", []string{"Forwarded", `for=203.0.113.9;proto=https, For="[2001:db8:1::2]:80";by="a,b;for=1.1.1.1"`}, "203.0.113.9", "203.0.113.9, 2001:db8:1::2, 2001:db8:1::1", `for=203.0.113.9;proto=https, For="[2001:db8:1::2]:80";by="a,b;for=1.1.1.1", for="[2001:db8:1::1]"`},
		{"Forwarded, obfuscated", "10.0.0.1", []string{"Forwarded", "for=_hidden"}, "10.0.0.1", "unknown, 10.0.0.1", "for=_hidden, for=10.0.0.1"},
		{"both", "10.0.0.1", []string{"X-Forwarded-For", "203.0.113.9", "Forwarded", "for=203.0.113.8"}, "203.0.113.9", "203.0.113.9, 10.0.0.1", "for=203.0.113.8, for=10.0.0.1"},
		{"injection", "10.0.0.1", []string{"X-Forwarded-For", `203.0.113.9";host=evil`}, "10.0.0.1", `203.0.113.9";host=evil, 10.0.0.1`, "for=unknown, for=10.0.0.1"},
	} {
		x := get("hello.test", "/", from(c.peer), with(c.fields...))
		m, f := tab.Match(x)
		if f != nil || m.Client.String() != c.client {
			t.Errorf("%s: client %v, want %s (%v)", c.name, m.Client, c.client, f)
			continue
		}
		out := tab.Outgoing(x, &m)
		if got := out.Header.Get("X-Forwarded-For"); got != c.xff || out.Header.Count("X-Forwarded-For") != 1 {
			t.Errorf("%s: X-Forwarded-For %q, want %q", c.name, got, c.xff)
		}
		if got := out.Header.Get("Forwarded"); got != c.fwd+";host=hello.test;proto=http" || out.Header.Count("Forwarded") != 1 {
			t.Errorf("%s: Forwarded %q, want %q", c.name, got, c.fwd)
		}
	}
}

// TestTrustIsInTheHTTPPeer: behind a PROXY protocol balancer the client speaks HTTP to us, however trusted the balancer is.
func TestTrustIsInTheHTTPPeer(t *testing.T) {
	x := get("hello.test", "/", with("X-Forwarded-For", "127.0.0.1"))
	x.Client.Peer = netip.MustParseAddrPort("10.0.0.1:999")
	m, f := shop(t).Match(x)
	if f != nil || m.Trusted || m.Client.String() != "192.0.2.7" {
		t.Errorf("trusted %v, client %v, fault %v", m.Trusted, m.Client, f)
	}
}

func TestForwardedOfTrustedProxyStays(t *testing.T) {
	tab := shop(t)
	x := get("hello.test", "/", from("10.0.0.1"), with("X-Forwarded-Proto", "https", "X-Forwarded-Host", "public.test", "X-Forwarded-Port", "444", "X-Request-Id", "theirs"))
	m, _ := tab.Match(x)
	if m.Scheme != "https" || !m.Trusted {
		t.Errorf("scheme %s trusted %v", m.Scheme, m.Trusted)
	}
	out := send(t, tab, x)
	for name, want := range map[string]string{
		"X-Forwarded-Proto": "https", "X-Forwarded-Host": "public.test", "X-Forwarded-Port": "444", "X-Request-Id": x.ID,
	} {
		if got := out.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for proto, want := range map[string]string{"http, https": "https", "https,http": "http", "wss": "https", "gopher": "http", "": "http"} {
		m, _ := tab.Match(get("hello.test", "/", from("10.0.0.1"), with("X-Forwarded-Proto", proto)))
		if m.Scheme != want {
			t.Errorf("X-Forwarded-Proto %q: scheme %s, want %s", proto, m.Scheme, want)
		}
	}
}

func TestOutgoingRequest(t *testing.T) {
	tab := table(t, Config{Sites: []SiteConfig{
		{Names: []string{"*.b.test", "a.test"}, Root: RouteConfig{OriginHost: "inner.test"}, Routes: []RouteConfig{{Path: "/x"}}},
	}})
	x := get("a.test", "/?q", with("TE", "deflate, trailers;q=1", "Te", "trailers", "Trailer", "Digest", "Expect", "100-continue"))
	x.Request.Expect, x.Request.Close, x.Request.Length = true, true, exchange.Chunked
	out := send(t, tab, x)
	if out.Authority != "inner.test" || out.Header.Get("Host") != "inner.test" || out.Header.Get("X-Forwarded-Host") != "a.test" {
		t.Errorf("authority %q, header %v", out.Authority, out.Header)
	}
	if out.Expect || out.Close || out.Target != "/?q" || !slices.Equal(out.Header.Values("TE"), []string{"trailers"}) || out.Header.Get("Trailer") != "Digest" {
		t.Errorf("%+v", out)
	}
	x = get("a.test", "/x", with("TE", "gzip"))
	x.Request.Target = "http://a.test/x"
	if out = send(t, tab, x); out.Target != "/x" || out.Authority != "a.test" || out.Header.Has("TE") {
		t.Errorf("%+v", out)
	}
	x = get("a.test", "*", method("OPTIONS"))
	x.Request.Target = "http://a.test"
	if out = send(t, tab, x); out.Target != "*" || out.Path != "*" {
		t.Errorf("%+v", out)
	}
	x = get("a.test", "/x", func(x *exchange.Exchange) { x.Request.Proto = exchange.HTTP2 }, with("Cookie", "a=1", "X", "y", "cookie", "b=2"))
	if out = send(t, tab, x); !slices.Equal(out.Header.Values("Cookie"), []string{"a=1; b=2"}) || out.Header.Get("Via") != "2.0 lunette-test" {
		t.Errorf("%+v", out)
	}
	if x.Request.Header.Get("Cookie") != "a=1" {
		t.Errorf("the received cookie was changed: %v", x.Request.Header)
	}
}

func TestViaSettings(t *testing.T) {
	for via, want := range map[Via][3]bool{ViaRequest: {true, false, false}, ViaBoth: {true, false, true}, ViaNone: {false, true, false}} {
		tab := table(t, Config{Via: via, Sites: []SiteConfig{{Names: []string{"a.test"}}}})
		out := send(t, tab, get("a.test", "/", with("Via", "1.0 front", "CDN-Loop", "front")))
		r := exchange.Response{Proto: exchange.HTTP11}
		tab.Incoming(&r)
		got := [3]bool{
			slices.Contains(out.Header.Values("Via"), "1.1 lunette-test"), slices.Contains(out.Header.Values("CDN-Loop"), "lunette-test"), r.Header.Get("Via") == "1.1 lunette-test",
		}
		if got != want || out.Header.Get("Via") != "1.0 front" || out.Header.Get("CDN-Loop") != "front" {
			t.Errorf("via %d: %v, want %v", via, got, want)
		}
	}
	// What one gateway sends, the same gateway refuses.
	for _, via := range []Via{ViaRequest, ViaNone} {
		tab := table(t, Config{Via: via, Sites: []SiteConfig{{Names: []string{"a.test"}}}})
		x := get("a.test", "/")
		x.Request = send(t, tab, x)
		if _, f := tab.Match(x); f == nil || f.Status != 508 {
			t.Errorf("via %d: its own request came back and was taken: %v", via, f)
		}
	}
}

func TestClientCertificate(t *testing.T) {
	chain := []*x509.Certificate{{Raw: []byte("leaf")}, {Raw: []byte("intermediate")}, {Raw: []byte("root")}, {Raw: make([]byte, maxChain)}}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	forms := []CertForm{CertRFC9440, CertRFC9440Chain, CertARR, CertASPNETCore}
	tab := table(t, Config{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Sites:          []SiteConfig{{Names: []string{"a.test"}, ForwardClientCert: forms}, {Names: []string{"b.test"}}, {Names: []string{"c.test"}, ForwardClientCert: forms, ForwardUnverified: true}},
	})
	names := []string{"Client-Cert", "Client-Cert-Chain", "X-ARR-ClientCert", "MS-ASPNETCORE-CLIENTCERT"}
	ours := []string{":" + b64("leaf") + ":", ":" + b64("intermediate") + ":, :" + b64("root") + ":", b64("leaf"), b64("leaf")}
	for _, c := range []struct {
		name, host, peer string
		tls              *exchange.ClientTLS
		want             []string
	}{
		{"verified", "a.test", "192.0.2.1", &exchange.ClientTLS{Chain: chain, Verified: true}, ours},
		{"verified, over a trusted proxy", "a.test", "10.0.0.1", &exchange.ClientTLS{Chain: chain, Verified: true}, ours},
		{"not asked for", "b.test", "192.0.2.1", &exchange.ClientTLS{Chain: chain, Verified: true}, nil},
		{"unverified", "a.test", "192.0.2.1", &exchange.ClientTLS{Chain: chain}, nil},
		{"unverified, wanted", "c.test", "192.0.2.1", &exchange.ClientTLS{Chain: chain}, ours},
		{"none", "a.test", "192.0.2.1", &exchange.ClientTLS{}, nil},
		{"none, proxy says one", "a.test", "10.0.0.1", &exchange.ClientTLS{}, []string{"forged", "forged", "forged", "forged"}},
		{"plain", "a.test", "192.0.2.1", nil, nil},
	} {
		x := get(c.host, "/", from(c.peer), with("Client-Cert", "forged", "Client-Cert-Chain", "forged", "x-arr-clientcert", "forged", "ms-aspnetcore-clientcert", "forged"))
		x.Client.TLS = c.tls
		out := send(t, tab, x)
		var got []string
		for _, n := range names {
			got = append(got, out.Header.Values(n)...)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRedirect(t *testing.T) {
	tab := table(t, Config{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Sites: []SiteConfig{
			{Names: []string{"*.a.test", "a.test"}, RedirectHTTPS: true, Default: true, Path: Lenient},
			{Names: []string{"b.test"}, RedirectHTTPS: true, RedirectPort: 8443},
			{Names: []string{"*.c.test"}, RedirectHTTPS: true},
			{Names: []string{"d.test"}},
		},
	})
	for _, c := range []struct {
		x        *exchange.Exchange
		status   int
		location string
	}{
		{get("A.test:8080", "/x?y=%20"), 301, "https://a.test/x?y=%20"},
		{get("w.a.test.", "/", method("HEAD")), 301, "https://w.a.test/"},
		{get("a.test", "/", method("POST")), 308, "https://a.test/"},
		{get("b.test:80", "/"), 301, "https://b.test:8443/"},
		{get("evil.test", "/"), 301, "https://a.test/"},
		{get("", "/"), 301, "https://a.test/"},
		{get("x.c.test", "/"), 301, "https://x.c.test/"},
		{get("a.test", "//evil.test/"), 301, "https://a.test//evil.test/"},
		{get("a.test", "/ä<\"\\?|"), 301, "https://a.test/%C3%A4%3C%22%5C?%7C"},
		{get("a.test", "*", method("OPTIONS")), 308, "https://a.test/"},
		{get("d.test", "/"), 0, ""},
		{get("a.test", "/", overTLS("a.test")), 0, ""},
		{get("a.test", "/", from("10.0.0.1"), with("X-Forwarded-Proto", "https")), 0, ""},
		{get("a.test", "/", with("X-Forwarded-Proto", "https")), 301, "https://a.test/"},
	} {
		m, f := tab.Match(c.x)
		if f != nil {
			t.Fatal(f)
		}
		r := tab.Redirect(c.x, &m)
		if r == nil {
			if c.status != 0 {
				t.Errorf("%s: no redirect", c.x.Request.Target)
			}
			continue
		}
		if r.Status != c.status || r.Header.Get("Location") != c.location || r.Header.Get("Proxy-Status") == "" {
			t.Errorf("%s %s: %d %v, want %d %s", c.x.Request.Authority, c.x.Request.Target, r.Status, r.Header, c.status, c.location)
		}
	}
}

func TestIncoming(t *testing.T) {
	tab := shop(t)
	r := exchange.Response{Status: 200, Proto: exchange.HTTP11, Header: exchange.Header{
		{Name: "Server", Value: "IIS"}, {Name: "Connection", Value: "close, Set-Cookie"}, {Name: "Keep-Alive", Value: "5"}, {Name: "Set-Cookie", Value: "a=1"},
		{Name: "Transfer-Encoding", Value: "chunked"}, {Name: "Proxy-Connection", Value: "x"}, {Name: "Upgrade", Value: "h2"}, {Name: "Proxy-Status", Value: "inner"},
		{Name: "Proxy-Authenticate", Value: "Basic"}, {Name: "Content-Length", Value: "5"}, {Name: "Trailer", Value: "Digest"},
	}}
	tab.Incoming(&r)
	want := exchange.Header{{Name: "Server", Value: "IIS"}, {Name: "Set-Cookie", Value: "a=1"}, {Name: "Proxy-Status", Value: "inner"}, {Name: "Content-Length", Value: "5"}, {Name: "Trailer", Value: "Digest"}}
	if d := cmp.Diff(want, r.Header); d != "" {
		t.Error(d)
	}
	for status, keeps := range map[int]bool{101: true, 426: true, 200: false} {
		r := exchange.Response{Status: status, Header: exchange.Header{{Name: "Upgrade", Value: "websocket"}}}
		if tab.Incoming(&r); r.Header.Has("Upgrade") != keeps {
			t.Errorf("%d: Upgrade kept %v", status, !keeps)
		}
	}
}

func TestTrailer(t *testing.T) {
	in := exchange.Header{
		{Name: "Digest", Value: "1"}, {Name: "Grpc-Status", Value: "0"}, {Name: "X-Forwarded-For", Value: "1.1.1.1"}, {Name: "X_Forwarded_For", Value: "1.1.1.1"},
		{Name: "Authorization", Value: "x"}, {Name: "Content-Length", Value: "1"}, {Name: "Host", Value: "x"}, {Name: "Cookie", Value: "x"}, {Name: "Set-Cookie", Value: "x"},
		{Name: "Client-Cert", Value: "x"}, {Name: "X-Request-Id", Value: "x"}, {Name: "Transfer-Encoding", Value: "chunked"},
	}
	if d := cmp.Diff(exchange.Header{{Name: "Digest", Value: "1"}, {Name: "Grpc-Status", Value: "0"}}, Trailer(in)); d != "" {
		t.Error(d)
	}
	if Trailer(nil) != nil {
		t.Error("something from nothing")
	}
}

// FuzzChain holds the walk along the proxy chain against a plain one, and what we send against the serialiser.
func FuzzChain(f *testing.F) {
	f.Add("203.0.113.9, 10.0.0.2", "for=203.0.113.9;proto=https, for=\"[2001:db8:1::2]\"", "Connection", "close")
	f.Add("", `For="[2001:db8:7::9]:80";by="a,b\"", for=_x`, "X_Forwarded_For", "1.1.1.1")
	f.Add("unknown,,10.0.0.3", "", "TE", "trailers")
	f.Add("[2001:db8::1]:1, 10.1.1.1:80", "=;,", "Via", "1.1 lunette-test")
	tab := shop(f)
	f.Fuzz(func(t *testing.T, xff, fwd, name, value string) {
		for _, v := range []string{xff, fwd, value} {
			if !httpwire.ValidFieldValue(v) {
				return
			}
		}
		if !httpwire.IsToken(name) || exchange.EqualFold(name, "X-Forwarded-For") || exchange.EqualFold(name, "Forwarded") {
			return
		}
		x := get("hello.test", "/", from("10.0.0.1"), with("X-Forwarded-For", xff, name, value))
		if fwd != "" {
			with("Forwarded", fwd)(x)
		}
		m, fault := tab.Match(x)
		if fault != nil {
			return
		}
		want := netip.MustParseAddr("10.0.0.1")
		for _, node := range slices.Backward(strings.Split(xff, ",")) {
			next, ok := parseNode(strings.Trim(node, " \t"))
			if !ok || !tab.isTrusted(want) {
				break
			}
			want = next
		}
		if m.Client != want && strings.Count(xff, ",") < maxHops {
			t.Fatalf("client %v of %q, want %v", m.Client, xff, want)
		}
		out := tab.Outgoing(x, &m)
		if _, err := httpwire.AppendRequest(nil, &out); err != nil {
			t.Fatalf("what we would send: %v in %v", err, out.Header)
		}
		if fwd == "" && xff != "" {
			if nodes := forwardedNodes(out.Header); len(nodes) != strings.Count(xff, ",")+2 {
				t.Fatalf("%d nodes in Forwarded %q made from %q", len(nodes), out.Header.Get("Forwarded"), xff)
			}
		}
	})
}

func BenchmarkMatchAndOutgoing(b *testing.B) {
	tab := shop(b)
	x := get("hello.test", "/upload/x.png?a=1", overTLS("hello.test"), with("Accept", "text/html,*/*;q=0.8", "Accept-Encoding", "gzip, br",
		"Accept-Language", "en", "Cookie", "session=1234567890", "Connection", "keep-alive", "Referer", "https://hello.test/", "Sec-Fetch-Mode", "navigate"))
	b.ReportAllocs()
	for b.Loop() {
		m, f := tab.Match(x)
		if f != nil {
			b.Fatal(f)
		}
		tab.Outgoing(x, &m)
	}
}

func TestOutgoingMemory(t *testing.T) {
	tab := shop(t)
	x := get("hello.test", "/upload/x", with("Accept", "*/*", "Cookie", "a=1", "Accept-Encoding", "gzip"))
	m, _ := tab.Match(x)
	if n := testing.AllocsPerRun(100, func() { tab.Outgoing(x, &m) }); n > 2 {
		t.Errorf("%v allocations, want the header list and the string about the client", n)
	}
}
