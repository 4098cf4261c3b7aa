package doctor

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/cli"
	"github.com/lunette-waf/lunette/internal/lab"
)

// rootOf writes the origin's authority to a file.
func rootOf(t *testing.T, o *lab.Origin) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(name, o.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// interrupter ends a context once it has been told a certain text.
type interrupter struct {
	bytes.Buffer
	at   string
	stop context.CancelFunc
}

func (i *interrupter) Write(p []byte) (int, error) {
	n, err := i.Buffer.Write(p)
	if strings.Contains(i.String(), i.at) {
		i.stop()
	}
	return n, err
}

// TestInterrupted holds that an interrupt ends the climb at once, and that what is known by then is told.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	o, err := lab.Start(t.Context(), lab.Config{Fault: "renegotiate-accept"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &interrupter{at: "\npatience:", stop: stop}
	begun := time.Now()
	code := cli.Main(ctx, append([]string{"doctor"}, args(o, lab.Fault{}, rootOf(t, o), nil)...), out, io.Discard)
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	text := out.String()
	if code != 1 && code != 3 || !strings.Contains(text, "not whole: interrupted") || strings.Contains(text, "context canceled") || !strings.Contains(text, "tls.hello_request_") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{}, "doctor takes 1 argument (URL), got 0"},
		{[]string{"ftp://x/"}, "scheme must be https or http"},
		{[]string{"https://localhost/", "--origin", "203.0.113.5"}, "--origin-is-mine"},
		{[]string{"https://localhost/", "--path", "x"}, "--path"},
		{[]string{"https://localhost/", "--header", "a b: c"}, "--header"},
		{[]string{"https://localhost/", "--header", "a: c\r\nd: e"}, "--header"},
		{[]string{"https://localhost/", "--resolver", "x"}, "--resolver"},
		{[]string{"https://localhost/", "--client-cert", "x"}, "--client-key"},
		{[]string{"https://localhost/", "--format", "yaml"}, "--format"},
		{[]string{"https://localhost/", "--write", "no/such/folder/w.pcapng"}, "--write"},
		{[]string{"https://localhost/", "--origin-log", "no-such.log"}, "--origin-log"},
		{[]string{"https://localhost/", "--compare-origin", "127.0.0.1"}, "--compare-with"},
		{[]string{"https://localhost/", "--compare-with", "ftp://x/"}, "scheme must be https or http"},
	} {
		var out, errs bytes.Buffer
		if code := cli.Main(t.Context(), append([]string{"doctor"}, tt.args...), &out, &errs); code != 2 || !strings.Contains(errs.String(), tt.want) {
			t.Errorf("%q: exit code %d: %s", tt.args, code, errs.String())
		}
	}
}

// TestPolite holds that the origin sees no more connections than were announced, and no request but GET, HEAD and OPTIONS.
func TestPolite(t *testing.T) {
	t.Parallel()
	requested := make(chan string, 1000)
	o, err := lab.Start(t.Context(), lab.Config{Observe: func(e lab.Event) {
		if e.Kind == lab.Requested {
			requested <- e.Text
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	got := examine(t, 0, args(o, lab.Fault{}, rootOf(t, o), nil)...)
	if n := o.Connections(); n > 96 || n < len(got.Connections) {
		t.Errorf("%d connections, %d told", n, len(got.Connections))
	}
	for len(requested) > 0 {
		if r := <-requested; !strings.HasPrefix(r, "GET /") && !strings.HasPrefix(r, "HEAD /") && !strings.HasPrefix(r, "OPTIONS /") {
			t.Errorf("it was asked for %q", r)
		}
	}
}

// TestWrite holds that --write leaves a capture that explain reads.
func TestWrite(t *testing.T) {
	t.Parallel()
	o, err := lab.Start(t.Context(), lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	name := filepath.Join(t.TempDir(), "doctor.pcapng")
	examine(t, 0, append(args(o, lab.Fault{}, rootOf(t, o), nil), "--write", name)...)
	var out, errs bytes.Buffer
	if code := cli.Main(t.Context(), []string{"explain", name}, &out, &errs); code != 0 || !strings.Contains(out.String(), "hello.test.domain") {
		t.Errorf("exit code %d: %s\n%.2000s", code, errs.String(), out.String())
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
