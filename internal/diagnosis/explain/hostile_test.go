package explain

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// evil is what a capture may hold in place of a name: sequences that steer terminals, line ends, bidi controls, invalid UTF-8.
const evil = "a\x1b[2J\x1b]0;owned\x07\r\nb\x00\x7f\x9b31m\u009b\u0085\u202e\u2066\u200b\ufeff\u2028\U000e0041\xff\xc3\tz"

// began is when the flows of these tests begin, nanoseconds since the Unix epoch.
const began = int64(1_790_000_000_000_000_000)

func at(ms int64) fact.Stamp { return fact.Stamp{At: began + ms*1e6, Frame: 1 + ms} }

// hostile is a capture in which every string is evil.
func hostile() *Capture {
	f := &flow.Flow{ID: 1, Client: netip.MustParseAddrPort("192.0.2.7:54104"), Server: netip.MustParseAddrPort("[2001:db8::1]:443"), Start: at(0), End: at(5000),
		Protocol: flow.ProtocolTLS, Tunnel: evil, HTTP: evil, Decisive: -1, KeyLog: []string{evil},
		TLS: &decrypt.Info{ServerName: evil, ALPN: evil, Group: evil, Version: 0x0303, Suite: 0xc02f, FirstSuite: 5, Resumed: evil, Answer: evil, Why: decrypt.Why(evil), Source: evil, Decrypted: 1}}
	request := &fact.HTTPHead{Proto: evil, Method: evil, Scheme: evil, Authority: evil, Target: "/" + evil + "?" + evil + "=" + evil, Fields: evilFields(), Length: -1}
	response := &fact.HTTPHead{Proto: evil, Status: 500, Phrase: evil, Fields: evilFields(), Length: -1}
	details := map[fact.Kind]fact.Detail{
		fact.TCPSyn:                &fact.TCPOptions{MSS: 1460},
		fact.TLSClientHello:        &fact.ClientHello{Version: evil, Versions: []string{evil, evil}, ServerName: evil, ALPN: []string{evil}, Suites: []string{evil}, Extensions: []string{evil}, Groups: []string{evil}},
		fact.TLSServerHello:        &fact.ServerHello{Version: evil, Suite: evil, Group: evil, ALPN: evil, Downgrade: evil, Extensions: []string{evil}},
		fact.TLSCertificate:        &fact.Certificates{Chain: []fact.Certificate{{Subject: evil, Issuer: evil, Serial: evil, Key: evil, NotAfter: time.Unix(0, began).Add(time.Hour), Names: []string{evil}, Error: evil}}},
		fact.TLSCertificateRequest: &fact.CertificateRequest{Types: []string{evil}, Authorities: []string{evil, evil}}, fact.TLSServerKeyExchange: &fact.KeyExchange{Kind: evil, Group: evil, Hint: evil},
		fact.TLSPostHandshakeAuth: &fact.CertificateRequest{Authorities: []string{evil}}, fact.RequestHead: request, fact.ResponseHead: response, fact.ResponseInterim: response,
		fact.HTTP2Settings: &fact.HTTP2Frame{Settings: []string{evil}}, fact.HTTP2GoAway: &fact.HTTP2Frame{Code: evil, Debug: evil}, fact.HTTP2RstStream: &fact.HTTP2Frame{Stream: 1, Code: evil},
	}
	for k := fact.None + 1; k.String() != "unknown"; k++ {
		side := fact.Side(k % 3)
		f.Facts = append(f.Facts, fact.Fact{Kind: k, At: at(int64(k)).Time(), Frame: int64(k), Side: side, Code: 3, Size: 3e9, Text: evil, Detail: details[k]})
	}
	f.Exchanges = []*httptimeline.Exchange{{Number: 1, Request: evilMessage(request, 10), Response: evilMessage(response, 20), Interim: []httptimeline.Message{evilMessage(response, 15)},
		Upgraded: evil, Broken: []string{evil}, Reset: evil}}
	return &Capture{
		Files: []File{{Name: evil, Packets: 9, Damage: &pcap.DamageError{Offset: 7, What: evil}, Info: pcap.Info{Format: evil, Hardware: evil, OS: evil, Application: evil, Comments: []string{evil},
			Interfaces: []pcap.Interface{{Name: evil, Description: evil, Filter: evil}}}}},
		Secrets: Secrets{KeyLogs: []string{evil}, Keys: []string{evil}}, Start: at(0), End: at(5000), Packets: 9, Connections: 1, Flows: []*flow.Flow{f}, Warnings: []string{evil}, Filter: evil,
		Program: evil, Results: []check.Result{evilResult(f)},
	}
}

// evilResult is what checks may say that quote what a peer sent.
func evilResult(f *flow.Flow) check.Result {
	one := finding.Finding{Code: "tls.some_cause", Title: evil, Severity: finding.Critical, Confidence: finding.Likely, Conn: f.ID, Summary: evil + " " + evil, Waited: 3 * time.Second,
		Timers: []finding.Timer{{Seconds: 3, Owner: evil}}, Settle: evil, Hides: []finding.Code{"tls.other"}, Mends: []finding.Mend{{On: finding.Origin, Do: evil, Lines: "x\x1b[2J\r\ny\u202e"}},
		Proof: []finding.Proof{{Index: 3, Conn: f.ID, At: at(4).Time(), Frame: 4, Text: evil}, {Index: -1, Conn: 99, At: at(5).Time(), Text: evil}}, Sources: []string{evil}}
	info := one
	info.Severity = finding.Info
	return check.Result{Findings: []finding.Finding{one, info}, Lacking: []check.Lack{{Code: "tls.third", For: check.Plain}}}
}

func evilFields() []fact.Field {
	return []fact.Field{{Name: evil, Value: evil}, {Name: "Cookie", Value: evil + "=" + evil}, {Name: "Set-Cookie", Value: evil + "=" + evil + "; path=" + evil + "; domain=" + evil},
		{Name: "content-type", Value: evil}, {Name: "location", Value: evil}}
}

func evilMessage(h *fact.HTTPHead, ms int64) httptimeline.Message {
	return httptimeline.Message{Head: h, First: at(ms), HeadEnd: at(ms), Last: at(ms + 1), Size: 100, Body: []byte("text\n\x00" + evil), Trailers: evilFields(), SHA256: evil}
}

// forms are all ways to write a capture.
func forms() map[string]func(w *bytes.Buffer, c *Capture) error {
	text := func(o Options) func(w *bytes.Buffer, c *Capture) error {
		return func(w *bytes.Buffer, c *Capture) error { return Text(w, c, o) }
	}
	return map[string]func(w *bytes.Buffer, c *Capture) error{
		"text": text(Options{Bodies: true}), "narrow": text(Options{Width: 60}), "color": text(Options{Color: true}), "ascii": text(Options{ASCII: true, Absolute: true}),
		"json":         func(w *bytes.Buffer, c *Capture) error { return JSON(w, c) },
		"ndjson":       func(w *bytes.Buffer, c *Capture) error { return NDJSON(w, c) },
		"har":          func(w *bytes.Buffer, c *Capture) error { return HAR(w, c) },
		"compare":      func(w *bytes.Buffer, c *Capture) error { return Compare(w, c, hostileTwin(), Options{Color: true}) },
		"compare json": func(w *bytes.Buffer, c *Capture) error { return CompareJSON(w, c, hostileTwin()) },
	}
}

// hostileTwin differs a little.
func hostileTwin() *Capture {
	c := hostile()
	f := c.Flows[0]
	f.Facts = append(f.Facts[:30:30], f.Facts[32:]...)
	return c
}

// TestHostile lets nothing of a capture reach a terminal but printable characters.
func TestHostile(t *testing.T) {
	for name, write := range forms() {
		var b bytes.Buffer
		if err := write(&b, hostile()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		out := b.String()
		for _, sgr := range []string{sgrBold, sgrDim, sgrRed, sgrYellow, sgrGreen, sgrReset} {
			if name == "color" || name == "compare" {
				out = strings.ReplaceAll(out, sgr, "")
			}
		}
		if len(out) < 500 || !utf8.ValidString(out) {
			t.Errorf("%s: %d bytes, UTF-8: %t", name, len(out), utf8.ValidString(out))
		}
		for line := range strings.SplitSeq(out, "\n") {
			if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) || name == "ascii" && r > '~' }); i >= 0 {
				t.Errorf("%s: %q", name, line[max(0, i-20):min(len(line), i+20)])
			}
			if n := cells(line); name == "text" && n > 100 || name == "narrow" && n > 60 || name == "ascii" && n > 100 {
				t.Errorf("%s: %d columns: %s", name, n, line)
			}
		}
	}
}
