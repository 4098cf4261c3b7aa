package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server under measurement, or the origin.
type process struct {
	name string
	cmd  *exec.Cmd
	out  *os.File
	done chan struct{} // closed once it has ended
}

// start runs a server whose output goes to NAME.log in dir, and waits until it listens on every one of addrs.
func start(ctx context.Context, dir, name string, addrs []string, argv ...string) (*process, error) {
	out, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(argv[0], argv[1:]...) //nolint:gosec // the servers of the bench
	cmd.Stdout, cmd.Stderr, cmd.Dir = out, out, dir
	if err := cmd.Start(); err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, out: out, done: make(chan struct{})}
	go func() { // ends with the process, which stop ends
		_ = cmd.Wait()
		close(p.done)
	}()
	for _, a := range addrs {
		if err := p.listening(ctx, a); err != nil {
			p.stop()
			return nil, err
		}
	}
	return p, nil
}

// listening waits until something accepts on addr.
func (p *process) listening(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var d net.Dialer
	for {
		c, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			log, _ := os.ReadFile(p.out.Name())
			return fmt.Errorf("start %s: it ended: %s", p.name, bytes.TrimSpace(log))
		case <-ctx.Done():
			return fmt.Errorf("start %s: not listening on %s: %w", p.name, addr, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the process, by force after a while.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.out.Close()
}

// tree returns the process and all that descend from it.
func (p *process) tree() []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if f, err := statFields(pid); err == nil {
			parent, _ := strconv.Atoi(f[1])
			children[parent] = append(children[parent], pid)
		}
	}
	out := []int{p.cmd.Process.Pid}
	for i := 0; i < len(out); i++ {
		out = append(out, children[out[i]]...)
	}
	return out
}

// statFields returns /proc/PID/stat from its third field, the state, on: the name before it may hold anything.
func statFields(pid int) ([]string, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 15 {
		return nil, errors.New("read process state: too few fields")
	}
	return f, nil
}

// tick is the unit of CPU time in /proc: USER_HZ, 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpu is the CPU time, of user and system, that the process and its children have used so far.
func (p *process) cpu() time.Duration {
	var total time.Duration
	for _, pid := range p.tree() {
		f, err := statFields(pid)
		if err != nil {
			continue
		}
		for _, s := range f[11:15] { // utime stime cutime cstime
			n, _ := strconv.ParseInt(s, 10, 64)
			total += time.Duration(n) * tick
		}
	}
	return total
}

// rss is the memory in use, in bytes: of all its processes, shared pages once (Pss).
func (p *process) rss() int64 {
	var total int64
	for _, pid := range p.tree() {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				n, _ := strconv.ParseInt(f[1], 10, 64)
				total += n << 10
			}
		}
	}
	return total
}

// freeAddr returns a loopback address that is free at the moment.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}
