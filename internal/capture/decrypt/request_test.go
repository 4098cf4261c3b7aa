package decrypt

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// reactions are what index.tsv says of a HelloRequest, as Info.Answer says it.
func reaction(c captures.Capture) string {
	switch {
	case strings.HasPrefix(c.Answer, "ClientHello"):
		return "complied"
	case strings.HasPrefix(c.Answer, "alert"):
		return "refused"
	case strings.HasPrefix(c.Answer, "none"):
		return "ignored"
	}
	return ""
}

// A HelloRequest and what the client did are seen without any key as with it.
func TestHelloRequests(t *testing.T) {
	for _, c := range captures.All(t) {
		stores := map[string]bool{"none": false}
		if c.KeyLog != "" || c.DSB {
			stores["log"] = false
		}
		if c.RSA {
			stores["key"] = true
		}
		for name, key := range stores {
			t.Run(c.Name+"/"+name, func(t *testing.T) {
				st := storeOf(t, c, key)
				if name == "none" {
					st = nil
				}
				convs := conversationsOf(t, c)
				if len(convs) == 0 {
					return
				}
				s, l := play(convs[0], st)
				first := ""
				for _, f := range l.facts {
					if f.Kind == fact.TLSHelloRequestAnswer && first == "" {
						first = f.Text
					}
				}
				if want := reaction(c); first != want {
					t.Errorf("%d requests, answer %q, want %q", s.Info().HelloRequests, first, want)
				}
				if n := l.count(fact.TLSHelloRequestAnswer); n != l.count(fact.TLSHelloRequest) {
					t.Errorf("%d answers", n)
				}
				for _, f := range l.facts {
					if f.Kind == fact.TLSHelloRequest && (f.Text == "") == (name == "none" || closed[c.Name+"/"+name] != WhyNot && c.Name != "client_node_optional_nocert") {
						t.Errorf("text %q", f.Text)
					}
				}
				if t.Failed() {
					l.dump(t)
				}
			})
		}
	}
}
