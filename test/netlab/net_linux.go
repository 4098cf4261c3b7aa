package netlab

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/test/peer"
)

// Net is a network of three namespaces in a row.
type Net struct {
	t      testing.TB
	ip     string // the programs
	nft    string
	prefix string
}

// made counts networks, so that tests side by side do not meet.
var made atomic.Int64

// New makes one, or skips the test and says why.
func New(t testing.TB) *Net {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	n := &Net{t: t, ip: peer.Need(t, "ip", "iproute2"), nft: peer.Need(t, "nft", "nftables"),
		prefix: fmt.Sprintf("lunette-%d-%d-", os.Getpid(), made.Add(1))}
	t.Cleanup(n.remove)
	for _, ns := range []string{Client, Router, Origin} {
		if out, err := exec.Command(n.ip, "netns", "add", n.prefix+ns).CombinedOutput(); err != nil {
			t.Skipf("make a network namespace: %v %s", err, out)
		}
		n.run(ns, "link", "set", "lo", "up")
	}
	if out, err := exec.Command(n.ip, "netns", "exec", n.prefix+Router, n.nft, "add", "table", "ip", "probe").CombinedOutput(); err != nil {
		t.Skipf("a kernel without nftables: %v %s", err, out)
	}
	n.join(Client, "192.0.2", "toclient")
	n.join(Origin, "198.51.100", "toorigin")
	n.Do(Router, func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o600) })
	return n
}

// join connects ns with the router; the router has .1 and ns has .2.
func (n *Net) join(ns, network, device string) {
	n.run(ns, "link", "add", "up0", "type", "veth", "peer", "name", device, "netns", n.prefix+Router)
	n.run(Router, "address", "add", network+".1/24", "dev", device)
	n.run(Router, "link", "set", device, "up")
	n.run(ns, "address", "add", network+".2/24", "dev", "up0")
	n.run(ns, "link", "set", "up0", "up")
	n.run(ns, "route", "add", "default", "via", network+".1")
}

func (n *Net) remove() {
	for _, ns := range []string{Client, Router, Origin} {
		_ = exec.Command(n.ip, "netns", "delete", n.prefix+ns).Run() // one that was never made is gone already
	}
}

func (n *Net) run(ns string, args ...string) {
	n.t.Helper()
	if out, err := exec.Command(n.ip, append([]string{"-n", n.prefix + ns}, args...)...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s in %s: %v %s", strings.Join(args, " "), ns, err, out)
	}
}

// Break lets the network misbehave from now on.
func (n *Net) Break(f Fault) {
	n.t.Helper()
	if f.Rules != "" {
		cmd := exec.Command(n.ip, "netns", "exec", n.prefix+f.Where, n.nft, "-f", "-")
		cmd.Stdin = strings.NewReader(f.Rules + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			n.t.Fatalf("nft: %v %s", err, out)
		}
	}
	if f.Route != "" {
		n.run(Router, append([]string{"route", "replace"}, strings.Fields(f.Route)...)...)
	}
}

// Do calls f on a thread within ns: sockets that f makes stay there. f must not leave its goroutine.
func (n *Net) Do(ns string, f func() error) {
	n.t.Helper()
	if err := n.try(ns, f); err != nil {
		n.t.Fatalf("in %s: %v", ns, err)
	}
}

func (n *Net) try(ns string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		fd, err := os.Open(filepath.Join("/run/netns", n.prefix+ns))
		if err != nil {
			done <- err
			return
		}
		defer fd.Close()
		if err := unix.Setns(int(fd.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter namespace: %w", err)
			return
		}
		done <- f()
	}()
	return <-done
}

// Listen listens at the origin.
func (n *Net) Listen() net.Listener {
	n.t.Helper()
	var ln net.Listener
	n.Do(Origin, func() (err error) { ln, err = net.Listen("tcp4", OriginAddr+":"+Port); return err })
	return ln
}

// Dial connects from the client to the origin.
func (n *Net) Dial(ctx context.Context) (nc net.Conn, err error) {
	err = n.try(Client, func() (err error) {
		var d net.Dialer
		nc, err = d.DialContext(ctx, "tcp4", OriginAddr+":"+Port)
		return err
	})
	return nc, err
}

// Ports leaves the client count local ports.
func (n *Net) Ports(count int) {
	n.t.Helper()
	n.Do(Client, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", fmt.Appendf(nil, "40000 %d", 40000+count-1), 0o600)
	})
}

// marker is what the client sends, in a datagram to nobody, when a recording is to end: once it is recorded, all before it is.
const marker = "end of this recording"

// Record records what the client sees until stop, which returns the capture file.
func (n *Net) Record() (stop func() string) {
	n.t.Helper()
	tcpdump := peer.Need(n.t, "tcpdump", "tcpdump")
	cmd := exec.Command(n.ip, "netns", "exec", n.prefix+Client, tcpdump, "-i", "up0", "-U", "--immediate-mode", "-Z", "root", "-w", "-", "tcp or udp port 9")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ready := &watcher{want: "listening on", seen: make(chan struct{})}
	packets := &watcher{want: marker, seen: make(chan struct{})}
	cmd.Stderr, cmd.Stdout = ready, packets
	started, ended := make(chan error, 1), make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		runtime.LockOSThread() // Pdeathsig looks at the thread, and those that Do uses end
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if started <- err; err == nil {
			failed = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	select {
	case <-ready.seen:
	case <-ended:
		n.t.Fatalf("tcpdump: %v %s", failed, ready.all.String())
	}
	return func() string {
		n.Do(Client, func() error {
			c, err := net.Dial("udp4", "192.0.2.1:9")
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Write([]byte(marker))
			return err
		})
		select {
		case <-packets.seen:
		case <-ended:
			n.t.Fatalf("tcpdump: %v %s", failed, ready.all.String())
		case <-n.t.Context().Done():
			n.t.Fatal("the recording does not end")
		}
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-ended
		file := filepath.Join(n.t.TempDir(), "client.pcap")
		if err := os.WriteFile(file, packets.all.Bytes(), 0o600); err != nil {
			n.t.Fatal(err)
		}
		return file
	}
}

// watcher closes seen once want was written.
type watcher struct {
	all  bytes.Buffer
	want string
	seen chan struct{}
	done bool
}

func (w *watcher) Write(p []byte) (int, error) {
	w.all.Write(p)
	if !w.done && strings.Contains(w.all.String(), w.want) {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}
