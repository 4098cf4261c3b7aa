package findings

import (
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
)

// minimalSite is what the lines of a mend on Lunette are put into, below sites[].
const minimalSite = `
listen: [{address: "127.0.0.1:8080"}]
sites:
  - names: [shop.example]
    origin: {urls: ["https://192.0.2.20"], host: shop.example}
`

// TestMendsOnLunetteLoad puts the lines of each mend on Lunette into a minimal site and loads it: no key is misspelt, no value refused.
func TestMendsOnLunetteLoad(t *testing.T) {
	n := 0
	for _, k := range diagnosis.Checks() {
		for _, m := range k.Mends {
			if m.On != finding.Lunette || m.Lines == "" {
				continue
			}
			n++
			loads(t, &k, m.Lines)
		}
	}
	if n == 0 {
		t.Error("no check has a mend on Lunette")
	}
}

func loads(t *testing.T, k *check.Check, lines string) {
	t.Helper()
	var whole, part map[string]any
	if err := yaml.Unmarshal([]byte(minimalSite), &whole); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(filledIn(lines)), &part); err != nil {
		t.Errorf("%s: the lines are no YAML: %v\n%s", k.Code, err, lines)
		return
	}
	site, ok := whole["sites"].([]any)[0].(map[string]any)
	if !ok {
		t.Fatal("the minimal site is none")
	}
	merge(site, part)
	data, err := yaml.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	_, faults := config.Parse("lunette.yaml", t.TempDir(), data, time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	for _, f := range faults {
		if f.Severity == config.Warning || strings.Contains(f.Message, "no such file") { // files are those of whoever reads it
			continue
		}
		t.Errorf("%s: %s: %s\n%s", k.Code, f.Key, f.Message, lines)
	}
}

// filledIn are lines with what is to be filled in by hand.
func filledIn(lines string) string {
	return strings.NewReplacer("RESOLVER-2", "192.0.2.54", "RESOLVER", "192.0.2.53", "ORIGIN-ADDRESS", "192.0.2.10", "ORIGIN-2-ADDRESS", "192.0.2.11").Replace(check.Example(lines))
}

// merge puts the keys of from into to; those of mappings that both have, one by one.
func merge(to, from map[string]any) {
	for key, v := range from {
		below, ok := v.(map[string]any)
		there, both := to[key].(map[string]any)
		if ok && both {
			merge(there, below)
			continue
		}
		to[key] = v
	}
}
