package incident

import (
	"fmt"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

const mostRungs = 40

// reportWire tells what crossed the wire, line by line in words.
func (d *Document) reportWire(b *strings.Builder) {
	conn := uint64(0)
	if d.Finding != nil {
		conn = d.Finding.Conn
	}
	var lines []string
	var start time.Time
	left := 0
	for i := range d.Facts {
		s := &d.Facts[i]
		text := rung(s)
		if text == "" || conn != 0 && s.Conn != 0 && s.Conn != conn {
			continue
		}
		if start.IsZero() {
			start = s.At
		}
		if len(lines) == mostRungs {
			left++
			continue
		}
		lines = append(lines, fmt.Sprintf("%10s s  %s", finding.After(s.At.Sub(start).Nanoseconds()), WithoutQueries(text)))
	}
	proofs := d.proven()
	if len(lines) == 0 && len(proofs) == 0 {
		return
	}
	b.WriteString("## What was seen on the connection\n\n")
	if len(lines) > 0 {
		b.WriteString("Seconds from the first line on; \"gateway\" is the proxy, \"server\" is yours.\n\n")
		for _, line := range lines {
			b.WriteString("    " + clean(line) + "\n")
		}
		if left > 0 {
			fmt.Fprintf(b, "    (and %s)\n", plural(int64(left), "more line", "more lines"))
		}
		b.WriteByte('\n')
	}
	if len(proofs) > 0 {
		b.WriteString("What the conclusion rests on:\n\n")
		for _, p := range proofs {
			after := p.After
			if !start.IsZero() && !p.At.IsZero() {
				after = p.At.Sub(start).Nanoseconds() // by the clock of the lines above
			}
			fmt.Fprintf(b, "- after %s s: %s\n", finding.After(after), md(WithoutQueries(p.Text)))
		}
		b.WriteByte('\n')
	}
}

// rung is a fact in plain words, "" for one that is of no use to who reads the report.
func rung(s *Seen) string {
	kind, _ := fact.KindNamed(s.Kind)
	who := map[string]string{"client": "gateway", "server": "server"}[s.Side]
	if who == "" {
		who = "gateway"
	}
	said := ""
	if s.Text != "" {
		said = " (" + s.Text + ")"
	}
	took := finding.Span(time.Duration(s.Size))
	switch kind {
	case fact.DNSAnswer:
		return "name found: " + s.Text
	case fact.DNSFailed:
		return "name not found" + said
	case fact.ConnReused:
		return "gateway: uses a connection again that lay idle for " + took
	case fact.TCPConnected:
		return "gateway and server: connection opened" + said
	case fact.TCPFailed:
		return "gateway: could not open a connection" + said + ", after " + took
	case fact.TCPReset:
		return who + ": broke the connection off (reset)"
	case fact.TCPClosed:
		return who + ": closed its side of the connection"
	case fact.TCPZeroWindow:
		return who + ": takes no more data for now"
	case fact.TLSClientHello:
		return "gateway: asks for encryption (begins a handshake)"
	case fact.TLSServerHello:
		return "server: agrees on encryption" + said
	case fact.TLSCertificate:
		return who + ": shows its certificate" + said
	case fact.TLSCertificateRequest, fact.TLSPostHandshakeAuth:
		return "server: asks the gateway for a client certificate"
	case fact.TLSHandshakeDone:
		return "both: encryption is ready" + said
	case fact.TLSHelloRequest:
		return "server: asks for another handshake within the connection (HelloRequest)"
	case fact.TLSHelloRequestAnswer:
		return "gateway: what became of that request: " + s.Text
	case fact.TLSRenegotiated:
		return "both: another handshake is done"
	case fact.TLSAlert:
		return who + ": sends alert " + fmt.Sprint(s.Code) + said
	case fact.TLSNotTLS:
		return "server: sends something that is no TLS" + said
	case fact.TLSVerified:
		return "gateway: checked the server's certificate" + said
	}
	return rungHTTP(kind, s, who, said, took)
}

func rungHTTP(kind fact.Kind, s *Seen, who, said, took string) string {
	switch kind {
	case fact.RequestSent:
		return fmt.Sprintf("gateway: sends its request, %d bytes", s.Size)
	case fact.RequestHead:
		return "gateway: sends the head of its request"
	case fact.RequestDone:
		return fmt.Sprintf("gateway: the request is sent whole, with a body of %d bytes", s.Size)
	case fact.ContinueWaited:
		return "gateway: waited " + took + " for leave to send the body" + said
	case fact.FirstByte:
		return "server: begins to answer"
	case fact.ResponseInterim:
		return fmt.Sprintf("server: says that it goes on (status %d)", s.Code)
	case fact.ResponseHead:
		if s.Code < 100 || s.Code > 999 {
			return "server: sends the head of its answer"
		}
		return fmt.Sprintf("server: answers with status %d", s.Code)
	case fact.ResponseDone:
		return fmt.Sprintf("server: the answer is whole, %d bytes of body", s.Size)
	case fact.HTTPBroken:
		return who + ": sends something that HTTP does not allow" + said
	case fact.HTTPCutShort:
		return who + ": the message ends before it is whole" + said
	case fact.HTTP2GoAway, fact.HTTP2RstStream:
		return who + ": ends by HTTP/2" + said
	case fact.Silence:
		turn := "nobody says anything"
		if s.Side != "" {
			turn = "it is the " + who + "'s turn, and nothing comes"
		}
		if s.Text != "" {
			said = " (awaited: " + s.Text + ")"
		}
		return "for " + took + " " + turn + said
	case fact.GaveUp:
		return "gateway: gives up after " + took + said
	case fact.ClientLeft:
		return "the visitor went away after " + took
	case fact.OriginLogged:
		return "server: wrote in its own log" + said
	}
	return ""
}
