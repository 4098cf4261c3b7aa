package app

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// TestFaultsAreLoggedOneByOne: a fault is a record with place, error and hint that reads well in a log of lines.
func TestFaultsAreLoggedOneByOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lunette.yaml")
	text := "listen:\n  - {address: \"127.0.0.1:0\", tsl: true}\nsites:\n  - {names: [a.test], origin: {urls: [\"http://127.0.0.1:1\"], timeouts: {conect: 1s}}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, faults := config.Load(file)
	for _, c := range []struct {
		name string
		err  error
		n    int
		want []string // one line each
	}{
		{"faults of the file", faults, 2, []string{
			`level=ERROR msg="configuration fault" place=` + file + `:2:30 error="listen[0]: unknown key \"tsl\"" hint="did you mean \"tls\"?"`,
			`level=ERROR msg="configuration fault" place=` + file + `:4:73 error="sites[0].origin.timeouts: unknown key \"conect\"" hint="did you mean \"connect\"?"`}},
		{"faults of building", errors.Join(errors.New("site a: load rules:\n  line 3: bad operator"), fmt.Errorf("listen: %w", os.ErrPermission)), 2, []string{
			`level=ERROR msg="configuration fault" error="site a: load rules:; line 3: bad operator"`,
			`level=ERROR msg="configuration fault" error="listen: permission denied"`}},
		{"none", config.Faults(nil), 0, nil},
	} {
		var out bytes.Buffer
		log, err := telemetry.NewLogger(telemetry.LogConfig{}, &out)
		if err != nil {
			t.Fatal(err)
		}
		if n := logFaults(log, c.err); n != c.n {
			t.Errorf("%s: %d faults, want %d", c.name, n, c.n)
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			_, line, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ") // the time
			got = append(got, line)
		}
		if strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s:\n got %s\nwant %s", c.name, strings.Join(got, "\n     "), strings.Join(c.want, "\n     "))
		}
	}
}
