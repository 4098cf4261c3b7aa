package founding

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/sniff"
)

// process is the program as it is shipped, under way.
type process struct {
	cmd       *exec.Cmd
	out, errs output
	done      chan struct{} // closed once it has ended
}

// build makes the program.
func build(t *testing.T) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "lunette")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", bin, "github.com/lunette-waf/lunette/cmd/lunette")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	return bin
}

func launch(t *testing.T, bin string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(bin, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.errs
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.done); _ = p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			t.Logf("lunette %s (pid %d) wrote:\n%s%s", strings.Join(args, " "), p.cmd.Process.Pid, &p.out, &p.errs)
		}
	})
	return p
}

// end sends a signal and waits until the process is gone.
func (p *process) end(s os.Signal) int {
	_ = p.cmd.Process.Signal(s)
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// serves starts the gateway on a configuration and returns once it takes connections, with its address.
func serves(t *testing.T, bin, file string) (p *process, addr string) {
	t.Helper()
	p = launch(t, bin, "run", file)
	line := p.errs.await(t, patience, "serving")
	_, addr, _ = strings.Cut(line, "addresses=")
	addr, _, _ = strings.Cut(addr, " ")
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatalf("no address in %s", line)
	}
	return p, addr
}

// once runs a command to its end.
func once(t *testing.T, bin string, args ...string) string {
	t.Helper()
	out, err := exec.Command(bin, args...).Output()
	if err != nil {
		t.Fatalf("lunette %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestProgram is the incident with the program as it is shipped, each part a process: the gateway that refuses and is killed by SIGKILL,
// and the one that waits behind a careless proxy, whose leg watch and capture look at.
func TestProgram(t *testing.T) { // not beside others: it keeps the machine busy while it builds
	bin := build(t)
	d := dialects()[1]
	for name, part := range map[string]func(t *testing.T, bin, origin string, d dialect){"killed": killed, "beside": besideProcesses} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part(t, bin, origins()["Apache"](t, d), d)
		})
	}
}

// killed: what was counted before kill -9 is there afterwards, and what goes on failing is the same incident.
func killed(t *testing.T, bin, origin string, _ dialect) {
	folder := filepath.Join(t.TempDir(), "incidents")
	s := settings{folder: folder, sites: site("shop.test", "https://"+origin, "      tls: {verify: none, renegotiation: never}\n")}
	file := filepath.Join(t.TempDir(), "lunette.yaml")
	if err := os.WriteFile(file, []byte(s.yaml(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	var first listed
	for n := int64(1); n <= 3; n++ {
		p, addr := serves(t, bin, file)
		if resp, err := get(addr, nil, "http://shop.test/login/", patience); err != nil || resp.StatusCode != 502 {
			t.Fatal(resp, err)
		}
		i := incident(t, folder, refused, n, patience)
		if n == 1 {
			first = i
		}
		p.end(syscall.SIGKILL)
		if all := incidents(t, folder); i.ID != first.ID || len(all) != 1 || all[0].Count != n || all[0].State == "resolved" {
			t.Errorf("failure %d: first %+v, now %+v", n, first, all)
		}
	}
	out := filepath.Join(t.TempDir(), "exported")
	once(t, bin, "incidents", "export", first.ID, "--folder", folder, "-o", out)
	if text := once(t, bin, "explain", filepath.Join(out, "flow.pcapng")); !strings.Contains(text, refused) || !strings.Contains(text, "certain") {
		t.Errorf("lunette explain says of flow.pcapng:\n%s", text)
	}
}

// besideProcesses: the request waits, and who looks at the leg of the careless proxy knows why.
func besideProcesses(t *testing.T, bin, origin string, d dialect) {
	if err := sniff.Allowed(); err != nil {
		t.Skip("needs packets: ", err)
	}
	dir := t.TempDir()
	file, packets, watched := filepath.Join(dir, "lunette.yaml"), filepath.Join(dir, "x.pcapng"), filepath.Join(dir, "watched")
	s := settings{folder: filepath.Join(dir, "incidents"), sites: site("shop.test", "http://"+careless(t, origin, d), "    stall_after: 4s\n")}
	if err := os.WriteFile(file, []byte(s.yaml(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	run, addr := serves(t, bin, file)
	watch := launch(t, bin, "watch", "--interface", "lo", "--host", origin, "--folder", watched, "--plain", "--json")
	capture := launch(t, bin, "capture", "--interface", "lo", "--host", origin, "-w", packets)
	watch.errs.await(t, patience, "watching lo")
	capture.errs.await(t, patience, "an interrupt ends it")
	begun := time.Now()
	answered := make(chan struct{})
	ctx, giveUp := context.WithCancel(context.Background())
	defer func() { giveUp(); <-answered }()
	go func() { defer close(answered); wait(ctx, addr, "shop.test", "/login/") }()
	var l struct {
		Finding struct{ Code, Confidence string }
	}
	line := watch.out.await(t, patience, `"kind":"failure"`)
	if took := time.Since(begun); json.Unmarshal([]byte(line), &l) != nil || fmt.Sprint(l.Finding) != "{"+ignored+" certain}" || took > soon {
		t.Errorf("watch says after %v: %s", took, line)
	}
	if code := capture.end(os.Interrupt); code != 0 {
		t.Errorf("capture: exit %d", code)
	}
	text := once(t, bin, "explain", packets)
	if took := time.Since(begun); !strings.Contains(text, ignored+" · critical · certain") || took > soon {
		t.Errorf("after %v lunette explain says:\n%s", took, text)
	}
	(&gateway{t: t, folder: s.folder}).silent(t, &run.errs, begun)
	if code := watch.end(os.Interrupt); code != 0 {
		t.Errorf("watch: exit %d", code)
	}
	if text := once(t, bin, "incidents", "--folder", watched); !strings.Contains(text, ignored+" · certain") {
		t.Errorf("lunette incidents says of what watch kept:\n%s", text)
	}
}
