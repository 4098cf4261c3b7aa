package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/lunette-waf/lunette/test/peer"
)

// TestUnroutable runs the program in a network of its own, in which some addresses lead nowhere.
func TestUnroutable(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"unshare", "nsenter"} {
		peer.Need(t, program, "util-linux")
	}
	peer.Need(t, "ip", "iproute2")
	if out, err := exec.Command("unshare", "-rn", "true").CombinedOutput(); err != nil {
		t.Skipf("a network namespace of our own: %v %s", err, out)
	}
	built.Store(true)
	bin, err := lunette()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "lunette.yaml")
	yaml := "listen: [{address: \"127.0.0.1:8080\"}]\naccess_log: {file: access.jsonl}\nsites:\n" // nobody else is in this network
	origins := []struct{ name, addr, reason string }{
		{"unreachable", "192.0.2.1", "tcp.no_route"},
		{"no-network", "198.51.100.1", "tcp.no_route"},
	}
	for _, o := range origins {
		yaml += fmt.Sprintf("  - {names: [%s.test], origin: {urls: [\"http://%s\"]}, waf: {mode: \"off\"}}\n", o.name, o.addr)
	}
	if err := os.WriteFile(config, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr := new(lockedBuffer)
	cmd := exec.Command("unshare", "-rn", "sh", "-c", `ip link set lo up && ip route add unreachable 192.0.2.0/24 && exec "$0" run "$1"`, bin, config)
	cmd.Stderr = stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	until(t, "it serves", func() bool { return strings.Contains(stderr.String(), "msg=serving") })
	for _, o := range origins {
		var out, errs bytes.Buffer
		get := exec.Command("nsenter", "-t", fmt.Sprint(cmd.Process.Pid), "-U", "--preserve-credentials", "-n",
			peer.Need(t, "curl", "curl"), "-q", "-sSi", "--noproxy", "*", "-H", "Host: "+o.name+".test", "http://127.0.0.1:8080/")
		get.Stdout, get.Stderr = &out, &errs
		var exit *exec.ExitError
		if err := get.Run(); errors.As(err, &exit) {
			t.Fatalf("curl: %v %s", err, &errs)
		}
		if text := out.String(); !strings.HasPrefix(text, "HTTP/1.1 502 ") || !strings.Contains(text, o.reason) {
			t.Errorf("%s: want 502 %s, got\n%s", o.name, o.reason, text)
		}
	}
	log := filepath.Join(dir, "access.jsonl")
	until(t, "the lines are written", func() bool { return logHas(log, "no-network.test") && logHas(log, "unreachable.test") })
}
