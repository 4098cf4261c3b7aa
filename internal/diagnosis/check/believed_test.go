package check

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// loggedFlow is a connection of version that was watched from 12:00 to its reset, with one line of the origin's log.
func loggedFlow(version int, ends time.Duration, format, phrase string, at time.Duration, between ...fact.Fact) *Flow {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f := Flow{Client: netip.MustParseAddrPort("192.0.2.10:50010"), Watched: Packets | Records | Plain, Start: start}
	f.Facts = append(f.Facts, fact.Fact{Kind: fact.TCPSyn, At: start, Side: fact.SideClient},
		fact.Fact{Kind: fact.TLSServerHello, At: start, Side: fact.SideServer, Code: version}, fact.Fact{Kind: fact.TLSHandshakeDone, At: start, Code: version})
	for _, x := range between {
		x.At = start.Add(time.Millisecond)
		f.Facts = append(f.Facts, x)
	}
	f.Facts = append(f.Facts, fact.Fact{Kind: fact.OriginLogged, At: start.Add(at), Text: phrase, Detail: &fact.OriginLog{Format: format, Phrase: phrase, File: "x.log", Line: 7, Client: "192.0.2.10:50010"}})
	if ends > 0 {
		f.Facts = append(f.Facts, fact.Fact{Kind: fact.TCPReset, At: start.Add(ends), Side: fact.SideServer})
	}
	return f.Prepared()
}

func exchanged(status int) []fact.Fact {
	return []fact.Fact{{Kind: fact.RequestHead, Side: fact.SideClient, Detail: &fact.HTTPHead{Method: "GET", Target: "/"}},
		{Kind: fact.ResponseHead, Side: fact.SideServer, Code: status, Detail: &fact.HTTPHead{Status: status}}, {Kind: fact.ResponseDone, Side: fact.SideServer}}
}

// A line of the origin's log that what was watched refutes is passed over.
func TestRefuted(t *testing.T) {
	asked := fact.Fact{Kind: fact.TLSHelloRequest, Side: fact.SideServer}
	for _, c := range []struct {
		name string
		f    *Flow
		why  string // "" believed
	}{
		{"a timer in 5 ms", loggedFlow(0x0303, 5*time.Millisecond, "httperr", "Timer_SslRenegotiation", time.Second, asked), "sooner than any timer"},
		{"a timer of a header in 5 ms", loggedFlow(0x0303, 5*time.Millisecond, "httperr", "Timer_HeaderWait", time.Second), "sooner than any timer"},
		{"renegotiation in TLS 1.3", loggedFlow(0x0304, 120*time.Second, "httperr", "Timer_SslRenegotiation", 120*time.Second), "TLS 1.3"},
		{"renegotiation in TLS 1.3, Apache", loggedFlow(0x0304, 0, "apache_error", "AH02226", time.Second), "TLS 1.3"},
		{"renegotiation of what was answered", loggedFlow(0x0303, 0, "httperr", "Timer_SslRenegotiation", 120*time.Second, exchanged(200)...), "every request was answered"},
		{"no HelloRequest in all of it", loggedFlow(0x0303, 120*time.Second, "httperr", "Timer_SslRenegotiation", 120*time.Second), "no HelloRequest"},
		{"post-handshake authentication in TLS 1.2", loggedFlow(0x0303, 0, "apache_error", "AH10158", time.Second), "does not speak TLS 1.3"},
		{"a certificate that lacked, and the page", loggedFlow(0x0303, 0, "apache_error", "AH02263", time.Second, exchanged(200)...), "served"},
		{"HelloRequest and its timer", loggedFlow(0x0303, 120*time.Second, "httperr", "Timer_SslRenegotiation", 120*time.Second, asked), ""},
		{"the end was not watched", loggedFlow(0x0303, 0, "httperr", "Timer_SslRenegotiation", 120*time.Second), ""},
		{"a record of unknown content", loggedFlow(0x0303, 120*time.Second, "httperr", "Timer_SslRenegotiation", 120*time.Second, fact.Fact{Kind: fact.TLSEncryptedMessage, Side: fact.SideServer}), ""},
		{"packets are lacking", loggedFlow(0x0303, 120*time.Second, "httperr", "Timer_SslRenegotiation", 120*time.Second, fact.Fact{Kind: fact.TCPGap, Side: fact.SideServer}), ""},
		{"a certificate that lacked, and 403", loggedFlow(0x0303, 0, "apache_error", "AH02263", time.Second, exchanged(403)...), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, _ := c.f.Logged(func(*fact.OriginLog) bool { return true })
			why, by := c.f.Refuted(c.f.First(fact.OriginLogged))
			if (i < 0) != (c.why != "") || !strings.Contains(why, c.why) || (why == "") != (by < 0) {
				t.Errorf("line at %d, refuted %q by %d, want %q", i, why, by, c.why)
			}
		})
	}
}

// A line alone makes certain only with the port, at a time that fits, by a clock that is known.
func TestByLog(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*fact.Fact, *fact.OriginLog)
		want   finding.Confidence
	}{
		{"port and time", func(*fact.Fact, *fact.OriginLog) {}, finding.Certain},
		{"no port", func(_ *fact.Fact, l *fact.OriginLog) { l.Client = "192.0.2.10" }, finding.Likely},
		{"another port", func(_ *fact.Fact, l *fact.OriginLog) { l.Client = "192.0.2.10:1" }, finding.Likely},
		{"the answer that was seen", func(_ *fact.Fact, l *fact.OriginLog) { l.Client, l.Status = "", 403 }, finding.Certain},
		{"another answer", func(_ *fact.Fact, l *fact.OriginLog) { l.Client, l.Status = "", 404 }, finding.Likely},
		{"a clock that one line bears out", func(_ *fact.Fact, l *fact.OriginLog) { l.Offset, l.OffsetPairs = int64(time.Minute), 1 }, finding.Likely},
		{"a clock that many bear out", func(_ *fact.Fact, l *fact.OriginLog) { l.Offset, l.OffsetPairs = -int64(time.Minute), 3 }, finding.Certain},
		{"before it began", func(x *fact.Fact, _ *fact.OriginLog) { x.At = x.At.Add(-time.Hour) }, finding.Likely},
		{"a timer that had no time", func(x *fact.Fact, _ *fact.OriginLog) { x.At = x.At.Add(-120 * time.Second) }, finding.Likely},
	} {
		f := loggedFlow(0x0303, 0, "httperr", "Timer_SslRenegotiation", 120*time.Second, exchanged(403)...)
		i := f.First(fact.OriginLogged)
		c.change(&f.Facts[i], f.Facts[i].Detail.(*fact.OriginLog))
		if sure, settle := f.ByLog(i); sure != c.want || (settle == "") != (sure == finding.Certain) {
			t.Errorf("%s: %s, %q, want %s", c.name, sure, settle, c.want)
		}
	}
}
