package explain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// difference is one thing that is not the same in two flows.
type difference struct {
	What     string `json:"what"`
	Normal   string `json:"normal"`
	Abnormal string `json:"abnormal"`
}

// firstDifference puts the first difference that matters into words; ok is false when there is none.
func (c *comparison) firstDifference() (d difference, ok bool) {
	if c.first < 0 {
		return d, false
	}
	a, b := -1, -1 // the rows before it
	for _, p := range c.lines[:c.first] {
		if p.a >= 0 {
			a = p.a
		}
		if p.b >= 0 {
			b = p.b
		}
	}
	d.What = "at the start"
	if b >= 0 {
		r := &c.normal.rows[b]
		d.What = "after " + r.name + " (normal at " + seconds(r.at-c.normal.flow.Start.At) + ", abnormal at " +
			seconds(c.abnormal.rows[a].at-c.abnormal.flow.Start.At) + ")"
	}
	d.Normal, d.Abnormal = c.normal.next(b), c.abnormal.next(a)
	return d, true
}

// next says what a flow did after its row i.
func (t *told) next(i int) string {
	before := t.flow.Start.At
	spoke := fact.SideNone
	if i >= 0 {
		before, spoke = t.rows[i].at, t.rows[i].side
	}
	if i+1 >= len(t.rows) {
		return "nothing more"
	}
	r := &t.rows[i+1]
	if r.kind == fact.Silence {
		text := "the " + r.side.String() + " says nothing for " + span(r.length)
		if i+2 < len(t.rows) {
			then := &t.rows[i+2]
			text += ", then " + when(then.side != r.side, "the "+then.side.String()+" ") + "sends " + then.words()
		}
		return text
	}
	verb := " sends "
	if spoke != fact.SideNone && spoke != r.side {
		verb = " answers with "
	}
	if r.form == note {
		return r.words()
	}
	return "the " + r.side.String() + verb + r.words() + " after " + span(r.at-before)
}

func (r *row) words() string {
	switch r.kind {
	case fact.Silence:
		return span(r.length) + " of silence"
	case fact.TLSClientHello, fact.TLSHelloRequest, fact.TLSCertificateRequest:
		return r.name
	case fact.TLSAlert, fact.TLSServerHello, fact.TLSCertificate, fact.HTTPCutShort, fact.TLSBadRecord, fact.TLSNotTLS:
		return joined(", ", r.name, r.more)
	}
	return r.name
}

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
				h.leaf = clean(joined(", ", l.Subject, "serial "+l.Serial))
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

// measures are what differs from run to run and seldom matters by itself.
func (c *comparison) measures() []difference {
	var out []difference
	n, a := c.normal.flow, c.abnormal.flow
	add := func(what, normal, abnormal string) {
		if normal != abnormal {
			out = append(out, difference{what, normal, abnormal})
		}
	}
	add("duration", span(n.End.At-n.Start.At), span(a.End.At-a.Start.At))
	add("round trip", span(n.RTT), span(a.RTT))
	add("bytes of the client", volume(n.Bytes[1]), volume(a.Bytes[1]))
	add("bytes of the server", volume(n.Bytes[2]), volume(a.Bytes[2]))
	for _, k := range []fact.Kind{fact.TCPRetransmission, fact.TCPOutOfOrder, fact.TCPGap, fact.TCPZeroWindow, fact.TLSNewSessionTicket, fact.TLSKeyUpdate} {
		add(strings.ReplaceAll(k.String(), "_", " "), grouped(countOf(n, k)), grouped(countOf(a, k)))
	}
	add("exchanges", strconv.Itoa(len(n.Exchanges)), strconv.Itoa(len(a.Exchanges)))
	return out
}

// countOf is how many of a kind there are, runs counted by their length.
func countOf(f *flow.Flow, k fact.Kind) int64 {
	n := int64(0)
	for i := range f.Facts {
		if x := &f.Facts[i]; x.Kind == k {
			n++
			if k == fact.TCPRetransmission || k == fact.TCPOutOfOrder {
				n += int64(max(x.Code-1, 0))
			}
		}
	}
	return n
}

func suiteNames(all []string) []string {
	out := make([]string, len(all))
	for i, s := range all {
		out[i] = suiteName(s)
	}
	return out
}
