package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

//go:generate go test -run TestKeysPageIsFresh -update .

var update = flag.Bool("update", false, "rewrite docs/keys.md from the texts of \"lunette keys\"")

const keysHead = `<!-- Code generated from internal/cli by "go generate ./internal/cli"; DO NOT EDIT. -->

# Secrets for recorded TLS traffic

` + "`lunette keys PROGRAM`" + ` prints the same in the terminal.

`

// keysPage is docs/keys.md.
func keysPage() []byte {
	var b bytes.Buffer
	b.WriteString(keysHead)
	writeSteps(&b, keysOverview())
	b.WriteString("| program | how |\n|---|---|\n")
	for _, r := range recipes() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", r.name, r.name, r.short)
	}
	for _, r := range recipes() {
		fmt.Fprintf(&b, "\n## %s\n\n**%s**\n\n", r.name, r.title)
		writeSteps(&b, r.steps)
	}
	return append(bytes.TrimRight(b.Bytes(), "\n"), '\n')
}

func writeSteps(b *bytes.Buffer, steps []step) {
	for _, s := range steps {
		b.WriteString(s.say + "\n\n")
		if s.do != "" {
			fmt.Fprintf(b, "```%s\n%s\n```\n\n", s.lang, strings.TrimRight(s.do, "\n"))
		}
	}
}

func TestKeysPageIsFresh(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "keys.md")
	want := keysPage()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
		t.Error("docs/keys.md is not what the texts say: run go generate ./internal/cli")
	}
}

func run(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = Main(t.Context(), args, &o, &e)
	return o.String(), e.String(), code
}

func TestKeys(t *testing.T) {
	out, _, code := run(t, "keys")
	if code != exitOK || !strings.Contains(out, "--keylog keys.txt") || !strings.Contains(out, "  nginx     no key log of its own") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	for name, want := range map[string]string{
		"nginx": "env SSLKEYLOGFILE;", "iis": "Export-PfxCertificate", "schannel": "certutil -p PASSWORD -exportPFX My THUMBPRINT", "haproxy": "tune.ssl.keylog on",
		"apache": "export SSLKEYLOGFILE", "curl": "--tls-max 1.2", "go": "KeyLogWriter", "java": "-javaagent", "node": "--tls-keylog", "Python": "keylog_filename",
		"browser": "$env:SSLKEYLOGFILE", "envoy": "key_log:", "caddy": "insecure_secrets_log", "gnutls": "gnutls-cli", "openssl": "-keylogfile", "lunette": "--key origin.pfx", "live": "--exe nginx", "ebpf": "--pid 4711",
	} {
		out, errs, code := run(t, "keys", name)
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d, no %q in\n%s%s", name, code, want, out, errs)
		}
	}
	if _, errs, code := run(t, "keys", "netscape"); code != exitUsage || !strings.Contains(errs, `unknown program "netscape"; there are live, lunette, nginx,`) {
		t.Errorf("exit %d: %s", code, errs)
	}
	if _, errs, code := run(t, "keys", "nginx", "apache"); code != exitUsage || !strings.Contains(errs, "keys takes one program, got 2") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestRecipesAreWhole holds that each can be found under one name only, and fits a terminal.
func TestRecipesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range recipes() {
		for _, name := range append([]string{r.name}, r.aliases...) {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("%s: the name %q is taken, or not lower case", r.name, name)
			}
			seen[name] = true
		}
		if r.title == "" || r.short == "" || len(r.short) > 88 || len(r.steps) == 0 {
			t.Errorf("%s is not whole", r.name)
		}
		for _, s := range r.steps {
			if s.say == "" || (s.do == "") != (s.lang == "") || strings.Contains(s.do, "```") {
				t.Errorf("%s: a step without words, or with half a command: %q", r.name, s.say)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"":               "\n",
		"a bc  def":      "a bc\ndef\n",
		"abcdefghij k":   "abcdefghij\nk\n",
		"äö üß":          "äö üß\n",
		"one\ntwo three": "one\ntwo\nthree\n",
	} {
		var b strings.Builder
		if wrap(&b, text, 6); b.String() != want {
			t.Errorf("%q: %q, want %q", text, b.String(), want)
		}
	}
}

func TestPasswordFromFile(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "se cret\r\nmore\n": "se cret", "\xef\xbb\xbfsecret\r\n": "secret", "": "", " x \n": " x ", "\n": "",
		"\xff\xfep\x00\xe4\x00s\x00s\x00\r\x00\n\x00x\x00": "päss", "\xfe\xff\x00p\x00\xe4\x00\n": "pä", "p\x00w\x00\r\x00\n\x00": "pw", "\x00p\x00w\x00\n": "pw",
		"\xff\xfe=\xd8\x00\xdea\x00": "😀a", "\xff\xfe": "", "\xff\xfep\x00\xe4": "p",
	} {
		path := filepath.Join(dir, "password")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := passwordFrom(t.Context(), path, "password", io.Discard)()
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	long := filepath.Join(dir, "long")
	if err := os.WriteFile(long, bytes.Repeat([]byte("x"), maxPassword+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := passwordFrom(t.Context(), long, "password", io.Discard)(); err == nil || strings.Contains(err.Error(), "xxx") {
		t.Errorf("a long line: %v", err)
	}
	if _, err := passwordFrom(t.Context(), filepath.Join(dir, "none"), "password", io.Discard)(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestPasswordInterrupted asks at the terminal, where there is one, with a context that is over: there is an error either way.
func TestPasswordInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var asked bytes.Buffer
	_, err := passwordFrom(ctx, "", "password of \x1b[31mkey.pfx", &asked)()
	if !errors.Is(err, errNoTerminal) && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if strings.Contains(asked.String(), "\x1b") {
		t.Errorf("%q", asked.String())
	}
}
