package incident

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Report is report.md: a ticket to whoever looks after the origin and has never heard of Lunette. It holds no visitor's data but the masked
// URL, and no secret.
func (d *Document) Report() string {
	var b strings.Builder
	n := &d.Incident
	fmt.Fprintf(&b, "# Requests for %s fail at %s\n\n", md(n.Site), md(n.Origin))
	fmt.Fprintf(&b, "You get this because you look after the server at %s. A gateway (a reverse proxy: it takes visitors' requests for %s and passes\n", md(n.Origin), md(n.Site))
	b.WriteString("them on to your server) records the connections that fail. Below is what it saw, what that means, and what mends it.\n\n")
	d.reportShort(&b)
	d.reportCure(&b)
	d.reportTimes(&b)
	d.reportWire(&b)
	d.reportMends(&b)
	d.reportFine(&b)
	d.reportWords(&b)
	fmt.Fprintf(&b, "## About this report\n\nWritten by Lunette %s, the program that recorded it; incident %s", md(d.Program), md(n.ID))
	switch {
	case d.Sample.Request == "":
	case d.arrived():
		fmt.Fprintf(&b, ", request %s (your server got that number in the header X-Request-Id)", md(d.Sample.Request))
	default:
		fmt.Fprintf(&b, ", request %s (it did not get as far as your server: look for the connection in its logs, not for this number)", md(d.Sample.Request))
	}
	b.WriteString(".\nTimes are UTC. Passwords, cookies and other secrets of visitors are masked.")
	if d.packets {
		b.WriteString(" The file flow.pcapng beside it, if it was sent along, holds the packets;\nWireshark opens it.")
	}
	if d.packets && d.Sample.Request != "" {
		b.WriteString(" The gateway records what connections carry, not the network's\npackets: what was said, and when, is real; the packets' headers (MAC addresses, sequence numbers, window, MSS, acknowledgements) are\nmade up around it, and will differ from those of a capture of yours.")
	}
	b.WriteByte('\n')
	return b.String()
}

func (d *Document) reportShort(b *strings.Builder) {
	n := &d.Incident
	b.WriteString("## In short\n\n")
	if d.Finding == nil {
		means, look := Meaning(reason.Code(d.Sample.Reason), d.Sample.Stall, d.Sample.Detail)
		fmt.Fprintf(b, "%s What lies behind it could not be told from the recording.", md(sentence(means)))
		if look != "" {
			b.WriteString(" Look first at this: " + md(look))
		}
		b.WriteString("\n\n")
		return
	}
	said := WithoutQueries(d.Finding.Summary)
	fmt.Fprintf(b, "%s. %s\n\n", md(sentence(d.Finding.Title)), md(said))
	if strings.Contains(said, "client") || strings.Contains(said, "Lunette") {
		b.WriteString("\"The client\", here and below, is the gateway, which connects to your server; Lunette is the program that it runs. Visitors are called visitors.\n\n")
	}
	if n.Proven != "" {
		return // which is surer than all that follows
	}
	switch d.Finding.Confidence {
	case finding.Certain:
		b.WriteString("This is certain: " + d.rests() + " prove it.\n\n")
		return
	case finding.Likely:
		b.WriteString("This is likely: it fits what was recorded best.")
	default:
		b.WriteString("This is possible: it fits what was recorded, and so do other causes.")
	}
	if d.Finding.Settle != "" {
		b.WriteString(" What would make it certain: " + md(WithoutQueries(d.Finding.Settle)))
	}
	b.WriteString("\n\n")
}

// rests is what a certain conclusion is drawn from.
func (d *Document) rests() string {
	switch {
	case !d.packets:
		return "what was observed, listed below,"
	case d.Sample.Request != "":
		return "the recorded bytes and their times"
	}
	return "the captured packets"
}

// arrived reports whether the request, or some of it, was sent.
func (d *Document) arrived() bool {
	return d.shows(fact.RequestSent) || d.shows(fact.RequestHead) || d.shows(fact.RequestDone)
}

// reportCure tells what a trial demonstrated, which is a setting of the gateway and asks nothing of who reads it.
func (d *Document) reportCure(b *strings.Builder) {
	n := &d.Incident
	if n.Proven == "" {
		return
	}
	b.WriteString("## What cures it: demonstrated\n\nThe gateway repeated the request aside, with one thing changed at a time.\n")
	fmt.Fprintf(b, "%s\n\n", md(WithoutQueries(n.Proven)))
	if n.Cure != "" {
		b.WriteString("**The cure is on the gateway's side: you need not change anything for it.** Whoever runs the gateway sets, for this site:\n")
		code(b, n.Cure)
		if warning := CureWarning(n.Cure); warning != "" {
			b.WriteString(md(sentence(warning)) + "\n\n")
		}
	}
}

func (d *Document) reportTimes(b *strings.Builder) {
	n := &d.Incident
	b.WriteString("## When, and how often\n\n")
	fmt.Fprintf(b, "- first seen %s, last seen %s\n", stamp(n.Opened), stamp(n.Last))
	fmt.Fprintf(b, "- %s\n", plural(n.Count, "failed request or connection", "failed requests or connections"))
	if n.Reopened > 0 {
		fmt.Fprintf(b, "- it was gone and came back %s\n", plural(int64(n.Reopened), "time", "times"))
	}
	if n.ResolvedAt != nil {
		fmt.Fprintf(b, "- over since %s\n", stamp(*n.ResolvedAt))
	}
	if d.Sample.URL != "" {
		fmt.Fprintf(b, "- the request shown below: %s %s, at %s", md(d.Sample.Method), md(WithoutQueries(d.Sample.URL)), stamp(d.Sample.At))
		if d.Sample.Status > 0 {
			fmt.Fprintf(b, "; the visitor got an error page with status %d", d.Sample.Status)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// reportMends says what to change, on the server first.
func (d *Document) reportMends(b *strings.Builder) {
	if d.Finding == nil {
		return
	}
	var server, gateway []finding.Mend
	for _, m := range d.Finding.Mends {
		if m.On == finding.Lunette {
			gateway = append(gateway, m)
		} else {
			server = append(server, m)
		}
	}
	cured := d.Incident.Cure != ""
	switch {
	case cured: // nothing is asked of the server's side
		server, gateway = server[:min(1, len(server))], nil
		if len(server) > 0 {
			b.WriteString("## If you would rather change it on your side\n\nThen the gateway needs no setting of its own. For example:\n\n")
		}
	case len(server) > 0:
		b.WriteString("## How to mend it on your side\n\nTake what fits the software that you run; one of them is enough.\n\n")
	}
	for _, m := range server {
		fmt.Fprintf(b, "- **%s**: %s\n", md(string(m.On)), md(m.Do))
		code(b, m.Lines)
	}
	if cured {
		fmt.Fprintf(b, "\nWhat else may be done, for other software: the manual page of %s.\n", md(string(d.Finding.Code)))
	}
	if len(gateway) > 0 {
		b.WriteString("\n## What the gateway's side can do\n\n")
	}
	for _, m := range gateway {
		fmt.Fprintf(b, "- %s\n", md(m.Do))
		code(b, m.Lines)
	}
	b.WriteByte('\n')
}

// reportFine says what worked, so that nobody looks there.
func (d *Document) reportFine(b *strings.Builder) {
	var fine []string
	for _, x := range []struct {
		kind fact.Kind
		text string
	}{
		{fact.DNSAnswer, "The name of your server was found in DNS (the directory of names)."},
		{fact.TCPConnected, "The network way to your server works: the connection was opened."},
		{fact.TLSHandshakeDone, "Encryption was agreed on: the first TLS handshake was completed."},
		{fact.RequestDone, "The gateway sent its request whole."},
		{fact.ResponseHead, "Your server did answer on this connection."},
	} {
		if d.shows(x.kind) {
			fine = append(fine, x.text)
		}
	}
	if !d.shows(fact.ClientLeft) && d.Sample.Request != "" {
		fine = append(fine, "The visitor did not go away before the failure.")
	}
	if len(fine) == 0 {
		return
	}
	b.WriteString("## What was not at fault\n\n")
	for _, text := range fine {
		b.WriteString("- " + text + "\n")
	}
	b.WriteByte('\n')
}

// reportWords explains the words of the trade that the report uses.
func (d *Document) reportWords(b *strings.Builder) {
	written := strings.ToLower(b.String())
	b.WriteString("## Words\n\n")
	for _, w := range [...][2]string{
		{"TLS", "encryption of a connection, what makes http into https; formerly called SSL"},
		{"handshake", "the first messages of an encrypted connection, by which both ends agree on keys"},
		{"HelloRequest", "a message by which a server asks, within an encrypted connection, for another handshake"},
		{"renegotiation", "another handshake within an encrypted connection, mostly to ask for a client certificate"},
		{"client certificate", "a certificate by which the one who connects shows who it is, as the server does with its own"},
		{"alert", "a message of TLS by which one end says what it does not like, or that it ends"},
		{"SNI", "the name of the site, sent at the beginning of a handshake so that a server with many sites picks the right certificate"},
		{"ALPN", "the part of a handshake that agrees on HTTP/1.1 or HTTP/2"},
		{"reset", "one end broke the connection off (TCP RST) instead of closing it in order"},
		{"cipher suite", "the set of algorithms that encrypt a connection"},
		{"keep-alive", "a connection is used for further requests"},
		{"status", "the number that an answer begins with: 200 is good, 502 and 504 are a gateway's way to say that the server behind it failed"},
	} {
		if strings.Contains(written, strings.TrimSuffix(strings.ToLower(w[0]), "ion")) {
			fmt.Fprintf(b, "- **%s**: %s\n", w[0], w[1])
		}
	}
	b.WriteByte('\n')
}

func sentence(text string) string {
	if text == "" {
		return ""
	}
	r := []rune(text)
	return string(unicode.ToUpper(r[0])) + string(r[1:])
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func plural(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// proven are the texts of the finding's proof.
func (d *Document) proven() []finding.Proof {
	if d.Finding == nil {
		return nil
	}
	return slices.Clone(finding.OnceEach(d.Finding.Proof))
}
