//go:build linux && amd64

package uprobe_test

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// programOf is the name of the file that a process runs.
func programOf(t *testing.T, pid int) string {
	t.Helper()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(exe)
}

// traps lists the functions of a library in a process that begin with a breakpoint instruction, by symbols of the file.
func traps(t *testing.T, pid int, library string, functions ...string) (found []string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	for line := range strings.Lines(string(text)) {
		var from, to, offset uint64
		var rights, device, inode, path string
		if n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %s %s", &from, &to, &rights, &offset, &device, &inode, &path); n != 7 || !strings.Contains(rights, "x") || !strings.Contains(path, library) {
			continue
		}
		file, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		symbols, err := file.DynamicSymbols()
		_ = file.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range symbols {
			for _, f := range functions {
				if s.Name != f {
					continue
				}
				for _, p := range file.Progs {
					at := s.Value - p.Vaddr + p.Off
					if p.Type != elf.PT_LOAD || s.Value < p.Vaddr || s.Value >= p.Vaddr+p.Filesz || at < offset || at-offset >= to-from {
						continue
					}
					var b [1]byte
					if _, err := memory.ReadAt(b[:], int64(from+at-offset)); err != nil {
						t.Fatal(err)
					}
					if b[0] == 0xcc {
						found = append(found, f)
					}
				}
			}
		}
	}
	return found
}

// loaded lists the ids of the programs in the kernel that have our name.
func loaded(t *testing.T) map[ebpf.ProgramID]bool {
	t.Helper()
	ids := map[ebpf.ProgramID]bool{}
	for id := ebpf.ProgramID(0); ; {
		next, err := ebpf.ProgramGetNextID(id)
		if errors.Is(err, os.ErrNotExist) {
			return ids
		}
		if err != nil {
			t.Fatal(err)
		}
		id = next
		prog, err := ebpf.NewProgramFromID(id)
		if err != nil {
			continue // gone meanwhile
		}
		if info, err := prog.Info(); err == nil && info.Name == "lunette" {
			ids[id] = true
		}
		_ = prog.Close()
	}
}

// tracee is a process of OpenSSL of its own copy of libssl, so that no other reader on this machine hooks it.
func tracee(t *testing.T) (pid int, library string) {
	t.Helper()
	source := ""
	for _, path := range []string{"/usr/lib/x86_64-linux-gnu/libssl.so.3", "/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib64/libssl.so.3"} {
		if _, err := os.Stat(path); err == nil {
			source = path
			break
		}
	}
	if source == "" {
		t.Skip("no libssl.so.3 of the system")
	}
	dir := t.TempDir()
	library = filepath.Join(dir, "libssl.so.3")
	copyFile(t, source, library)
	python := peer.Need(t, "python3", "python3")
	cmd := exec.Command(python, "-c", "import ssl,sys;print('ready',flush=True);sys.stdin.read()")
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+dir)
	return startWaiting(t, cmd), library
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// startWaiting starts a process, waits for its first line and ends it with the test.
func startWaiting(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	pid, _ := startTalking(t, cmd)
	return pid
}

// startTalking is startWaiting for a process that is told something.
func startTalking(t *testing.T, cmd *exec.Cmd) (int, io.Writer) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		_ = cmd.Wait()
		t.Fatalf("%v wrote %q: %v %s", cmd.Args, line, err, &stderr)
	}
	return cmd.Process.Pid, in
}

var hooked = []string{"SSL_do_handshake", "SSL_read", "SSL_write"}

// TestNothingIsLeft: after Close the text of the traced process is what it was, and no program of ours is in the kernel.
func TestNothingIsLeft(t *testing.T) {
	pid, library := tracee(t)
	before := loaded(t)
	r := open(t, uprobe.Config{PIDs: []int{pid}})
	if got := traps(t, pid, library, hooked...); len(got) != len(hooked) {
		t.Errorf("while it reads, %v of %v are hooked", got, hooked)
	}
	mine := news(t, before)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	leftNothing(t, pid, library, mine)
}

// news are the programs that came since, of which there must be some.
func news(t *testing.T, before map[ebpf.ProgramID]bool) map[ebpf.ProgramID]bool {
	t.Helper()
	mine := loaded(t)
	for id := range before {
		delete(mine, id)
	}
	if len(mine) == 0 {
		t.Error("no program was loaded")
	}
	return mine
}

// leftNothing checks text and programs. What others on this machine load meanwhile does not count.
func leftNothing(t *testing.T, pid int, library string, mine map[ebpf.ProgramID]bool) {
	t.Helper()
	// The kernel frees programs a moment after their last link.
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		traps, left := traps(t, pid, library, hooked...), 0
		for id := range loaded(t) {
			if mine[id] {
				left++
			}
		}
		if len(traps) == 0 && left == 0 {
			return
		}
		select {
		case <-late.C:
			t.Fatalf("%v are hooked still, %d programs are in the kernel still", traps, left)
		case <-tick.C:
		}
	}
}

// TestKilled: a reader that is killed leaves nothing either.
func TestKilled(t *testing.T) {
	if err := uprobe.Allowed(); err != nil {
		t.Skip(err)
	}
	pid, library := tracee(t)
	before := loaded(t)
	reader := exec.Command(os.Args[0], "-test.run=^TestReaderProcess$")
	reader.Env = append(os.Environ(), fmt.Sprintf("LUNETTE_UPROBE_READ=%d", pid))
	out, err := reader.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := reader.StdinPipe() // its end is that of the reader, should this process end before
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	got := traps(t, pid, library, hooked...)
	mine := news(t, before)
	_ = reader.Process.Kill()
	_, _ = io.Copy(io.Discard, out)
	_ = reader.Wait() // killed
	if err != nil || line != "reading\n" || len(got) != len(hooked) {
		t.Errorf("the reader wrote %q (%v), and %v of %v were hooked", line, err, got, hooked)
	}
	leftNothing(t, pid, library, mine)
}

// TestReaderProcess is the process that TestKilled kills.
func TestReaderProcess(t *testing.T) {
	var pid int
	if n, _ := fmt.Sscan(os.Getenv("LUNETTE_UPROBE_READ"), &pid); n != 1 {
		t.Skip("a part of TestKilled")
	}
	r, err := uprobe.Open(uprobe.Config{PIDs: []int{pid}})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("reading")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	_, _ = r.Next(ctx)
}
