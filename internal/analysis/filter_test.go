package analysis

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// parseFilter reads terms parted by commas and spaces.
func parseFilter(text string) (f Filter, err error) {
	for _, term := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		err = errors.Join(err, f.Add(term, func(s string) (time.Time, error) { return ParseTime(s, time.UTC) }))
	}
	return f, err
}

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
		"addr=192.0.2.1:443":           {Addrs: prefix("192.0.2.1/32"), Ports: []uint16{443}},
		"[2001:db8::1]:443":            {Addrs: prefix("2001:db8::1/128"), Ports: []uint16{443}},
		"host=a sni=b port=1 addr=::1": {Hosts: []string{"a", "b"}, Ports: []uint16{1}, Addrs: prefix("::1/128")},
		"from=2026-11-22T10:00:00Z":    {From: at("2026-11-22T10:00:00Z")},
		"to=2026-11-22T10:00":          {To: at("2026-11-22T10:00:00Z")},
		"after=2026-11-22":             {From: at("2026-11-22T00:00:00Z")},
		"before=2026-11-22":            {To: at("2026-11-22T00:00:00Z")},
		"from=2026-11-22":              {From: at("2026-11-22T00:00:00Z")},
	}
	for text, want := range good {
		if got, err := parseFilter(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"port=0", "port=70000", "99999", "color=red", "addr=nobody", "addr=192.0.2.1:0", "addr=192.0.2.1:99999", "addr=", "http://a/", "from=yesterday", "192.0.2.1/40", "a*b", "host="} {
		if got, err := parseFilter(text); err == nil {
			t.Errorf("%q is taken for %+v", text, got)
		} else if strings.Contains(err.Error(), "netip") || strings.Contains(err.Error(), "Parse") {
			t.Errorf("%q: %v", text, err)
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

// Flows keep their numbers whatever the filter leaves.
func TestFilterKeepsNumbers(t *testing.T) {
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	all := analyse(t, c.Path, Config{})
	numbers := map[uint64]int{}
	for i, f := range all.Flows {
		if numbers[f.ID] = f.Number; f.Number != i+1 {
			t.Errorf("flow %d of the whole has number %d", i+1, f.Number)
		}
	}
	last := all.Flows[len(all.Flows)-1]
	for name, filter := range map[string]Filter{
		"port":    {Ports: []uint16{last.Client.Port()}},
		"network": {Addrs: []netip.Prefix{netip.PrefixFrom(last.Client.Addr(), last.Client.Addr().BitLen())}, Ports: []uint16{last.Client.Port()}},
		"from":    {From: last.End.Time()},
	} {
		for _, workers := range []int{1, 3} {
			got := analyse(t, c.Path, Config{Filter: filter, Workers: workers})
			if len(got.Flows) == 0 || len(got.Flows) > len(all.Flows) || got.Connections != all.Connections {
				t.Errorf("%s: %d flows of %d connections, there are %d", name, len(got.Flows), got.Connections, all.Connections)
			}
			for _, f := range got.Flows {
				if f.Number != numbers[f.ID] {
					t.Errorf("%s: flow %d is now %d", name, numbers[f.ID], f.Number)
				}
			}
		}
	}
}

func TestCensus(t *testing.T) {
	flows := []*flow.Flow{{ID: 2}, {ID: 9}, {ID: 40}, {ID: 50}}
	a, b := census{most: 3}, census{most: 3}
	for _, id := range []uint64{2, 5, 9, 30, 40} {
		a.add(id)
	}
	b.add(7)
	b.add(50)
	var sum census
	sum.merge(&a)
	sum.merge(&b)
	sum.number(flows)
	var got []int
	for _, f := range flows {
		got = append(got, f.Number)
	}
	if want := []int{1, 4, 5, 6}; !reflect.DeepEqual(got, want) { // 30 and later are not remembered
		t.Errorf("numbered %d, want %d", got, want)
	}
}
