package explain

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestJSONLossless reads back what was escaped: the text of the capture, but for bytes that are no UTF-8.
func TestJSONLossless(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, hostile()); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Lunette jsonFormat
		Flows   []jsonFlow
		Totals  jsonTotals
	}
	// Details are interfaces, and severities words, which cannot be read back by type.
	text := strings.NewReplacer(`"detail":{`, `"other":{`, `"findings":[`, `"others":[`).Replace(b.String())
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(strings.ReplaceAll(evil, "\xff\xc3", "\ufffd\ufffd"), "\x7f\x9b", "\x7f\ufffd")
	f := doc.Flows[0]
	if doc.Lunette != (jsonFormat{"explain", 1}) || doc.Totals.Flows != 1 || f.SNI != want || f.HTTP[0].Request.Target != "/"+want+"?"+want+"="+want {
		t.Errorf("%+v\n%q\nwant %q", doc.Lunette, f.SNI, want)
	}
	if len(f.Events) < 70 || f.HTTP[0].Request.BodyBase64 == nil || f.TLS.Version != "TLS 1.2" {
		t.Errorf("%d events, version %q", len(f.Events), f.TLS.Version)
	}
}
