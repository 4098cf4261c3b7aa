package analysis

import (
	"os"
	"reflect"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/test/captures"
)

// keysOf returns the secrets that belong to a capture.
func keysOf(t testing.TB, c *captures.Capture) *secrets.Store {
	t.Helper()
	store := secrets.New()
	if c.KeyLog != "" {
		f, err := os.Open(c.KeyLog)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := store.AddKeyLog(c.KeyLog, f); err != nil {
			t.Fatal(err)
		}
	}
	if c.RSA {
		data, err := os.ReadFile(captures.RSAKeyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.AddPrivateKey("server", data, nil); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// analyse runs one file.
func analyse(t testing.TB, path string, cfg Config) *Report {
	t.Helper()
	input, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Inputs = []Input{input}
	report, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return report
}

// The result does not depend on how many work, and what the index says of a capture is found in it.
func TestEveryCapture(t *testing.T) {
	for _, c := range captures.All(t) {
		var first *Report
		for _, workers := range []int{1, 2, 4} {
			report := analyse(t, c.Path, Config{Secrets: keysOf(t, &c), Workers: workers, Flow: flow.Config{KeyLog: true}})
			if first == nil {
				first = report
			} else if !reflect.DeepEqual(first, report) {
				t.Errorf("%s: %d workers report something else than one", c.Name, workers)
			}
		}
		if len(first.Flows) == 0 {
			t.Errorf("%s: no flows", c.Name)
			continue
		}
		opened, handshakes := int64(0), 0
		for _, f := range first.Flows {
			for i := 1; i < len(f.Facts); i++ {
				if f.Facts[i].At.Before(f.Facts[i-1].At) {
					t.Errorf("%s: fact %d of flow %d is out of order", c.Name, i, f.ID)
				}
			}
			if f.TLS != nil {
				opened += f.TLS.Decrypted
				handshakes += f.TLS.Handshakes
			}
		}
		if keys := c.KeyLog != "" || c.RSA || c.DSB; keys && handshakes > 0 && opened == 0 {
			t.Errorf("%s: nothing was opened", c.Name)
		}
	}
}
