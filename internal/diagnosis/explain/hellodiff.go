package explain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// helloDifferences sets what the sides offered and chose in their first handshake against one another.
func (c *comparison) helloDifferences() []difference {
	var out []difference
	add := func(what, normal, abnormal string) {
		if normal != abnormal {
			out = append(out, difference{what, orNone(normal), orNone(abnormal)})
		}
	}
	n, a := firstHello(c.normal.flow), firstHello(c.abnormal.flow)
	if n.client != nil && a.client != nil {
		x, y := n.client, a.client
		add("client: versions", clean(offered(x)), clean(offered(y)))
		add("client: SNI", clean(x.ServerName), clean(y.ServerName))
		add("client: ALPN", clean(strings.Join(x.ALPN, ", ")), clean(strings.Join(y.ALPN, ", ")))
		add("client: cipher suites", listed(suiteNames(x.Suites), suiteNames(y.Suites)), listed(suiteNames(y.Suites), suiteNames(x.Suites)))
		add("client: groups", listed(x.Groups, y.Groups), listed(y.Groups, x.Groups))
		add("client: extensions", listed(x.Extensions, y.Extensions), listed(y.Extensions, x.Extensions))
		add("client: extended master secret", yes(x.ExtendedMasterSecret), yes(y.ExtendedMasterSecret))
		add("client: secure renegotiation", yes(x.SecureRenegotiation), yes(y.SecureRenegotiation))
	}
	if n.server != nil && a.server != nil {
		x, y := n.server, a.server
		add("server: version", clean(x.Version), clean(y.Version))
		add("server: cipher suite", suiteName(clean(x.Suite)), suiteName(clean(y.Suite)))
		add("server: group", clean(x.Group), clean(y.Group))
		add("server: extensions", listed(x.Extensions, y.Extensions), listed(y.Extensions, x.Extensions))
	}
	add("server: certificate", n.leaf, a.leaf)
	return out
}

// hello is the first handshake of a flow.
type hello struct {
	client *fact.ClientHello
	server *fact.ServerHello
	leaf   string
}

func firstHello(f *flow.Flow) (h hello) {
	for i := range f.Facts {
		switch d := f.Facts[i].Detail.(type) {
		case *fact.ClientHello:
			if h.client == nil {
				h.client = d
			}
		case *fact.ServerHello:
			if h.server == nil && f.Facts[i].Kind == fact.TLSServerHello {
				h.server = d
			}
		case *fact.Certificates:
			if h.leaf == "" && f.Facts[i].Side == fact.SideServer && len(d.Chain) > 0 {
				l := &d.Chain[0]
				h.leaf = clean(joined(", ", l.Subject, "until "+l.NotAfter.UTC().Format("2006-01-02"), "serial "+cut(l.Serial, 16)))
			}
		}
	}
	return h
}

func offered(h *fact.ClientHello) string {
	if len(h.Versions) > 0 {
		return versionsOffered(h.Versions)
	}
	return h.Version
}

// listed says how a list differs from another: what it alone has, else only how many there are and that their order differs.
func listed(list, other []string) string {
	if slices.Equal(list, other) {
		return ""
	}
	var alone []string
	for _, s := range list {
		if !slices.Contains(other, s) && s != "GREASE" {
			alone = append(alone, clean(s))
		}
	}
	text := strconv.Itoa(len(list))
	switch {
	case len(alone) > 0:
		return text + ", only here " + few(alone, 4)
	case len(list) == len(other):
		return text + ", in another order"
	}
	return text
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func suiteNames(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = suiteName(s)
	}
	return out
}
