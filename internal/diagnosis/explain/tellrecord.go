package explain

import (
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// records tells what is no handshake message.
func (t *teller) records(r *row, f *fact.Fact) bool {
	switch f.Kind {
	case fact.TLSAlert:
		t.alert(r, f)
	case fact.TLSEncryptedAlert:
		r.name = "alert (encrypted)"
	case fact.TLSApplicationData:
		if t.flow.HTTP != "" && !t.sealed[f.Side] && !t.raw {
			return false // its exchanges are told
		}
		r.name, r.more, r.class = "application data", joined(", ", several(int64(f.Code), "record"), several(f.Size, "byte")), "data"
	case fact.TLSHeartbeat:
		r.name, r.more = "heartbeat", several(f.Size, "byte")
	case fact.TLSNotTLS:
		r.name, r.more, r.level = "not TLS", clean(f.Text), bad
	case fact.TLSRecordLost:
		r.form, r.level = note, bad
		r.name, r.more = "records of the "+f.Side.String()+" are missing", when(f.Code > 0, several(int64(f.Code), "record"))
	case fact.TLSBadRecord:
		r.level, r.class = bad, "bad record"+f.Side.String()
		r.name, r.more = "bad record", joined(", ", clean(f.Text), tlswire.RecordTypeName(uint8(f.Code)), several(f.Size, "byte"))
	case fact.TLSUndecryptable:
		t.seal(f.Side)
		r.form, r.name, r.more = note, "not decrypted", shortWhy(decrypt.Why(f.Text))
	case fact.TLSDecryptable:
		t.sealed = [3]bool{}
		r.form, r.name, r.level = note, "decrypted", routine
		r.more = sourceText(f.Text)
	default:
		return false
	}
	return true
}

func (t *teller) alert(r *row, f *fact.Fact) {
	r.name, r.more, r.level = "Alert "+strconv.Itoa(f.Code), clean(f.Text), bad
	switch {
	case f.Code == 0:
		r.name, r.more, r.level = "Alert close_notify", "", routine
		t.ended[f.Side] = true
	case f.Size == 2:
		r.more += ", fatal"
	case f.Size == 1:
		r.more += ", warning"
	}
	r.more = joined(", ", r.more, t.alertMeans(f))
}

// seal notes that a side, or both, stays closed.
func (t *teller) seal(s fact.Side) {
	if s == fact.SideNone {
		t.sealed = [3]bool{true, true, true}
		return
	}
	t.sealed[s] = true
}

// shortWhy is why in a few words: the header says the rest, and the next step.
func shortWhy(w decrypt.Why) string {
	switch w {
	case decrypt.WhyStartMissing:
		return "the capture begins after the hellos"
	case decrypt.WhyLaterHandshake:
		return "no secret for this handshake"
	case decrypt.WhyLost:
		return "the cipher's place is lost"
	case decrypt.WhyWrongSecret:
		return "records do not open under the secret given"
	}
	text, _, _ := strings.Cut(w.Text(), ":")
	text, _, _ = strings.Cut(text, " (")
	return clean(text)
}

func sourceText(source string) string {
	switch source {
	case "key log":
		return "with the key log"
	case "private key":
		return "with the private key"
	case "psk":
		return "with the pre-shared key"
	case "session":
		return "with the secret of an earlier connection"
	case "null cipher":
		return "without any key: its suite encrypts nothing"
	}
	return clean(source)
}
