package session

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func recordsCorrupted() check.Check {
	return check.Check{
		Code:      "tls.records_corrupted",
		Title:     "TLS records arrive damaged",
		Severity:  finding.Critical,
		Catalogue: []int{45},
		Refines:   []reason.Code{reason.TLSAlert, reason.ReadResetInBody, reason.ReadTruncated, reason.WriteReset, reason.ReadResetBeforeHeader},
		On:        []fact.Kind{fact.TLSAlert, fact.TLSBadRecord},
		Silences:  []finding.Code{"tls.handshake_alert", "http1.body_truncated", "http1.reset_before_answer", "http1.closed_before_answer", "tls.no_close_notify"},
		Text: `Each record of TLS carries a checksum that only the two ends can make. When it fails, the receiver ends the connection with
**bad_record_mac** (20); where the damage hits a length or a structure it is record_overflow (22) or decode_error (50). TCP's own
checksum did not notice, so the bytes were changed by something that computes it anew: a middlebox, a network card that does
segmentation or checksums itself, a virtual switch, memory that fails. Or the sender is at fault: two threads that write to one
TLS connection mix their records, a library after a failed KeyUpdate, a renegotiation at the wrong moment.

nginx says *SSL_read() failed (... decryption failed or bad record mac)*, Go *local error: tls: bad record MAC* or *remote error:
tls: bad record MAC*, Java *bad_record_mac* or *Tag mismatch*.

Where it happens tells the culprit: always at the same offset of the same file, the sender or a middlebox that looks inside; at
random, more with load, hardware or offloading; only in one direction, that side. In a capture made at the receiver the damage is
seen in the record itself. Right after a handshake with an offered session it is rather tls.resumption_failed.`,
		Asks: []string{
			"On Linux, both ends, without offloading: `ethtool -K eth0 tso off gso off gro off lro off`, and again; on Windows: `Get-NetAdapterRsc`, `Get-NetAdapterLso`",
			"Capture on both ends at once: are the bytes of the record equal?",
			"Is it the same offset each time? `curl -v -o /dev/null`, several times",
		},
		Mends: []finding.Mend{
			{On: finding.Network, Do: "Take what looks into TLS, or offloads it, out of the way: the middlebox's inspection for this origin, the card's segmentation offload.",
				Lines: "ethtool -K eth0 tso off gso off gro off"},
			{On: finding.Origin, Do: "Patch driver, hypervisor and TLS library; in a program of your own let one thread at a time write to a TLS connection."},
			{On: finding.IIS, Do: "Turn off large send offload on the card, for a test; its link may drop for a moment.",
				Lines: "# PowerShell, as administrator\nGet-NetAdapterLso\nDisable-NetAdapterLso -Name \"ADAPTER\""},
		},
		Sources: []string{"RFC 5246 section 7.2.2", "RFC 8446 sections 5.2 and 6.2"},
		Run:     runRecordsCorrupted,
	}
}

func runRecordsCorrupted(c *check.Case) *check.Verdict {
	f := c.Flow
	bad := f.Find(-1, func(x *fact.Fact) bool { return x.Kind == fact.TLSBadRecord && !strings.HasPrefix(x.Text, "cut short") })
	alert := f.Find(-1, func(x *fact.Fact) bool {
		return x.Kind == fact.TLSAlert && (x.Code == alertBadRecordMAC || x.Code == 22)
	})
	if alert >= 0 && leftBefore(f, alert) {
		alert = -1
	}
	if h, _ := f.Hello(); h != nil && offersResumption(h) && !f.Established() {
		return nil // tls.resumption_failed, or a handshake that failed
	}
	switch {
	case alert >= 0:
		return damagedByAlert(f, alert, bad)
	case bad >= 0 && !lostBetween(f, fact.SideNone, -1, -1) && !f.Has(fact.TCPOverlap, fact.TCPMidstream):
		x := &f.Facts[bad]
		return &check.Verdict{Confidence: finding.Possible, Proof: []finding.Proof{f.Proof(bad, badWords(x))},
			Settle:  "the receiver's alert bad_record_mac (20), or a capture at both ends: the capture itself may be at fault",
			Summary: "A record of the " + x.Side.String() + " (" + bytesCount(x.Size) + ") failed its check in the capture: " + x.Text + "."}
	}
	return nil
}

// damagedByAlert is what a receiver says itself.
func damagedByAlert(f *check.Flow, alert, bad int) *check.Verdict {
	x := &f.Facts[alert]
	v := &check.Verdict{Confidence: finding.Certain, Proof: []finding.Proof{f.Proof(alert, "the "+x.Side.String()+" breaks off with "+alertWords(x))}}
	v.Summary = "The " + x.Side.String() + " could not verify a record that it received, and broke off with " + alertWords(x)
	if x.Code == 22 {
		v.Summary = "The " + x.Side.String() + " received a record that was longer than any may be, and broke off with " + alertWords(x)
	}
	if bad >= 0 && f.Facts[bad].Side == x.Side.Other() {
		v.Proof = append(v.Proof, f.Proof(bad, badWords(&f.Facts[bad])))
		v.Summary += "; the record is damaged in the capture already, so it was damaged before this point"
	} else if f.Watched&check.Plain != 0 && f.Has(fact.TLSDecryptable) && x.Code == alertBadRecordMAC {
		v.Summary += "; in the capture all records are whole, so the damage came behind this point"
	}
	v.Summary += "."
	if !f.Established() {
		v.Confidence, v.Settle = finding.Possible, "whether other handshakes fail too: in a handshake the keys of the two ends may differ"
	}
	return v
}

func badWords(x *fact.Fact) string {
	return "a record of the " + x.Side.String() + " (" + bytesCount(x.Size) + ") fails its check: " + x.Text
}

func bytesCount(n int64) string { return strconv.FormatInt(n, 10) + " bytes" }

// bytesWords goes on after what was sent.
func bytesWords(n int64) string { return " (" + bytesCount(n) + ")" }

// leftBefore reports whether the other end had closed before the alert at index i: what follows a close in the midst of a handshake says nothing.
func leftBefore(f *check.Flow, i int) bool {
	at := f.FirstOf(f.Facts[i].Side.Other(), fact.TCPClosed, fact.TCPReset)
	return at >= 0 && at < i
}
