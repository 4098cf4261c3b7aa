package cli

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/finding"
)

// TestWatchMends holds that who watches another proxy is told that proxy's settings, and Lunette's never.
func TestWatchMends(t *testing.T) {
	iis := finding.Mend{On: finding.IIS, Do: "a"}
	nginx := finding.Mend{On: finding.Nginx, Do: "b"}
	for _, r := range []struct{ lines, want string }{
		{"origin:\n  timeouts:\n    first_byte: 3m", "proxy_read_timeout 180s;"},
		{"origin:\n  timeouts: {first_byte: 20s}  # as long as the work", "proxy_read_timeout 20s;"},
		{"origin:\n  timeouts: {connect: 5s, first_byte: 20s}", ""},
		{"origin:\n  tls:\n    max_version: \"1.2\"", "proxy_ssl_protocols TLSv1.2;"},
		{"origin:\n  http: \"1.1\"\n  tls: {renegotiation: auto, max_version: \"1.2\"}", ""},
		{"origin:\n  timeouts: {keepalive_idle: 4s}", "keepalive_timeout 4s;"},
		{"origin:\n  tls:\n    groups: [X25519, P-256]", "Groups X25519:P-256;"},
		{"origin:\n  host: \"shop.test\"\n  tls:\n    server_name: \"shop.test\"", "proxy_ssl_name shop.test;\nHAProxy   server … sni str(shop.test)\nApache    ProxyPreserveHost On  (sends the name that the visitor asked for)\nnginx     proxy_set_header Host shop.test;"},
		{"origin:\n  timeouts: {first_byte: soon}", ""},
		{"origin:\n  tls:\n    verify: none", ""},
		{"", ""},
	} {
		got := watchMends([]finding.Mend{iis, {On: finding.Lunette, Do: "x", Lines: r.lines}, nginx})
		if r.want == "" {
			if len(got) != 2 || got[0] != iis || got[1] != nginx {
				t.Errorf("%q: %+v", r.lines, got)
			}
			continue
		}
		if len(got) != 3 || got[0] != iis || got[1].On != watchedProxy || !strings.Contains(got[1].Lines, r.want) || got[2] != nginx {
			t.Errorf("%q: %+v", r.lines, got)
		}
	}
	named := 0
	for _, k := range diagnosis.Checks() {
		for _, m := range watchMends(k.Mends) {
			if m.On == finding.Lunette || m.On == watchedProxy && (strings.Contains(m.Lines, "VALUE") || strings.Contains(m.Lines, "SECONDS")) {
				t.Errorf("%s: %+v", k.Code, m)
			}
			if m.On == watchedProxy {
				named++
			}
		}
	}
	if named < 10 {
		t.Errorf("%d causes have a mend at the proxy", named)
	}
}
