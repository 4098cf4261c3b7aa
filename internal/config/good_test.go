package config

import (
	"crypto/tls"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// load parses a file of testdata that must have no fault.
func load(t *testing.T, name string) (*Config, string) {
	t.Helper()
	dir := testFiles(t)
	data, err := os.ReadFile("testdata/" + name)
	must(t, err)
	cfg, faults := Parse(name, dir, data, testNow)
	if len(faults) > 0 {
		t.Fatalf("faults in %s:\n%s", name, faults)
	}
	return cfg, dir
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	opts := cmp.Options{
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == "._" }, cmp.Ignore()),
	}
	if diff := cmp.Diff(want, got, opts); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// The keys that the issue states, with the values and defaults that it states.
func TestIssueExample(t *testing.T) {
	c, dir := load(t, "issue.yaml")
	in := func(name string) string { return filepath.Join(dir, name) }
	equal(t, "listen", []any{c.Listen[0].Address, c.Listen[0].TLS, c.Listen[1].Address, c.Listen[1].TLS},
		[]any{"127.0.0.1:8443", true, "127.0.0.1:8080", false})
	equal(t, "admin", c.Admin, Admin{Address: "127.0.0.1:9180"})
	equal(t, "log", c.AccessLog, AccessLog{File: in("access.jsonl"), Format: "json", OnError: "open"})
	equal(t, "trusted", c.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	s := c.Sites[0]
	equal(t, "names", s.Names, []string{"hello.test.domain", "*.shop.test"})
	equal(t, "certificate", s.Certificates, []Certificate{{File: in("hello.crt"), Key: in("hello.key")}})
	equal(t, "redirect, pages", []any{s.RedirectHTTPS, s.ErrorPages}, []any{true, map[int]string{502: in("pages/502.html")}})
	equal(t, "origin", []any{s.Origin.URLs, s.Origin.Host, s.Origin.HTTP, s.Origin.Balance},
		[]any{[]string{"https://10.0.0.227:8443"}, "hello.test.domain", "auto", "round_robin"})
	equal(t, "tls", s.Origin.TLS, OriginTLS{
		ServerName: "hello.test.domain", CA: in("origin-ca.pem"), Verify: "full",
		MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13, Profile: "modern", Groups: []string{"X25519", "P-256"},
		Renegotiation: "auto", ClientCertificate: &Certificate{File: in("waf.crt"), Key: in("waf.key")},
	})
	equal(t, "health", []any{s.Origin.Health.Path, s.Origin.Health.Interval}, []any{"/healthz", 10 * time.Second})
	equal(t, "waf", []any{s.WAF.Mode, s.WAF.Paranoia, s.WAF.Rules}, []any{"block", 1, []string{in("custom.conf")}})
	r := s.Routes[0]
	equal(t, "route", []any{r.Path, r.Limits.Body, r.WAF.Mode, r.WAF.Rules, r.Origin.URLs},
		[]any{"/upload/", int64(1 << 30), "detect", s.WAF.Rules, s.Origin.URLs})
	equal(t, "files", c.Files(), []string{in("custom.conf"), in("hello.crt"), in("hello.key"), in("origin-ca.pem"),
		in("pages/502.html"), in("waf.crt"), in("waf.key")})
}

func TestDefaults(t *testing.T) {
	c, _ := load(t, "minimal.yaml")
	s := c.Sites[0]
	equal(t, "timeouts", s.Origin.Timeouts, Timeouts{
		DNS: 5 * time.Second, Connect: 5 * time.Second, TLS: 10 * time.Second,
		Write: time.Minute, FirstByte: time.Minute, ReadIdle: time.Minute,
		KeepaliveIdle: 4 * time.Second, Total: 0,
	})
	equal(t, "tls", s.Origin.TLS, OriginTLS{Verify: "full", MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13,
		Profile: "modern", Renegotiation: "auto"})
	equal(t, "waf", s.WAF, WAF{Mode: "block", CoreRules: true, Paranoia: 1, InboundThreshold: 5, OutboundThreshold: 4,
		BodyLimit: 10 << 20, Arguments: 3000, Leaves: 10000, Depth: 256, WorkLimit: 1 << 30, OnLimit: "refuse", ResponseLimit: 512 << 10, TimeLimit: 5 * time.Second, OnError: "closed"})
	equal(t, "health", s.Origin.Health.Status, StatusRange{200, 399})
	equal(t, "the rest", []any{c.AccessLog.File, c.Log.Level, c.Admin.Address, s.Path, s.Origin.Host, s.Limits.Body, c.DrainTimeout},
		[]any{"stdout", "info", "", "strict", "", int64(10 << 20), 30 * time.Second})
}

func TestInheritance(t *testing.T) {
	c, dir := load(t, "inherit.yaml")
	s := c.Sites[0]
	equal(t, "trusted senders", c.Listen[0].ProxyProtocol.Trusted, c.TrustedProxies)
	equal(t, "token", c.Admin.Token, "0123456789abcdef0123456789abcdef")
	equal(t, "urls", s.Origin.URLs, []string{"https://10.0.0.1", "https://10.0.0.2:8443"})
	equal(t, "resolver", s.Origin.Resolver, []netip.AddrPort{netip.MustParseAddrPort("10.0.0.53:53"), netip.MustParseAddrPort("[2001:db8::53]:5353")})
	equal(t, "status", s.Origin.Health.Status, StatusRange{204, 204})

	old := s.Origin
	old.TLS.Profile, old.TLS.MinVersion, old.Timeouts.DNS = "legacy", tls.VersionTLS10, time.Second
	equal(t, "route /old", s.Routes[0].Origin, old)

	slow := s.Origin
	slow.Timeouts.FirstByte = 0
	equal(t, "route /slow", s.Routes[1].Origin, slow)
	equal(t, "limits of /slow", s.Routes[1].Limits, Limits{Body: 0})

	other := s.Origin
	other.URLs = []string{"https://10.0.0.9"}
	equal(t, "route /other", s.Routes[2].Origin, other)
	equal(t, "exclusions of /other", len(s.Routes[2].WAF.Exclusions), 0)
	equal(t, "exclusions of the site", s.WAF.Exclusions, []Exclusion{{Rule: 942100, Target: "ARGS:q", Path: "/search"}})

	b := c.Sites[1]
	equal(t, "merged site", []any{b.Names, b.Default, b.WAF.Mode, b.WAF.Paranoia, len(b.Routes)},
		[]any{[]string{"[2001:db8::1]", "b.test"}, false, "off", 1, 0})
	equal(t, "merged origin", b.Origin, s.Origin)
	equal(t, "token watched", slices.Contains(c.Files(), filepath.Join(dir, "token")), true)
}

func TestExampleIsGood(t *testing.T) {
	cfg, faults := Parse("example.yaml", testFiles(t), []byte(Example()), testNow)
	if cfg == nil || len(faults) > 0 {
		t.Fatalf("faults:\n%s", faults)
	}
}

func TestLoad(t *testing.T) {
	dir := testFiles(t)
	put(t, dir, "lunette.yaml", []byte("listen: [{address: \":8080\"}]\nsites: [{names: [a.test], origin: {urls: [\"http://10.0.0.1\"]}, waf: {rules: [custom.conf]}}]\n"))
	path := filepath.Join(dir, "lunette.yaml")
	cfg, faults := Load(path)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	equal(t, "files", cfg.Files(), []string{path, filepath.Join(dir, "custom.conf")})
	for name, want := range map[string]string{"absent.yaml": "no such file", "pages": "no regular file"} {
		if cfg, faults := Load(filepath.Join(dir, name)); cfg != nil || len(faults) != 1 || !strings.Contains(faults[0].Message, want) {
			t.Errorf("%s: %v", name, faults)
		}
	}
	if _, faults := Load(filepath.Join(dir, "absent.yaml")); !strings.Contains(faults[0].Hint, "check --example") {
		t.Errorf("the hint for a file that is not there: %q", faults[0].Hint)
	}
}

func TestFaultsAsJSON(t *testing.T) {
	_, faults := Parse("x.yaml", t.TempDir(), []byte("listen: []\nsites: []\nsities: 1\n"), testNow)
	out, err := json.Marshal(faults)
	must(t, err)
	var back []map[string]any
	must(t, json.Unmarshal(out, &back))
	equal(t, "how many", len(back), 3)
	equal(t, "third", back[2], map[string]any{"severity": "error", "file": "x.yaml", "line": 3.0, "column": 1.0, "width": 6.0,
		"message": `unknown key "sities"`, "hint": `did you mean "sites"?`, "source": "sities: 1"})
	errors, warnings := faults.Count()
	equal(t, "count", []int{errors, warnings}, []int{3, 0})
}

// No spelling of a broken file may show a secret.
func TestSecretsStayMasked(t *testing.T) {
	const secret = "s3cr3t-s3cr3t-s3cr3t"
	for _, text := range []string{
		"admin: {address: \"0.0.0.0:1\", token: " + secret + ", x: 1}\n",
		"admin:\n  token: \"" + secret + "\" # " + secret + "\n  x: [\n",
		"admin:\n  token: |\n    " + secret + "\n    x\n  bad: 1\n",
		"admin: {token: &t " + secret + "}\nlog: {level: *t}\n",
		"admin: {tokne: 1, token: [" + secret + "]}\n",
		"sites: [{origin: {urls: [\"https://u:" + secret + "@h\"]}}]\n",
	} {
		_, faults := Parse("x.yaml", t.TempDir(), []byte(text), testNow)
		if len(faults) == 0 {
			t.Errorf("no fault in %q", text)
		}
		out, err := json.Marshal(faults)
		must(t, err)
		if strings.Contains(faults.String(), secret) || strings.Contains(string(out), secret) {
			t.Errorf("%q shows its secret:\n%s", text, faults)
		}
	}
}
