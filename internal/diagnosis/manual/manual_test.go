package manual

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// cause is a check with every paper.
func cause() *check.Check {
	return &check.Check{Code: "tls.some_cause", Title: "the origin does something", Severity: finding.Critical, Catalogue: []int{33}, Refines: []reason.Code{reason.ReadFirstByteTimeout},
		Needs: check.Packets, Silences: []finding.Code{"http1.some_symptom"}, Asks: []string{"Type: dir *.log, and look for <Location> in *.conf"},
		Text:  "One **bold** word, an *inclined one* and a path C:\\*.log that\nis broken.\n\n- an item\n  that goes on\n- another\n\n    code stays\n    as it is\n\n<Location> is `<Location>`.",
		Mends: []finding.Mend{{On: finding.IIS, Do: "Change <this>.", Lines: "appcmd \"x\""}, {On: finding.Lunette, Do: "Set it.", Lines: "origin:\n  http: \"1.1\"\n"}}, Sources: []string{"RFC 5246 section 7.4.1.1"}}
}

// TestPage writes the page of a check with all that it has.
func TestPage(t *testing.T) {
	s := Sample{Facts: "# a word\nflow 1 192.0.2.1:1 > 192.0.2.2:443 watched=packets\n0.001 client client_hello size=300 detail={\"sni\":\"a\"}\n" + strings.Repeat("1 server first_byte\n", 40),
		Words: "tls.some_cause · critical · certain · the origin does something\n  A sentence.\n  proof:\n    0.1 #1 this\n  mend on IIS: Change.\n"}
	got := string(Page(cause(), s))
	for _, want := range []string{
		"# tls.some_cause\n\nThe origin does something.\n\n- severity: critical as a rule\n- [catalogue](catalogue.md): 33 (A HelloRequest is ignored)\n",
		"[read.first_byte_timeout](../reasons.md#readfirst_byte_timeout)", "[http1.some_symptom](http1.some_symptom.md)", "- can be told from: a capture of the packets",
		"\nOne **bold** word, an *inclined one* and a path C:\\*.log that is broken.\n\n- an item that goes on\n- another\n\n    code stays\n    as it is\n\n\\<Location> is `<Location>`.\n",
		"\n```\nflow 1 192.0.2.1:1 > 192.0.2.2:443 watched=packets\n0.001 client client_hello size=300\n1 server", "1 server first_byte\n…\n```\n",
		"```\ntls.some_cause · critical · certain · the origin does something\n  A sentence.\n  proof:\n    0.1 #1 this\n```\n",
		"- Type: dir \\*.log, and look for \\<Location> in \\*.conf\n", "**IIS:** Change \\<this>.\n\n```\nappcmd \"x\"\n```\n", "**Lunette:** Set it.\n\n```yaml\norigin:\n  http: \"1.1\"\n```\n",
		"## Sources\n\n- RFC 5246 section 7.4.1.1\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(string(Page(cause(), Sample{})), "What it looks like") {
		t.Error("a check without a sample shows one")
	}
}

// TestProse keeps broken lines from beginning a list, a heading or a quotation.
func TestProse(t *testing.T) {
	for text, want := range map[string]string{"aaa - b": "aaa|\\- b", "aaa 1. b": "aaa|1\\. b", "aaa #3 b": "aaa|#3 b", "aaa ## b": "aaa|\\## b", "aaa >b c": "aaa|\\>b c", "aaa 12 b": "aaa|12 b", "- a": "- a"} {
		if got := strings.Join(prose(text, 4), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestText prints the page within its columns, and commands unbroken.
func TestText(t *testing.T) {
	k := cause()
	k.Asks = []string{"Type: " + strings.Repeat("command ", 20)}
	got := Text(k, 40)
	for _, want := range []string{
		"tls.some_cause · critical\nThe origin does something.\n\nOne bold word, an inclined one and a\npath C:\\*.log that is broken.\n\n  - an item that goes on\n  - another\n\n    code stays\n    as it is\n\n<Location> is `<Location>`.\n",
		"\nMends\n  IIS: Change <this>.\n        appcmd \"x\"\n  Lunette: Set it.\n        origin:\n          http: \"1.1\"\n", "\nExplains also\n  http1.some_symptom\n", "\nSources\n  RFC 5246 section 7.4.1.1\n",
		"\n  Type: " + strings.TrimSpace(strings.Repeat("command ", 20)) + "\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestListsAndCatalogue say what there is, and what is not covered.
func TestListsAndCatalogue(t *testing.T) {
	all := []check.Check{*cause(), {Code: "dns.other", Title: "a name of so many words that its line must be broken", Severity: finding.Info}}
	if got, want := List(all, 60), "tls.some_cause  critical  the origin does something\n\ndns.other       info      a name of so many words that its\n                          line must be broken\n"; got != want {
		t.Errorf("%q, want\n%q", got, want)
	}
	index := string(Index(all))
	for _, want := range []string{"| [tls.some_cause](tls.some_cause.md) | the origin does something | critical |", "| [read.first_byte_timeout](../reasons.md#readfirst_byte_timeout) | [tls.some_cause](tls.some_cause.md) |"} {
		if !strings.Contains(index, want) {
			t.Errorf("no %q in\n%s", want, index)
		}
	}
	catalogue := string(Catalogue(all))
	for _, want := range []string{"| 33 | A HelloRequest is ignored | [tls.some_cause](tls.some_cause.md) |", "| 88 | Retries multiply a failure | none yet |"} {
		if !strings.Contains(catalogue, want) {
			t.Errorf("no %q in\n%s", want, catalogue)
		}
	}
	if e := EntryOf(&all[1]); e.Mends == nil || e.Catalogue == nil || e.Refines == nil || e.Silences == nil || e.Asks == nil || e.Sources == nil || e.On == nil || e.Needs == nil {
		t.Errorf("a list is null: %+v", e)
	}
}

// TestDocumented holds docs/formats/finding.md to the fields of an entry, both ways.
func TestDocumented(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "formats", "finding.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if cell, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(cell, "`")
			told[name] = true
		}
	}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(Entry{})) {
		name := f.Tag.Get("json")
		if !told[name] {
			t.Errorf("%s is not documented", name)
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("%s is documented and does not exist", name)
	}
}
