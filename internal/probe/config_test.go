package probe

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, tt := range []struct {
		url, origin string
		want        Target
		fault       string
	}{
		{"https://shop.example/a?b=1", "", Target{true, "shop.example", "shop.example", "/a?b=1", "shop.example", 443}, ""},
		{"shop.example", "", Target{true, "shop.example", "shop.example", "/", "shop.example", 443}, ""},
		{"http://Shop.Example:8080", "", Target{false, "shop.example", "Shop.Example:8080", "/", "shop.example", 8080}, ""},
		{"https://shop.example/", "10.0.0.1", Target{true, "shop.example", "shop.example", "/", "10.0.0.1", 443}, ""},
		{"https://shop.example:444/", "10.0.0.1:8443", Target{true, "shop.example", "shop.example:444", "/", "10.0.0.1", 8443}, ""},
		{"https://shop.example/", "[::1]:8443", Target{true, "shop.example", "shop.example", "/", "::1", 8443}, ""},
		{"https://shop.example/", "::1", Target{true, "shop.example", "shop.example", "/", "::1", 443}, ""},
		{"https://[::1]:8443/", "", Target{true, "::1", "[::1]:8443", "/", "::1", 8443}, ""},
		{"ftp://shop.example/", "", Target{}, `read url "ftp://shop.example/": scheme must be https or http`},
		{"https://", "", Target{}, `read url "https://": no host`},
		{"https://u:p@shop.example/", "", Target{}, `read url "https://u:p@shop.example/": no user or password here: use --header`},
		{"https://shop.example:0/", "", Target{}, `read url "https://shop.example:0/": port must be 1 to 65535`},
		{"https://bücher.example/", "", Target{}, `read url "https://bücher.example/": host must be in ASCII; write other names as xn--…`},
		{"https://shop.example/", "10.0.0.1:x", Target{}, `read address "10.0.0.1:x": port must be 1 to 65535`},
		{"https://shop.example/", "http://x", Target{}, `read address "http://x": port must be 1 to 65535`},
		{"https://shop.example/", "a b", Target{}, `read address "a b": want host, or host:port`},
	} {
		got, err := ParseTarget(tt.url, tt.origin)
		if text := textOf(err); text != tt.fault || err == nil && got != tt.want {
			t.Errorf("%s at %q: %+v, %q, want %+v, %q", tt.url, tt.origin, got, text, tt.want, tt.fault)
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestNotAgainstOthers holds that an address that may be somebody else's is refused before anything is sent.
func TestNotAgainstOthers(t *testing.T) {
	for _, tt := range []struct {
		url, origin string
		vouched     bool
		refused     bool
	}{
		{"https://localhost/", "203.0.113.5", false, true},
		{"https://localhost/", "203.0.113.5", true, false},
		{"https://203.0.113.5/", "", false, false},
		{"https://localhost/", "10.1.2.3", false, false},
		{"https://localhost/", "100.64.0.9", false, false},
		{"https://localhost/", "[::1]:443", false, false},
		{"https://203.0.113.5/", "203.0.113.6", false, true},
	} {
		target, err := ParseTarget(tt.url, tt.origin)
		if err != nil {
			t.Fatal(err)
		}
		c := climb{cfg: Config{Target: target, Vouched: tt.vouched}.filled(), ctx: t.Context()}
		if err := c.allowed(); errors.Is(err, ErrNotVouched) != tt.refused {
			t.Errorf("%s at %q, vouched %v: %v, want refused %v", tt.url, tt.origin, tt.vouched, err, tt.refused)
		}
	}
	for _, a := range []string{"169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::", "255.255.255.255"} {
		c := climb{}
		if c.permitted(netip.MustParseAddr(a)) == nil {
			t.Errorf("%s is permitted", a)
		}
		if c.cfg.Vouched = true; c.permitted(netip.MustParseAddr(a)) != nil {
			t.Errorf("%s is refused though vouched for", a)
		}
	}
}

func TestFollow(t *testing.T) {
	target, err := ParseTarget("https://shop.example:8443/a/b", "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	c := climb{cfg: Config{Target: target}}
	for _, tt := range []struct{ location, want, why string }{
		{"/login?x=1", "/login?x=1", ""},
		{"c", "/a/c", ""},
		{"https://SHOP.example:8443/x", "/x", ""},
		{"https://shop.example/x", "", "it is another port of this host, which clients must be able to reach"},
		{"http://shop.example:8443/x", "", "it is another scheme or port"},
		{"https://other.example:8443/x", "", "it is another host"},
		{"//other.example/x", "", "it is another host"},
		{"://", "", "it cannot be read"},
	} {
		if got, why := c.follow("/a/b", tt.location); got != tt.want || why != tt.why {
			t.Errorf("%s: %q, %q, want %q, %q", tt.location, got, why, tt.want, tt.why)
		}
	}
}

func TestYAML(t *testing.T) {
	all := Settings{URL: "https://10.0.0.1:8443", Host: "shop.example", Resolvers: []string{"10.0.0.53:53"}, Profile: "legacy", MaxVersion: "1.2", Groups: []string{"P-256"},
		CA: "ca.pem", Verify: "chain", HTTP: "1.1", InsecureReneg: true, Certificate: true, CertFile: "c.pem", KeyFile: "k.pem"}
	const want = `- names: [shop.example]
  origin:
    urls: ["https://10.0.0.1:8443"]
    host: "shop.example"
    http: "1.1"
    resolver: ["10.0.0.53:53"]
    tls:
      profile: legacy
      max_version: "1.2"
      groups: [P-256]
      ca: "ca.pem"
      verify: chain
      insecure_renegotiation: true
      client_certificate: {file: "c.pem", key: "k.pem"}
`
	if got := all.YAML("shop.example"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if all.Unknown = "no"; all.YAML("shop.example") != "" {
		t.Error("settings that are not known are written")
	}
}

// TestUsual: a field of the caller's stands in place of the doctor's own.
func TestUsual(t *testing.T) {
	got := usual([][2]string{{"user-agent", "curl/8.5.0"}, {"Cookie", "a=b"}})
	want := [][2]string{{"Accept", "*/*"}, {"user-agent", "curl/8.5.0"}, {"Cookie", "a=b"}}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := usual(nil); len(got) != 2 || got[0][1] != agent {
		t.Errorf("%q", got)
	}
}

// TestYAMLNames: a name that is none does not become two.
func TestYAMLNames(t *testing.T) {
	s := Settings{URL: "http://127.0.0.1:80"}
	if got := s.YAML("a,evil.example", "shop.test"); !strings.HasPrefix(got, `- names: ["a,evil.example", shop.test]`) {
		t.Error(got)
	}
}
