package cli

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/lunette-waf/lunette/test/captures"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"lunette": func() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		os.Exit(Main(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", Setup: func(env *testscript.Env) error {
		env.Setenv("CAPTURES", captures.Dir())
		return nil
	}})
}

// TestDemo runs the demo and holds it to its four outcomes: the numbers are what the README promises.
func TestDemo(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	if code := Main(t.Context(), []string{"demo"}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s\n%s", code, errs.String(), out.String())
	}
	for _, want := range []string{
		"GET / → 200", "GET / → 504 after 5.0", "\"renegotiations\":1, \"cert_requested\":true", "→ 403, id ", "rule 942100", "sslFlags:\"Ssl\"",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show %q:\n%s", want, out.String())
		}
	}
}
