package manual

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
)

// section is a part of the catalogue.
type section struct {
	title string
	first int // number of its first name
	names []string
}

// sections are the failures of the back-to-origin leg that the checks must cover, numbered through. Numbers are never given anew.
func sections() []section {
	return []section{
		{"Names", 1, []string{
			"The name of the origin does not exist",
			"The resolver does not answer, or fails",
			"The origin moved, the old address is still used",
			"The name leads back to Lunette itself",
			"IPv6 is tried first and leads nowhere",
		}},
		{"TCP", 6, []string{
			"The connection is refused",
			"SYNs are dropped: a firewall, a ban, a wrong route",
			"The accept queue of the origin is full",
			"The connection is reset right after it was accepted",
			"A pooled connection is dead: reboot, or a NAT forgot it",
			"The origin closes an idle connection while a request is on its way",
			"Large packets vanish: an MTU black hole",
			"A ClientHello of two segments is not taken",
			"The origin stops reading: zero window",
			"Packets are lost and sent again",
			"No local ports are left",
			"The pool of connections is exhausted",
			"The SYN-ACK comes from another address",
		}},
		{"TLS handshake", 19, []string{
			"TCP connects, then nobody speaks TLS",
			"The ClientHello is answered with a reset or a close, without an alert",
			"No cipher suite in common",
			"No version of TLS in common",
			"The origin cannot bear a newer hello",
			"No group (curve) in common",
			"Diffie-Hellman parameters that are too short",
			"An origin without secure renegotiation (RFC 5746)",
			"The hello names no host",
			"The hello names the wrong host, or an address",
			"Host and SNI differ: 421",
			"ALPN does not fit",
			"A client certificate is demanded in the handshake, none is given",
			"Plain HTTP where TLS is expected, or the reverse",
		}},
		{"TLS after the handshake", 33, []string{
			"A HelloRequest is ignored",
			"A HelloRequest is refused",
			"Renegotiated, but no client certificate to show",
			"Renegotiated, and the client certificate is rejected",
			"Renegotiation and a request body wait for each other",
			"The body is too large to be kept during a renegotiation: 413",
			"Renegotiation for another cipher suite only",
			"Authentication after a TLS 1.3 handshake is wanted",
			"Renegotiation under HTTP/2",
			"A session ticket that was promised and not sent (GnuTLS)",
			"Closed without close_notify",
			"Resumed sessions fail",
			"Records that do not verify, in mid-stream",
			"KeyUpdate or large records are not borne",
			"The origin fetches revocation lists within the handshake",
		}},
		{"Certificates and trust", 48, []string{
			"An intermediate certificate is lacking",
			"The authority is not known here",
			"Expired, or not valid yet",
			"The clock here is wrong",
			"The certificate is for another name",
			"The name stands in the common name alone",
			"A weak key, or SHA-1",
			"Constraints or purposes that forbid the use",
			"One server of several has the old certificate",
			"ECDSA certificate, RSA clients, or the reverse",
			"The list of client authorities is too long",
		}},
		{"HTTP/1", 59, []string{
			"The origin closes before it answers",
			"The origin resets before it answers",
			"The first byte is late",
			"The body is shorter than announced",
			"Chunks end early, or are malformed",
			"A head is too large",
			"A head is malformed, or ambiguous",
			"Expect: 100-continue leaves both sides waiting",
			"Interim responses nobody asked for, or an upgrade that fails",
			"A coding that the body does not have",
			"A new connection for each request",
			"The origin refuses what smuggling could use",
		}},
		{"HTTP/2", 71, []string{
			"GOAWAY crosses a request",
			"HTTP_1_1_REQUIRED",
			"A cipher suite that HTTP/2 forbids",
			"Flow control stands still",
		}},
		{"Application and policy", 75, []string{
			"NTLM or Negotiate on connections that are shared",
			"Redirects in a circle between http and https",
			"The origin limits or bans the address of Lunette",
			"The application is down, or its queue full",
			"The origin does not know the Host",
			"The client gave up",
		}},
		{"Timers, limits, middleboxes, settings", 81, []string{
			"Timers in the wrong order",
			"Limits on the size of a body",
			"A middlebox reads the TLS",
			"A middlebox resets by SNI",
			"http and https mixed up in the settings",
			"Paths or hosts rewritten wrongly",
			"The health check passes, the traffic fails",
			"Retries multiply a failure",
		}},
	}
}

// Numbers is how many failures the catalogue has.
const Numbers = 88

// NameOf is the short name of a failure, "" for a number that the catalogue has not.
func NameOf(number int) string {
	for _, s := range sections() {
		if i := number - s.first; i >= 0 && i < len(s.names) {
			return s.names[i]
		}
	}
	return ""
}

// Covering are the checks that cover a failure of the catalogue.
func Covering(all []check.Check, number int) []check.Check {
	return slices.DeleteFunc(slices.Clone(all), func(k check.Check) bool { return !slices.Contains(k.Catalogue, number) })
}

// Catalogue is the page of all failures with the causes that cover each.
func Catalogue(all []check.Check) []byte {
	var b strings.Builder
	b.WriteString(generated + "\n# Catalogue\n\nWhat fails between a proxy and an HTTPS origin, and the findings that cover it. The numbers stay. What cannot be told from the\n" +
		"connection alone is asked for on the page of the finding.\n")
	for _, s := range sections() {
		b.WriteString("\n## " + s.title + "\n\n| # | failure | findings |\n|---|---|---|\n")
		for i, name := range s.names {
			var links []string
			for _, k := range Covering(all, s.first+i) {
				links = append(links, link(k.Code))
			}
			if links == nil {
				links = []string{"none yet"}
			}
			fmt.Fprintf(&b, "| %d | %s | %s |\n", s.first+i, name, strings.Join(links, ", "))
		}
	}
	return []byte(b.String())
}
