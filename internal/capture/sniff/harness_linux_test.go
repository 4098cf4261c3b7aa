package sniff

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/test/peer"
)

// mark ends what a test sends.
const mark = "no packet of this test comes after this one"

// private runs f on a thread in a network namespace of its own, with lo up. f must make all its sockets itself.
func private(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("capturing and network namespaces need root")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with the goroutine, and the namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Errorf("make a network namespace: %v", err)
			return
		}
		ip(t, "link set lo up")
		f()
	}()
	<-done
	if t.Failed() {
		t.FailNow()
	}
}

// ip runs iproute2 in the namespace of the calling thread.
func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command(peer.Need(t, "ip", "iproute2"), strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v %s", args, err, out)
	}
}

// pair makes two interfaces, v0 and v1, joined by a cable, with addresses 10.9.0.1 and 10.9.0.2.
func pair(t *testing.T) {
	t.Helper()
	ip(t, "link add v0 type veth peer name v1")
	ip(t, "address add 10.9.0.1/24 dev v0")
	ip(t, "-6 address add fd09::1/64 dev v0 nodad")
	ip(t, "link set v0 up")
	ip(t, "link set v1 up")
}

func open(t *testing.T, cfg Config) *Handle {
	t.Helper()
	h, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// tcpdump is one that runs beside us.
type tcpdump struct {
	t         *testing.T
	cmd       *exec.Cmd
	file, log string
	ended     chan struct{}
}

func startTcpdump(t *testing.T, iface, expr string) *tcpdump {
	t.Helper()
	dir := t.TempDir()
	d := &tcpdump{t: t, file: filepath.Join(dir, "made.pcap"), log: filepath.Join(dir, "log"), ended: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	d.cmd = exec.CommandContext(ctx, peer.Need(t, "tcpdump", "tcpdump"), "-i", iface, "-n", "-U", "--immediate-mode", "--nano", "-B", "131072", "-s", "70000", "-Z", "root", "-w", d.file, expr)
	d.cmd.Stderr = log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		_ = d.cmd.Wait() // how it ended is seen in what it wrote
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		<-d.ended
		cancel()
	})
	d.await(d.log, "listening on")
	return d
}

// await waits until a file holds text.
func (d *tcpdump) await(path, text string) []byte {
	d.t.Helper()
	late := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		data, _ := os.ReadFile(path) // not there yet: empty
		if bytes.Contains(data, []byte(text)) {
			return data
		}
		select {
		case <-tick.C:
		case <-d.ended:
			said, _ := os.ReadFile(d.log)
			d.t.Fatalf("tcpdump ended: %s", said)
		case <-late:
			d.t.Fatalf("tcpdump: waited for %q", text)
		}
	}
}

// packets are those that it wrote, up to the mark.
func (d *tcpdump) packets() []pcap.Packet {
	d.t.Helper()
	r, err := pcap.NewReader(bytes.NewReader(d.await(d.file, mark)), pcap.Config{})
	if err != nil {
		d.t.Fatal(err)
	}
	var out []pcap.Packet
	for {
		var p pcap.Packet
		if err := r.Next(&p); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			d.t.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		out = append(out, p)
		if bytes.Contains(p.Data, []byte(mark)) {
			return out
		}
	}
}

// until reads packets up to the one with text.
func until(t *testing.T, h *Handle, text string) []pcap.Packet {
	t.Helper()
	return <-later(t, h, text)
}

// later is until while the test goes on.
func later(t *testing.T, h *Handle, text string) <-chan []pcap.Packet {
	done := make(chan []pcap.Packet, 1)
	go func() {
		var out []pcap.Packet
		defer func() { done <- out }()
		for {
			var p pcap.Packet
			if err := h.NextBefore(time.Now().Add(20*time.Second), &p); err != nil {
				t.Errorf("after %d packets: %v", len(out), err)
				return
			}
			p.Data = bytes.Clone(p.Data)
			out = append(out, p)
			if bytes.Contains(p.Data, []byte(text)) {
				return
			}
		}
	}()
	return done
}

// compiled is what tcpdump makes of an expression.
func compiled(t *testing.T, link, expr string) []bpf.RawInstruction {
	t.Helper()
	out, err := exec.Command(peer.Need(t, "tcpdump", "tcpdump"), "-y", link, "-s", "262144", "-ddd", expr).Output()
	if err != nil {
		t.Fatal(err)
	}
	var program []bpf.RawInstruction
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n")[1:] {
		f := strings.Fields(line)
		n := func(i int) uint64 { v, _ := strconv.ParseUint(f[i], 10, 32); return v }
		program = append(program, bpf.RawInstruction{Op: uint16(n(0)), Jt: uint8(n(1)), Jf: uint8(n(2)), K: uint32(n(3))})
	}
	return program
}

// udp sends one datagram to itself.
func udp(t *testing.T, from, text string) {
	t.Helper()
	c, err := net.ListenPacket("udp", net.JoinHostPort(from, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.WriteTo([]byte(text), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}
