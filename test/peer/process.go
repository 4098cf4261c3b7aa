package peer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 60 * time.Second // a JVM on a busy machine
	stopTimeout  = 10 * time.Second
	pollEvery    = 5 * time.Millisecond
)

// command says how to start one server.
type command struct {
	name    string
	path    string
	args    []string
	env     []string // beside our own environment
	dir     string   // where its files are; its output goes to output.log there
	ports   []int    // that it must listen on; empty: it picks its own
	listens int      // how many listeners to wait for when it picks its own; 0 means 1
}

// errInUse says that somebody else took the port between choosing it and listening on it.
var errInUse = errors.New("address already in use")

// process is a started command.
type process struct {
	cmd    *exec.Cmd
	output string        // file
	stdin  io.Closer     // held open: some servers end with their input
	done   chan struct{} // closed when it has ended
	err    error         // of Wait; valid after done
}

// start runs c until it listens and returns its addresses; the process is stopped when the test ends.
// It returns errInUse when a chosen port was taken.
func start(t testing.TB, c command) (*Server, error) {
	t.Helper()
	p, err := launch(c)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	addrs, err := p.ready(c)
	if err != nil {
		p.stop()
		out := p.tail(c.dir)
		if strings.Contains(out, "ddress already in use") || strings.Contains(out, "EADDRINUSE") {
			return nil, errInUse
		}
		return nil, fmt.Errorf("start %s: %w\n%s", c.name, err, out)
	}
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s (pid %d) wrote:\n%s", c.name, p.cmd.Process.Pid, p.tail(c.dir))
		}
	})
	return &Server{Name: c.name, Addr: addrs[0], Addrs: addrs, Dir: c.dir, PID: p.cmd.Process.Pid, proc: p}, nil
}

// must is start for servers that pick their own port.
func must(t testing.TB, c command) *Server {
	t.Helper()
	s, err := start(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withPorts starts a server that must be told its ports: it chooses n free ones, lets build write the configuration
// for them, and tries again when one of them was taken meanwhile.
func withPorts(t testing.TB, n int, build func(ports []int) command) *Server {
	t.Helper()
	for range 10 {
		ports := freePorts(t, n)
		c := build(ports)
		c.ports = ports
		s, err := start(t, c)
		if errors.Is(err, errInUse) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatal("ten times in a row a free port was taken before the server could listen on it")
	return nil
}

// freePorts returns n different ports on 127.0.0.1 that were free just now.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // all at the end, so that they differ
		ports[i] = ln.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// launch starts c. One locked thread starts it and waits for it, because the kernel ties the parent-death signal,
// which ends the server when the test binary is killed, to the thread.
func launch(c command) (*process, error) {
	out, err := os.OpenFile(filepath.Join(c.dir, "output.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	in, hold, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, out
	cmd.SysProcAttr = attributes()
	p := &process{cmd: cmd, output: out.Name(), stdin: hold, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // ends with the thread
		err := cmd.Start()
		_, _ = in.Close(), out.Close()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(err, hold.Close())
	}
	return p, nil
}

// ready waits until the process itself listens on every port that c names, or on as many as c expects.
func (p *process) ready(c command) ([]string, error) {
	want := max(c.listens, len(c.ports), 1)
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if addrs := ordered(listeners(p.cmd.Process.Pid), c.ports); len(addrs) >= want {
			return addrs, nil
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("it ended before it listened: %v", p.err)
		case <-late.C:
			return nil, fmt.Errorf("it does not listen after %v", startTimeout)
		case <-tick.C:
		}
	}
}

// stop asks the process to end, waits, and kills it when it does not.
func (p *process) stop() {
	select {
	case <-p.done:
		return
	default:
	}
	wake(p.cmd.Process)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.stdin.Close()
	late := time.NewTimer(stopTimeout)
	defer late.Stop()
	select {
	case <-p.done:
	case <-late.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// tail returns the end of every log in dir.
func (p *process) tail(dir string) string {
	const most = 8 << 10
	var b strings.Builder
	logs, _ := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, name := range logs {
		data, err := os.ReadFile(name)
		if err != nil || len(data) == 0 {
			continue
		}
		cut := ""
		if len(data) > most {
			cut = fmt.Sprintf("(%d bytes before)\n", len(data)-most)
			data = data[len(data)-most:]
		}
		fmt.Fprintf(&b, "--- %s\n%s%s", filepath.Base(name), cut, data)
	}
	return b.String()
}
