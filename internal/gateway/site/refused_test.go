package site

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// TestRefusedFindsThePolicy holds that a request which is refused for its form is judged as a good one of that name and path would be, and by
// nobody where a good one would not get to the rules.
func TestRefusedFindsThePolicy(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct {
		name   string
		x      *exchange.Exchange
		site   string
		policy string // path of its route
		ok     bool
	}{
		{"a route", get("hello.test", "/api/admin"), "hello.test", "/api", true},
		{"the site", get("hello.test", "/"), "hello.test", "", true},
		{"a path of many readings", get("hello.test", "/upload/..%2fx y\x00"), "hello.test", "/api/admin", true},
		{"no path", get("hello.test", ""), "hello.test", "", true},
		{"no site", get("none.test", "/"), "", "", false},
		{"no host", get("", "/"), "", "", false},
		{"a plain request that would be redirected", get("shop.test", "/admin"), "*.shop.test", "", false},
		{"the same over TLS", get("shop.test", "/admin", overTLS("shop.test")), "*.shop.test", "/admin", true},
		{"another site's connection", get("hello.test", "/", overTLS("secret.test")), "hello.test", "", false},
		{"no certificate", get("mutual.test", "/", overTLS("mutual.test")), "mutual.test", "", false},
		{"a certificate", get("mutual.test", "/", overTLS("mutual.test"), handshake("mutual.test", true)), "mutual.test", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, ok := tab.Refused(c.x)
			if ok != c.ok || c.x.Site != c.site {
				t.Fatalf("ok %v, site %q; want %v, %q", ok, c.x.Site, c.ok, c.site)
			}
			if ok && m.Policy.Path != c.policy {
				t.Errorf("judged by %q, want %q", m.Policy.Path, c.policy)
			}
		})
	}
}

// TestFaultsForRules holds which requests that a site refuses rules still look at: those at fault themselves.
func TestFaultsForRules(t *testing.T) {
	tab := shop(t)
	for _, c := range []struct {
		name   string
		x      *exchange.Exchange
		rules  bool
		policy string
	}{
		{"method", get("hello.test", "/api/admin/x", method("TRACE")), true, "/api"},
		{"path", get("hello.test", "/a/../b"), true, "/api/admin"},
		{"query", get("hello.test", "/?a\x01"), true, ""},
		{"Connection", get("hello.test", "/api", with("Connection", "X-A", "X-A", "1")), true, "/api"},
		{"loop", get("hello.test", "/", with("Via", "1.1 lunette-test")), false, ""},
		{"no site", get("none.test", "/"), false, ""},
		{"no SNI", get("secret.test", "/", overTLS("")), false, ""},
		{"no certificate", get("mutual.test", "/../", overTLS("mutual.test")), false, ""},
		{"method on a site that redirects", get("shop.test", "/", method("TRACE")), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, f := tab.Match(c.x)
			if f == nil {
				t.Fatal("accepted")
			}
			if f.Rules != c.rules {
				t.Fatalf("for rules: %v, want %v (%v)", f.Rules, c.rules, f)
			}
			if c.rules && m.Policy.Path != c.policy {
				t.Errorf("judged by %q, want %q", m.Policy.Path, c.policy)
			}
		})
	}
}
