package explain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// head writes the header of a flow.
func (t *texter) head(number int, f *flow.Flow) {
	name := clean(hostOf(f))
	if f.Tunnel != "" {
		name = joined(" ", name, "(through CONNECT "+clean(f.Tunnel)+")")
	}
	title := joined("   ", "Flow "+strconv.Itoa(number), f.Client.String()+" → "+f.Server.String(), name)
	t.line(sgrBold, cut(title, t.o.Width))
	t.about(usual, joined(" · ", protocols(f)...))
	if f.Purpose != "" {
		t.about(usual, "made by lunette doctor: "+clean(f.Purpose)+when(f.Variant, ", a variant, which is no failure whatever came of it"))
	}
	if text, l := decrypted(f); text != "" {
		t.about(l, text)
	}
	t.about(routine, t.measure(f))
	if parts := losses(f); len(parts) > 0 {
		t.about(warn, strings.Join(parts, ", "))
	}
}

// hostOf is the name that the client asked for.
func hostOf(f *flow.Flow) string {
	if f.TLS != nil && f.TLS.ServerName != "" {
		return f.TLS.ServerName
	}
	for _, x := range f.Exchanges {
		if h := x.Request.Head; h != nil && h.Authority != "" && h.Authority != f.Server.String() {
			return h.Authority
		}
	}
	return ""
}

// about writes a line below the header, broken where it is too long.
func (t *texter) about(l level, text string) {
	for _, line := range wrapped(text, t.o.Width-2) {
		t.line(t.style.of(l), "  "+line)
	}
}

// protocols are what the flow speaks, from below.
func protocols(f *flow.Flow) []string {
	var out []string
	switch i := f.TLS; {
	case i != nil:
		out = append(out, tlsVersion(i), suiteOf(i.Suite))
		if i.FirstSuite != i.Suite && i.FirstSuite != 0 {
			out = append(out, "first "+suiteOf(i.FirstSuite))
		}
		if i.Resumed != "" {
			out = append(out, "resumed by "+resumedBy(i.Resumed))
		}
		if i.ALPN != "" {
			out = append(out, "ALPN "+clean(i.ALPN))
		}
	case f.Protocol == flow.ProtocolHTTP:
		out = append(out, "in clear")
	case f.Protocol == flow.ProtocolUnknown && cutPackets(f):
		out = append(out, "payload not captured whole: capture with tcpdump -s 0, or pktmon --pkt-size 0")
	case f.Protocol == flow.ProtocolUnknown:
		out = append(out, "neither TLS nor HTTP")
	case f.Protocol == "" && cutPackets(f):
		out = append(out, "payload not captured: capture with tcpdump -s 0, or pktmon --pkt-size 0")
	case f.Protocol == "":
		out = append(out, "TCP without data")
	}
	return append(out, clean(f.HTTP)+when(fromMiddle(f), "from its middle: HTTP not read"))
}

func tlsVersion(i *decrypt.Info) string {
	if i.Version == 0 {
		return "TLS without a ServerHello"
	}
	return tlswire.VersionName(i.Version)
}

func resumedBy(how string) string {
	switch how {
	case "session_id":
		return "session id"
	case "psk":
		return "PSK"
	}
	return clean(how)
}

// decrypted says with what a flow was decrypted, or why not and what to do.
func decrypted(f *flow.Flow) (string, level) {
	i := f.TLS
	switch {
	case i == nil:
		return "", usual
	case i.Why == decrypt.WhyNot:
		return joined(" ", "decrypted", sourceText(i.Source)), usual
	case i.Why == decrypt.WhyNoHandshake:
		return clean(i.Why.Text()), routine
	case i.Decrypted > 0:
		return "decrypted in part " + joined(": ", sourceText(i.Source), clean(i.Why.Text())), warn
	}
	return "not decrypted: " + clean(i.Why.Text()), warn
}

// measure sums up how much there was and when.
func (t *texter) measure(f *flow.Flow) string {
	round := ""
	if f.RTT > 0 {
		round = "round trip " + span(f.RTT)
	}
	start := f.Start.Time().In(t.o.Location).Format(clockLayout)
	return joined(", ", several(f.Packets[1]+f.Packets[2], "packet"), "client "+volume(f.Bytes[1]), "server "+volume(f.Bytes[2]),
		round, span(f.End.At-f.Start.At)+" from "+start)
}

// cutPackets reports whether the capture has only the first bytes of packets.
func cutPackets(f *flow.Flow) bool {
	return slices.ContainsFunc(f.Facts, func(x fact.Fact) bool { return x.Kind == fact.TCPGap && x.Text == "cut" })
}
