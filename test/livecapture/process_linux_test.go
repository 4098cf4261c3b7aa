package livecapture_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// built is set once binary was called.
var built atomic.Bool

// binary builds the program once for all tests that need it as a process.
var binary = sync.OnceValues(func() (string, error) {
	built.Store(true)
	dir, err := os.MkdirTemp("", "lunette-capture-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "lunette")
	// As make build does it, so that what that compiled is taken.
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "github.com/lunette-waf/lunette/cmd/lunette")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return bin, os.Chmod(dir, 0o755)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if !built.Load() {
		os.Exit(code)
	}
	if bin, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// process is lunette as a process.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr *text
	done           chan error
}

// launch runs lunette in dir, as nobody where that is asked for.
func launch(t *testing.T, dir string, nobody bool, args ...string) *process {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(bin, args...), stdout: newText(), stderr: newText(), done: make(chan error, 1)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.stdout, p.stderr
	if nobody {
		p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.done <- <-p.done
	})
	return p
}

func (p *process) end() int {
	err := <-p.done
	p.done <- err
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) interrupt() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Fatal(err)
	}
	return p.end()
}

// open is a folder that nobody may write to, with the token readable.
func open(t *testing.T, g *gateway) (dir, token string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lunette-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	token = filepath.Join(dir, "token")
	if g != nil {
		put(t, token, "0123456789abcdef0123")
		if err := os.Chmod(token, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir, token
}

func rootOnly(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("becoming somebody else needs root")
	}
}

// TestWithoutRoot holds that who may not capture packets gets what the gateway has recorded, that it opens decrypted, that a connection that
// lasts is in it, and that all of this is said.
func TestWithoutRoot(t *testing.T) {
	rootOnly(t)
	g := start(t, "", "")
	dir, token := open(t, g)
	file := filepath.Join(dir, "x.pcapng")
	p := launch(t, dir, true, "capture", "--admin", g.app.AdminAddr(), "--token-file", token, "--site", "shop.test", "-w", file)
	p.stderr.await(t, "an interrupt ends it")
	for _, site := range []string{"shop.test", "blog.test"} {
		if status, _ := g.get(site, "/by-"+site); status != 200 {
			t.Fatal(status)
		}
	}
	if code := p.interrupt(); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, p.stderr)
	}
	for _, want := range []string{"CAP_NET_RAW", "flight recorder", "1 connection"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("%q is not said:\n%s", want, p.stderr)
		}
	}
	if got := tshark(t, file, "http.request", "http.request.uri"); got != "/by-shop.test\n" {
		t.Errorf("requests: %q\n%s", got, p.stderr)
	}
	onlySecretsOf(t, file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}

// TestNeither holds that without a gateway and without the right to capture the ways out are said.
func TestNeither(t *testing.T) {
	rootOnly(t)
	dir, _ := open(t, nil)
	p := launch(t, dir, true, "capture", "--host", "192.0.2.1")
	if code := p.end(); code != 1 || strings.Count(p.stderr.String(), "lunette: or ") != 2 || !strings.Contains(p.stderr.String(), "three ways out") {
		t.Errorf("exit code %d:\n%s", code, p.stderr)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.pcapng"))
	if err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}

// TestPipe holds that packets come through standard output while the capture lasts, and that the end of the reader is the end of it.
func TestPipe(t *testing.T) {
	needRoot(t)
	g := start(t, "", "")
	p := launch(t, t.TempDir(), false, "capture", "--admin", g.app.AdminAddr(), "--token-file", g.token, "--site", "shop.test", "-w", "-")
	p.stderr.await(t, "an interrupt ends it")
	if status, _ := g.get("shop.test", "/piped"); status != 200 {
		t.Fatal(status)
	}
	p.stdout.await(t, "CLIENT_RANDOM")
	p.stdout.await(t, "shop.test") // the name in the hello, behind the secrets
	if code := p.interrupt(); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, p.stderr)
	}
	file := filepath.Join(t.TempDir(), "x.pcapng")
	put(t, file, p.stdout.String())
	if got := tshark(t, file, "http.request", "http.request.uri"); got != "/piped\n" {
		t.Errorf("requests: %q\n%s", got, p.stderr)
	}
}

// TestDiskFull holds that a full disk ends a capture with an error, and that what stands in the file is whole.
func TestDiskFull(t *testing.T) {
	needRoot(t)
	rootOnly(t)
	g := start(t, "", "")
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("a small disk needs the right to mount: ", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	file := filepath.Join(dir, "x.pcapng")
	c := g.capture("--site", "shop.test", "-w", file)
	for i := 0; len(c.code) == 0 && i < 1000; i++ {
		if status, _ := g.get("shop.test", "/"+strings.Repeat("x", 4000)); status != 200 {
			t.Fatal(status)
		}
	}
	if code := c.end(); code != 1 || !strings.Contains(c.stderr.String(), "no space left") {
		t.Errorf("exit code %d:\n%s", code, c.stderr)
	}
	copied := filepath.Join(t.TempDir(), "copy.pcapng")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	put(t, copied, string(b))
	if got := tshark(t, copied, "http.request", "http.request.method"); !strings.HasPrefix(got, "GET\n") || len(bytes.TrimSpace(b)) == 0 {
		t.Errorf("requests: %q\n%s", got, c.stderr)
	}
}
