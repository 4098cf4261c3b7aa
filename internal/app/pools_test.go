package app

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"testing"
)

// Routes share connections and health checks with the site, and with each other, where their origin settings are the same.
func TestRoutesShareOrigins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lunette.yaml")
	put(t, path, []byte(`listen: [{address: "127.0.0.1:0"}]
sites:
  - names: [a.test]
    waf: {mode: "off"}
    origin: {urls: ["http://127.0.0.1:1"]}
    routes:
      - {path: /upload/, limits: {body: 1GiB}}
      - {path: /slow/, timeouts: {first_byte: 10m}}
      - {path: /slower/, timeouts: {first_byte: 10m}, limits: {body: 1MiB}}
      - {path: /other/, origin: {urls: ["http://127.0.0.1:2"]}}
  - names: [b.test]
    waf: {mode: "off"}
    origin: {urls: ["http://127.0.0.1:1"]}
`))
	a, err := New(path, Options{Log: io.Discard, Access: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer a.abandon()
	labels := func() (out []string) {
		for _, s := range a.pipe.graph.Load().PoolStats() {
			out = append(out, fmt.Sprintf("%s %s %s", s.Site, s.Route, s.Origin))
		}
		return out
	}
	want := []string{"a.test  http://127.0.0.1:1", "a.test /slow/ http://127.0.0.1:1", "a.test /other/ http://127.0.0.1:2", "b.test  http://127.0.0.1:1"}
	if got := labels(); !slices.Equal(got, want) {
		t.Errorf("origins\n%q, want\n%q", got, want)
	}
	before := a.pipe.graph.Load()
	if err := a.Reload(); err != nil {
		t.Fatal(err)
	}
	after := a.pipe.graph.Load()
	for key, o := range before.origins {
		if after.origins[key] != o {
			t.Errorf("a reload without a change made origin %.20s anew", key)
		}
	}
}
