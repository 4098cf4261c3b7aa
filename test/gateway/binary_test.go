package gateway_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lunette builds the program once, as it is shipped: without cgo.
var lunette = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lunette-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "lunette")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "github.com/lunette-waf/lunette/cmd/lunette")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		_ = os.RemoveAll(dir)
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return bin, nil
})

var built atomic.Bool // lunette was called

// TestMain removes the program that tests have built, and holds Lunette to its promise that every goroutine ends.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if left := leaked(); left != "" {
			fmt.Fprintf(os.Stderr, "goroutines left:\n%s\n", left)
			code = 1
		}
	}
	if built.Load() {
		if bin, err := lunette(); err == nil {
			_ = os.RemoveAll(filepath.Dir(bin))
		}
	}
	os.Exit(code)
}

// process is `lunette run` as a process.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	dir    string
	file   string
	stderr *lockedBuffer
	addrs  []string
	done   chan struct{}
	err    error // of Wait; valid after done
}

// run starts `lunette run` on yaml, in which {{dir}} is the folder of the file, and waits until it serves.
func run(t testing.TB, yaml string) *process {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("signals and /proc need Linux")
	}
	built.Store(true)
	bin, err := lunette()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, dir: t.TempDir(), stderr: new(lockedBuffer), done: make(chan struct{})}
	p.file = filepath.Join(p.dir, "lunette.yaml")
	p.write(yaml)
	p.cmd = exec.Command(bin, "run", p.file)
	pipe, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan string, 1)
	go func() { // ends with the process
		defer close(p.done)
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			fmt.Fprintln(p.stderr, lines.Text())
			if _, rest, ok := strings.Cut(lines.Text(), "addresses="); ok {
				select {
				case serving <- strings.Trim(rest, `"`):
				default:
				}
			}
		}
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("lunette wrote:\n%s", p.stderr)
		}
	})
	select {
	case addrs := <-serving:
		p.addrs = strings.Fields(addrs)
	case <-p.done:
		t.Fatalf("lunette ended: %v\n%s", p.err, p.stderr)
	case <-time.After(patience):
		t.Fatalf("lunette does not serve:\n%s", p.stderr)
	}
	return p
}

func (p *process) write(yaml string) {
	p.t.Helper()
	if err := os.WriteFile(p.file, []byte(strings.ReplaceAll(yaml, "{{dir}}", p.dir)), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// wait returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("lunette does not end")
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// status is a number of /proc/PID/status in KiB.
func (p *process) status(field string) int {
	p.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		var n int
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			_, _ = fmt.Sscan(rest, &n)
			return n
		}
	}
	p.t.Fatalf("/proc has no %s", field)
	return 0
}

func plainGet(t testing.TB, addr, host, path string) answer {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	return get(t, c, "http://"+addr+path, "Host", host)
}

// TestBinary runs the program and gives it the signals that an operator has.
func TestBinary(t *testing.T) {
	t.Parallel()
	slow, finish := make(chan struct{}), make(chan struct{})
	s := goOrigin(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			slow <- struct{}{}
			<-finish
		}
		fmt.Fprint(w, "ok")
	})
	config := func(site string) string {
		return fmt.Sprintf(`
listen: [{address: "127.0.0.1:0"}]
access_log: {file: access.jsonl}
drain_timeout: 20s
sites:
  - names: [%s]
    origin: {urls: [%q]}
    waf: {mode: "off"}
`, site, s.URL)
	}
	p := run(t, config("one.test"))
	addr, log := p.addrs[0], filepath.Join(p.dir, "access.jsonl")
	if a := plainGet(t, addr, "one.test", "/first"); a.status != 200 || a.body != "ok" {
		t.Fatalf("%d %q", a.status, a.body)
	}

	// SIGUSR1: logrotate has moved the log.
	until(t, "the first line is written", func() bool { return logHas(log, "/first") })
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGUSR1)
	until(t, "the log is opened anew", func() bool { _, err := os.Stat(log); return err == nil })
	plainGet(t, addr, "one.test", "/second")
	until(t, "the second line is written", func() bool { return logHas(log, "/second") })
	if logHas(log, "/first") || logHas(log+".1", "/second") {
		t.Error("lines went into the wrong file")
	}

	// SIGHUP: another site; then a file with a fault.
	p.write(config("two.test"))
	p.signal(syscall.SIGHUP)
	until(t, "the new site is served", func() bool { return plainGet(t, addr, "two.test", "/").status == 200 })
	p.write(config("two.test") + "nonsense: true\n")
	p.signal(syscall.SIGHUP)
	until(t, "the fault is told", func() bool { return strings.Contains(p.stderr.String(), "not taken over") })
	if a := plainGet(t, addr, "two.test", "/"); a.status != 200 {
		t.Errorf("after a bad file: %d", a.status)
	}

	// SIGTERM: what runs may end, nothing new is taken.
	got := make(chan answer, 1)
	go func() { got <- plainGet(t, addr, "two.test", "/slow") }()
	<-slow
	p.signal(syscall.SIGTERM)
	until(t, "the listener is closed", func() bool {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	close(finish)
	if a := <-got; a.status != 200 || a.body != "ok" {
		t.Errorf("the request under way got %d %q", a.status, a.body)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if !logHas(log, "/slow") {
		t.Error("the last request is not in the log")
	}
}

// TestBinaryKilled takes the address at once again after kill -9, and finds no broken line in the log.
func TestBinaryKilled(t *testing.T) {
	t.Parallel()
	s := goOrigin(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	yaml := func(addr, log string) string {
		return fmt.Sprintf("listen: [{address: %q}]\naccess_log: {file: %s}\nsites: [{names: [one.test], origin: {urls: [%q]}, waf: {mode: \"off\"}}]\n", addr, log, s.URL)
	}
	log := filepath.Join(t.TempDir(), "access.jsonl")
	p := run(t, yaml("127.0.0.1:0", log))
	for range 50 {
		if a := plainGet(t, p.addrs[0], "one.test", "/before"); a.status != 200 {
			t.Fatal(a.status)
		}
	}
	until(t, "lines are written", func() bool { // all of them: a kill in the midst of a write leaves half a line
		b, _ := os.ReadFile(log)
		return bytes.Count(b, []byte("\n")) == 50
	})
	p.signal(syscall.SIGKILL)
	p.wait()
	again := run(t, yaml(p.addrs[0], log))
	if a := plainGet(t, again.addrs[0], "one.test", "/after"); a.status != 200 {
		t.Fatal(a.status)
	}
	until(t, "the line after it is written", func() bool { return logHas(log, "/after") })
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	l := newAccessLog()
	_, _ = l.Write(b)
	if l.fault != nil || len(l.partial) > 0 {
		t.Errorf("the log holds a broken line: %v %q", l.fault, l.partial)
	}
}

// TestFaultyFile refuses to start on a file with faults and names all of them with their places.
func TestFaultyFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("runs the program as built for Unix")
	}
	built.Store(true)
	bin, err := lunette()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("listen: [{address: nowhere}]\nsites:\n  - names: [a.test]\n    origin: {urls: [\"https://127.0.0.1:1\"], tls: {min_version: 1.0}}\n    wfa: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "check"} {
		out, err := exec.Command(bin, command, file).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() == 0 {
			t.Errorf("%s: %v", command, err)
		}
		for _, want := range []string{"bad.yaml:1:", "bad.yaml:4:", "bad.yaml:5:", "^"} {
			if !bytes.Contains(out, []byte(want)) {
				t.Errorf("%s does not say %q:\n%s", command, want, out)
			}
		}
	}
}

func logHas(file, text string) bool {
	b, err := os.ReadFile(file)
	return err == nil && bytes.Contains(b, []byte(text))
}

// TestFlatMemory moves much through the program and bounds how far its memory grows: 64 MiB each way, or, with
// LUNETTE_SOAK=1, 1 GiB. Peak, not present: what was held for a moment counts.
func TestFlatMemory(t *testing.T) {
	t.Parallel()
	const bound = 64 << 10 // KiB beyond what it has after one small exchange of each kind
	size := int64(64 << 20)
	if os.Getenv("LUNETTE_SOAK") == "1" {
		size = 1 << 30
	}
	s := bulkOrigin(t)
	pk := newPKI(t, "*.test")
	p := run(t, listens+"sites:\n"+pk.goSite("off.test", s, "off", "")+pk.goSite("waf.test", s, "block, on_limit: partial", ""))
	g := &gateway{t: t, addrs: p.addrs}
	for _, site := range []string{"off.test", "waf.test"} {
		for _, h2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s h2=%v", site, h2), func(t *testing.T) {
				c := g.client(t, h2)
				bulk(t, c, "https://"+site, 1<<20)
				before := p.status("VmHWM")
				bulk(t, c, "https://"+site, size)
				if grown := p.status("VmHWM") - before; grown > bound {
					t.Errorf("%d MiB each way took %d MiB more memory, bound %d", size>>20, grown>>10, bound>>10)
				}
				t.Logf("peak %d MiB, before %d", p.status("VmHWM")>>10, before>>10)
			})
		}
	}
}
