package oracle_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

// patience bounds every wait for something that should come at once, on a busy machine.
const patience = 20 * time.Second

// record runs tcpdump on loopback for the TCP ports of servers while do runs, and returns the capture.
func record(t testing.TB, servers []string, do func()) string {
	t.Helper()
	program := peer.Need(t, "tcpdump", "tcpdump")
	if os.Geteuid() != 0 {
		t.Skip("capturing on loopback needs root")
	}
	mark, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mark.Close()
	path := filepath.Join(t.TempDir(), "made.pcap")
	_, markPort, _ := net.SplitHostPort(mark.LocalAddr().String())
	filter := "udp port " + markPort
	for _, s := range servers {
		filter += " or tcp port " + portOf(s)
	}
	// -Z root: it would otherwise write as a user who may not enter the folder.
	// timeout ends it should this process not live to do so.
	cmd := exec.Command(peer.Need(t, "timeout", "coreutils"), "600", program, "-i", "lo", "-n", "-U", "--immediate-mode", "-B", "65536", "-s", "0", "-Z", "root", "-w", path, filter)
	said := &output{}
	cmd.Stderr = said
	ended := run(t, cmd)
	said.await(t, "listening on")
	do()
	end := []byte("the capture ends here " + filepath.Base(filepath.Dir(path)))
	awaitMark(t, mark, end, path)
	_ = cmd.Process.Signal(syscall.SIGINT)
	<-ended
	if text := said.String(); !strings.Contains(text, "\n0 packets dropped by kernel") {
		t.Fatalf("tcpdump lost packets: %s", text)
	}
	return path
}

func portOf(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}

// awaitMark sends a datagram to ourselves until it stands in the capture: then all before it does.
func awaitMark(t testing.TB, mark net.PacketConn, text []byte, path string) {
	t.Helper()
	if _, err := mark.WriteTo(text, mark.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	poll(t, "the last packet in the capture", func() bool {
		f, err := os.Open(path)
		if err != nil {
			return false
		}
		defer f.Close()
		if size, err := f.Seek(0, io.SeekEnd); err == nil && size > 4096 {
			_, _ = f.Seek(-4096, io.SeekEnd)
		} else {
			_, _ = f.Seek(0, io.SeekStart)
		}
		tail, _ := io.ReadAll(f)
		return bytes.Contains(tail, text)
	})
}

// poll waits until done.
func poll(t testing.TB, what string, done func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-late.C:
			t.Fatalf("waited %v for %s", patience, what)
		case <-tick.C:
		}
	}
}

// run starts a program that ends with the test; the channel is closed when it has ended.
func run(t testing.TB, cmd *exec.Cmd) <-chan struct{} {
	t.Helper()
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is seen in what it said and did
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // timeout hands it on
		<-ended
	})
	return ended
}

// output collects what a program says, for somebody who waits for a word.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits for a word.
func (o *output) await(t testing.TB, word string) {
	t.Helper()
	found := false
	defer func() {
		if !found {
			t.Logf("it said: %s", o)
		}
	}()
	poll(t, fmt.Sprintf("%q", word), func() bool {
		found = strings.Contains(o.String(), word)
		return found
	})
}
