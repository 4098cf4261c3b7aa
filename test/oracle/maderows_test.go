package oracle_test

import (
	"bytes"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/fact"
)

// madeRow is where tshark 4.0 is wrong about made captures. The truth of the messages is then what it says of a twin, or of the connection
// itself, with the key log and the secrets that Lunette worked out; that of the application data is what was said.
type madeRow struct {
	in   func(s *seen, with string) bool
	why  string
	twin func(name string) string        // a connection with the same messages, which tshark gets right
	mend func(mine *seen, right *stream) // adds what tshark lacks; it may take the place from mine, nothing else
}

func madeRows() []madeRow {
	same := func(name string) string { return name }
	opened := func(s *seen, part string) bool {
		return s.TLS.Why == decrypt.WhyNot && strings.Contains(nameOf(s), part)
	}
	return []madeRow{
		{
			in:   func(s *seen, _ string) bool { return opened(s, "aria") },
			why:  "tshark does not decrypt ARIA",
			twin: ariaTwin,
		},
		{
			in: func(s *seen, with string) bool {
				return with == withKey && opened(s, "rsa-psk") && !strings.Contains(nameOf(s), "null")
			},
			why:  "tshark does not join the PSK with the pre-master secret that the RSA key opens (RFC 4279 section 4)",
			twin: same,
		},
		{
			in:   func(s *seen, _ string) bool { return opened(s, "outer.test") },
			why:  "the key log has the random of the hidden ClientHello, which tshark does not look for",
			twin: same,
		},
		{
			in: func(s *seen, with string) bool {
				return s.TLS.Version <= 0x0303 && opened(s, "second.030") || with == withKey && opened(s, "again.tls12.java")
			},
			why:  "tshark takes the ticket that a resumed handshake issues for the one that it resumes",
			twin: same,
		},
		{
			in: func(s *seen, _ string) bool { return opened(s, "pha.") },
			why: "tshark takes the Finished of post-handshake authentication for that of the handshake and counts the client's records from 0 again: " +
				"it loses a second request and the closing alert",
			twin: same,
			mend: secondRequest,
		},
	}
}

// secondRequest adds the alert that the client ends with, and, where there is a second request, that it was the first again.
func secondRequest(mine *seen, right *stream) {
	const alert = "client alert 1 0"
	for i, e := range mine.events {
		if e.what == alert && i <= len(right.events) {
			right.events = slices.Insert(slices.Clone(right.events), i, e)
			break
		}
	}
	client := right.ports[fact.SideClient]
	if strings.HasPrefix(nameOf(mine), "pha.cert") {
		right.sent[client] = bytes.Repeat(right.sent[client], 2)
	}
}

func madeRowOf(s *seen, with string) *madeRow {
	for _, r := range madeRows() {
		if r.in(s, with) {
			return &r
		}
	}
	return nil
}

// ariaTwin is the suite, or the connection named after it, with AES in place of ARIA.
func ariaTwin(name string) string {
	return strings.NewReplacer("ecdhe-aria", "ecdhe-rsa-aes", "aria", "aes").Replace(name)
}
