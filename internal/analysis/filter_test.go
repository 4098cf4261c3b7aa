package analysis

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

func TestParseFilter(t *testing.T) {
	at := func(s string) time.Time {
		out, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	prefix := func(s ...string) (out []netip.Prefix) {
		for _, one := range s {
			out = append(out, netip.MustParsePrefix(one))
		}
		return out
	}
	good := map[string]Filter{
		"":                             {},
		"WWW.example.org.":             {Hosts: []string{"www.example.org"}},
		"*.example.org,example.org":    {Hosts: []string{"*.example.org", "example.org"}},
		"443 8443":                     {Ports: []uint16{443, 8443}},
		"192.0.2.1":                    {Addrs: prefix("192.0.2.1/32")},
		"192.0.2.7/24, 2001:db8::1":    {Addrs: prefix("192.0.2.0/24", "2001:db8::1/128")},
		"192.0.2.1:443":                {Addrs: prefix("192.0.2.1/32"), Ports: []uint16{443}},
		"[2001:db8::1]:443":            {Addrs: prefix("2001:db8::1/128"), Ports: []uint16{443}},
		"host=a sni=b port=1 addr=::1": {Hosts: []string{"a", "b"}, Ports: []uint16{1}, Addrs: prefix("::1/128")},
		"from=2026-11-22T10:00:00Z":    {From: at("2026-11-22T10:00:00Z")},
		"to=2026-11-22T10:00":          {To: at("2026-11-22T10:00:00Z")},
		"from=2026-11-22":              {From: at("2026-11-22T00:00:00Z")},
	}
	for text, want := range good {
		if got, err := ParseFilter(text, time.UTC); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"port=0", "port=70000", "99999", "color=red", "addr=nobody", "http://a/", "from=yesterday", "192.0.2.1/40", "a*b", "host="} {
		if got, err := ParseFilter(text, time.UTC); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

func TestFilterWants(t *testing.T) {
	second := func(n int64) time.Time { return time.Unix(n, 0) }
	asked := &httptimeline.Exchange{Request: httptimeline.Message{Head: &fact.HTTPHead{Authority: "inner.example.org:8080"}}}
	f := &flow.Flow{Client: netip.MustParseAddrPort("192.0.2.1:40000"), Server: netip.MustParseAddrPort("[2001:db8::1]:443"),
		Start: fact.Stamp{At: 100e9}, End: fact.Stamp{At: 200e9}, Tunnel: "proxied.example.net:443",
		TLS: &decrypt.Info{ServerName: "www.Example.org"}, Exchanges: []*httptimeline.Exchange{asked}}
	tests := map[string]struct {
		filter Filter
		want   bool
	}{
		"all":                {Filter{}, true},
		"server's port":      {Filter{Ports: []uint16{1, 443}}, true},
		"client's port":      {Filter{Ports: []uint16{40000}}, true},
		"another port":       {Filter{Ports: []uint16{80}}, false},
		"client's network":   {Filter{Addrs: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, true},
		"server's network":   {Filter{Addrs: []netip.Prefix{netip.MustParsePrefix("2001:db8::/32")}}, true},
		"another network":    {Filter{Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, false},
		"SNI":                {Filter{Hosts: []string{"www.example.org"}}, true},
		"names below":        {Filter{Hosts: []string{"*.example.org"}}, true},
		"not the name above": {Filter{Hosts: []string{"*.www.example.org"}}, false},
		"Host":               {Filter{Hosts: []string{"inner.example.org"}}, true},
		"CONNECT":            {Filter{Hosts: []string{"proxied.example.net"}}, true},
		"another host":       {Filter{Hosts: []string{"example.com"}}, false},
		"before":             {Filter{To: second(99)}, false},
		"after":              {Filter{From: second(201)}, false},
		"within":             {Filter{From: second(150), To: second(160)}, true},
		"host but not port":  {Filter{Hosts: []string{"www.example.org"}, Ports: []uint16{80}}, false},
	}
	for name, tt := range tests {
		if got := tt.filter.wants(f); got != tt.want {
			t.Errorf("%s: wanted %t", name, got)
		}
	}
}
