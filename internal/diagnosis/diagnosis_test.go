package diagnosis

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/manual"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/checktest"
)

// TestCodes are unique, well formed, and found by name; those that others rely on are there.
func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^[a-z][a-z0-9]*\.[a-z0-9]+(_[a-z0-9]+)*$`)
	seen := map[finding.Code]bool{}
	for _, k := range Checks() {
		if !form.MatchString(string(k.Code)) {
			t.Errorf("%s is not phase.cause in snake case", k.Code)
		}
		if seen[k.Code] {
			t.Errorf("%s is the code of two checks", k.Code)
		}
		seen[k.Code] = true
		if named, ok := Named(k.Code); !ok || named.Title != k.Title {
			t.Errorf("%s is not found by its name", k.Code)
		}
	}
	for _, fixed := range []finding.Code{"tls.hello_request_ignored", "tls.hello_request_refused", "tls.client_cert_required", "tls.client_cert_rejected", "tls.renegotiation_body_deadlock"} {
		if !seen[fixed] {
			t.Errorf("there is no %s, which is a promised name", fixed)
		}
	}
	if _, ok := Named("tls.no_such_cause"); ok {
		t.Error("a check that does not exist is found")
	}
}

// TestPapers holds that each check has all that its page needs.
func TestPapers(t *testing.T) {
	for _, k := range Checks() {
		lacks := func(when bool, what string) {
			if when {
				t.Errorf("%s: %s", k.Code, what)
			}
		}
		lacks(k.Title == "" || strings.HasSuffix(k.Title, "."), "the title is empty or ends with a full stop")
		lacks(len([]rune(k.Title)) > 125, "the title is long: "+k.Title)
		lacks(k.Severity < finding.Info || k.Severity > finding.Critical, "no severity")
		lacks(len(strings.Fields(k.Text)) < 25, "the text says too little")
		lacks(len(k.Sources) == 0, "no source")
		lacks(len(k.Mends)+len(k.Asks) == 0, "neither a mend nor a question")
		lacks(k.Run == nil, "nothing runs")
		for _, r := range k.Refines {
			lacks(!reason.Known(r), "refines "+string(r)+", which is no reason")
		}
		for _, n := range k.Catalogue {
			lacks(manual.NameOf(n) == "", "the catalogue ends before the number that it names")
		}
		for _, m := range k.Mends {
			lacks(!slices.Contains([]finding.System{finding.IIS, finding.Nginx, finding.Apache, finding.Java, finding.Node, finding.OpenSSL, finding.Origin, finding.Network, finding.Lunette}, m.On), "a mend on "+string(m.On))
			lacks(m.Do == "" || !strings.HasSuffix(m.Do, "."), "a mend is no sentence: "+m.Do)
			lacks(strings.ContainsFunc(m.Lines, func(r rune) bool { return r > '~' && r != '…' || r < ' ' && r != '\n' }), "commands with characters that a shell does not know: "+m.Lines)
		}
	}
}

// TestSilences hold that silenced codes exist, and that no two causes are symptoms of each other, over whatever way.
func TestSilences(t *testing.T) {
	below := map[finding.Code][]finding.Code{}
	for _, k := range Checks() {
		below[k.Code] = k.Silences
	}
	var walk func(from, at finding.Code, way []finding.Code)
	walk = func(from, at finding.Code, way []finding.Code) {
		for _, next := range below[at] {
			if next == from {
				t.Errorf("a circle of symptoms: %v", append(way, at, next))
				return
			}
			if !slices.Contains(way, next) && len(way) < len(below) {
				walk(from, next, append(slices.Clone(way), at))
			}
		}
	}
	for code, silenced := range below {
		for _, s := range silenced {
			if _, ok := below[s]; !ok && len(notYet()) == 0 {
				t.Errorf("%s silences %s, which is no check", code, s)
			}
		}
		walk(code, code, nil)
	}
}

// TestSamplesAmongAll tries the sample of each check with all checks: its own code comes first, and its near misses are none to it.
func TestSamplesAmongAll(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("check", "*", "testdata", "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatal("no samples: ", err)
	}
	for _, name := range names {
		code := finding.Code(strings.TrimSuffix(filepath.Base(name), ".txtar"))
		if _, ok := Named(code); !ok {
			t.Errorf("%s is the sample of no check", name)
			continue
		}
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if strings.HasPrefix(f.Name, "findings") {
				continue
			}
			c, err := checktest.Parse(string(f.Data))
			if err != nil {
				t.Errorf("%s: %s: %v", name, f.Name, err)
				continue
			}
			all := Run(c).Findings
			switch {
			case strings.HasPrefix(f.Name, "facts") && (len(all) == 0 || all[0].Code != code) && !standsBehind(all, code):
				t.Errorf("%s: found is %v, not first %s", name, found(all), code)
			case !strings.HasPrefix(f.Name, "facts") && slices.Contains(found(all), code):
				t.Errorf("%s: %s gives %v", name, f.Name, found(all))
			}
			proven(t, name, c, all)
		}
	}
}

// standsBehind reports whether a code is one of those that say what became of another cause, the one that their samples show first, or is
// merely possible beside a surer one.
func standsBehind(all []finding.Finding, code finding.Code) bool {
	behind := map[finding.Code]finding.Code{"config.health_check_blind": "http1.slow_first_byte", "config.retry_amplification": "http1.slow_first_byte", "client.gone": "http1.slow_first_byte"}
	if slices.ContainsFunc(all, func(f finding.Finding) bool { return f.Code == code && f.Confidence == finding.Possible }) && all[0].Confidence > finding.Possible {
		return true
	}
	return len(all) > 0 && all[0].Code == behind[code] && (slices.Contains(found(all), code) || slices.Contains(all[0].Hides, code))
}

func found(all []finding.Finding) []finding.Code {
	var out []finding.Code
	for i := range all {
		out = append(out, all[i].Code)
	}
	return out
}

// proven holds that each finding cites a fact, is a sentence, and says what would settle it unless it is certain.
func proven(t *testing.T, name string, c *check.Case, all []finding.Finding) {
	t.Helper()
	for i := range all {
		f := &all[i]
		if len(f.Proof) == 0 {
			t.Errorf("%s: %s cites no fact", name, f.Code)
		}
		for _, p := range f.Proof {
			if p.Text == "" || p.Index >= len(c.Flow.Facts) || p.Index >= 0 && !c.Flow.Facts[p.Index].At.Equal(p.At) {
				t.Errorf("%s: %s has a proof that is none: %+v", name, f.Code, p)
			}
		}
		if !strings.HasSuffix(f.Summary, ".") || strings.Contains(f.Summary, "\n") {
			t.Errorf("%s: %s is no sentence: %s", name, f.Code, f.Summary)
		}
		if f.Confidence == finding.Likely && f.Settle == "" || f.Confidence == finding.Certain && f.Settle != "" {
			t.Errorf("%s: %s is %s, and what would settle it is %q", name, f.Code, f.Confidence, f.Settle)
		}
	}
}
