package session

import (
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func keyUpdateStall() check.Check {
	return check.Check{
		Code:      "tls.key_update_stall",
		Title:     "the connection stops after a KeyUpdate",
		Severity:  finding.Critical,
		Catalogue: []int{46},
		Refines:   []reason.Code{reason.ReadBodyStall, reason.TLSAlert, reason.ReadResetInBody, reason.ReadTruncated, reason.WriteTimeout, reason.ReadFirstByteTimeout},
		On:        []fact.Kind{fact.TLSKeyUpdate},
		Silences:  []finding.Code{"tls.records_corrupted", "tls.handshake_alert", "http1.answer_stalled", "http1.body_truncated", "http1.slow_first_byte", "tls.no_close_notify"},
		Text: `In TLS 1.3 either side may send **KeyUpdate** at any time: from its next record on it uses new keys, and may ask the other to do
the same (RFC 8446 section 4.6.3). Libraries do it after a number of records or bytes, so it first happens in **long downloads,
uploads or WebSockets**, never in a quick test. An end that does not understand it, or hands it to the wrong layer, breaks off
with unexpected_message (10) or bad_record_mac (20), or reads no further and lets the transfer stand. Hardware offload of TLS and
TLS in the kernel are frequent culprits.

The transfer always stops after about the same volume. nginx reports *upstream timed out while reading upstream*, Go *local error:
tls: bad record MAC*, browsers ERR_SSL_PROTOCOL_ERROR in the middle of a file.

It shows only with the secrets; without them the KeyUpdate is one short record of application data. A transfer that stops without
a KeyUpdate before it is a stall of the application or of the network.`,
		Asks: []string{
			"Does it stop by a KeyUpdate made on purpose? `openssl s_client -tls1_3 -connect {ip} -servername {host}`, then the line K (k: without asking for one in return)",
			"Is TLS offloaded? On Linux: `cat /proc/net/tls_stat`; `ethtool -k eth0 | grep tls`",
		},
		Mends: []finding.Mend{
			{On: finding.Origin, Do: "Patch the TLS library of the end that stops; turn the offload of TLS off (kernel or card)."},
			{On: finding.Nginx, Do: "Do without TLS in the kernel.", Lines: "ssl_conf_command Options -KTLS;"},
			{On: finding.Network, Do: "Turn the card's TLS offload off.", Lines: "ethtool -K eth0 tls-hw-tx-offload off tls-hw-rx-offload off"},
			{On: finding.Lunette, Do: "Until then speak TLS 1.2 to this origin: it has no KeyUpdate.", Lines: "origin:\n  tls:\n    max_version: \"1.2\""},
		},
		Sources: []string{"RFC 8446 sections 4.6.3 and 5.5"},
		Run:     runKeyUpdateStall,
	}
}

func runKeyUpdateStall(c *check.Case) *check.Verdict {
	f := c.Flow
	if lostBetween(f, fact.SideNone, -1, -1) {
		return nil
	}
	for i := f.First(fact.TLSKeyUpdate); i >= 0; i = f.Next(i, fact.TLSKeyUpdate) {
		peer := f.Facts[i].Side.Other()
		v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(i, "KeyUpdate of the "+f.Facts[i].Side.String())}}
		alert := fatalAfter(f, peer, i)
		heard := f.Heard(peer, i)
		if alert >= 0 && (f.Facts[alert].Code == alertUnexpectedMessage || f.Facts[alert].Code == alertBadRecordMAC || f.Facts[alert].Code == alertDecodeError) && (heard < 0 || heard >= alert) && !leftBefore(f, alert) {
			v.Proof = append(v.Proof, f.Proof(alert, "the "+peer.String()+" breaks off with "+alertWords(&f.Facts[alert])))
			v.Summary = "The " + f.Facts[i].Side.String() + " changed its keys (KeyUpdate), and the " + peer.String() + " broke off with " + alertWords(&f.Facts[alert]) + "."
			return v
		}
		if v := stoppedItself(f, i); v != nil {
			return v
		}
		waited, at := f.SilenceAfter(i, heard)
		if waited < keysPatience(f, i) || f.Facts[at].Side != peer || heard >= 0 || f.Facts[i].Code != 1 {
			continue
		}
		// It was asked to change its keys too, owes an answer, and never said anything again.
		v.Confidence, v.Waited = finding.Likely, waited
		v.Settle = "a KeyUpdate made on purpose on a connection of its own (openssl s_client -tls1_3, then K)"
		v.Proof = append(v.Proof, f.Proof(at, "from here on nothing of the "+peer.String()+", whose turn it is"))
		v.Summary = "The " + f.Facts[i].Side.String() + " changed its keys and asked for the same (KeyUpdate); the " + peer.String() + " never sent anything again, for " + finding.Span(waited) + "."
		if v.Lasts = f.Lasts(i); v.Lasts {
			v.Summary = "The " + f.Facts[i].Side.String() + " changed its keys and asked for the same (KeyUpdate); the " + peer.String() + " has sent nothing since, for " + finding.Span(waited) + " so far."
		}
		return v
	}
	return nil
}

// keysPatience is how long an end must be silent behind a KeyUpdate for that to be told: less where it still is.
func keysPatience(f *check.Flow, i int) time.Duration {
	if f.Lasts(i) {
		return longPatience
	}
	return 5 * patience
}

// stoppedItself is an end that sends nothing any more after its own KeyUpdate, though it owes something: likely where it stops in the
// midst of an answer, whose next record would be the first under the new keys, else it may be chance.
func stoppedItself(f *check.Flow, i int) *check.Verdict {
	side := f.Facts[i].Side
	waited, at := f.SilenceAfter(i, -1)
	if waited < keysPatience(f, i) || f.Facts[at].Side != side || f.Heard(side, i) >= 0 && f.Heard(side, i) < at {
		return nil
	}
	confidence := finding.Possible
	if begun := f.Last(fact.ResponseHead); side == fact.SideServer && begun >= 0 && begun < i && f.Next(begun, fact.ResponseDone) < 0 {
		confidence = finding.Likely
	}
	how := " and sent nothing after it, though it owed more, for " + finding.Span(waited) + "."
	if f.Lasts(i) {
		how = " and has sent nothing since, though it owes more, for " + finding.Span(waited) + " so far."
	}
	return &check.Verdict{Confidence: confidence, Waited: waited, Lasts: f.Lasts(i), Settle: "the same request over TLS 1.2, and once more over TLS 1.3: does it always stop at the KeyUpdate?",
		Proof:   []finding.Proof{f.Proof(i, "KeyUpdate of the "+side.String()), f.Proof(at, "from here on nothing of the "+side.String()+", whose turn it is")},
		Summary: "The " + side.String() + " changed its keys (KeyUpdate)" + how}
}
