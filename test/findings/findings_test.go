// Package findings holds that the checks find in the recorded captures what is wrong with each, with secrets and without.
package findings

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/test/captures"
)

// diagnose runs all checks on the capture with this name, one result for each of its flows; keyed: with the secrets that belong to it.
func diagnose(t *testing.T, name string, keyed bool) []check.Result {
	t.Helper()
	var out []check.Result
	for _, c := range cases(t, name, keyed) {
		out = append(out, diagnosis.Run(c))
	}
	return out
}

// cases are the flows of a capture as checks see them.
func cases(t *testing.T, name string, keyed bool) []*check.Case {
	t.Helper()
	for _, c := range captures.All(t) {
		if c.Name != name {
			continue
		}
		input, err := analysis.File(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		cfg := analysis.Config{Inputs: []analysis.Input{input}, Secrets: secrets.New(), Flow: flow.Config{}}
		if keyed {
			addSecrets(t, cfg.Secrets, &c)
		}
		report, err := analysis.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return evidence.Cases(report.Flows)
	}
	t.Fatalf("no capture is called %q", name)
	return nil
}

func addSecrets(t *testing.T, to *secrets.Store, c *captures.Capture) {
	t.Helper()
	if c.KeyLog != "" {
		f, err := os.Open(filepath.Clean(c.KeyLog))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := to.AddKeyLog(c.KeyLog, f); err != nil {
			t.Fatal(err)
		}
	}
	if c.RSA {
		data, err := os.ReadFile(captures.RSAKeyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := to.AddPrivateKey("server", data, nil); err != nil {
			t.Fatal(err)
		}
	}
}
