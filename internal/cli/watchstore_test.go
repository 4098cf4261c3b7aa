package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

// TestWatchKeepsTheEnd holds that an incident which was told while it lasted is told and kept to its end, and counted once.
func TestWatchKeepsTheEnd(t *testing.T) {
	const cause = "tls.hello_request_ignored"
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	folder := t.TempDir()
	var out, fault bytes.Buffer
	if code := Main(t.Context(), []string{"watch", "--read", c.Path, "--json", "--folder", folder, "--plain"}, &out, &fault); code != 0 {
		t.Fatalf("exit code %d: %s", code, &fault)
	}
	var told []watchLine
	for dec := json.NewDecoder(&out); dec.More(); {
		var l struct {
			watchLine
			Finding *struct{ Code, Summary string } `json:"finding"`
		}
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if l.Finding != nil && l.Finding.Code == cause {
			l.watchLine.Site = l.Finding.Summary
			told = append(told, l.watchLine)
		}
	}
	if len(told) < 2 || !told[0].New || !told[0].Lasts || told[0].Over {
		t.Fatalf("%+v", told)
	}
	last := told[len(told)-1]
	if !last.Again || !last.Over || last.Lasts || last.Count != 1 || last.Site == told[0].Site {
		t.Errorf("the end is told as %+v", last)
	}
	out.Reset()
	if code := Main(t.Context(), []string{"incidents", "show", "--folder", folder, last.Incident}, &out, &fault); code != 0 {
		t.Fatalf("exit code %d: %s", code, &fault)
	}
	shown := out.String()
	if !strings.Contains(shown, last.Site) || strings.Contains(shown, told[0].Site) || strings.Contains(shown, "2 failures") || strings.Contains(shown, "mend on Lunette") {
		t.Errorf("not %q alone:\n%s", last.Site, shown)
	}
	out.Reset()
	if code := Main(t.Context(), []string{"watch", "--read", c.Path}, &out, &fault); code != 0 {
		t.Fatalf("exit code %d: %s", code, &fault)
	}
	if text := out.String(); strings.Count(text, "over: "+cause) != 1 || strings.Contains(text, "again: ") || strings.Contains(text, "mend on Lunette") {
		t.Errorf("%s", text)
	}
}
