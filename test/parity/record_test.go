package parity_test

import (
	"bytes"
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
func record(t *testing.T, servers []string, do func()) string {
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
	path := filepath.Join(t.TempDir(), "parity.pcap")
	_, port, _ := net.SplitHostPort(mark.LocalAddr().String())
	filter := "udp port " + port
	for _, s := range servers {
		_, p, _ := net.SplitHostPort(s)
		filter += " or tcp port " + p
	}
	// -Z root: it would otherwise write as a user who may not enter the folder. timeout ends it should this process not live to do so.
	cmd := exec.Command(peer.Need(t, "timeout", "coreutils"), "600", program, "-i", "lo", "-n", "-U", "--immediate-mode", "-B", "262144", "-s", "0", "-Z", "root", "-w", path, filter)
	said := &output{changed: make(chan struct{}, 1)}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // how it ended is seen in what it said
	}()
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // timeout hands it on
		<-ended
	}()
	said.await(t, "listening on")
	do()
	awaitMark(t, mark, []byte("the capture ends here "+filepath.Base(filepath.Dir(path))), path)
	_ = cmd.Process.Signal(syscall.SIGINT)
	<-ended
	if !strings.Contains(said.String(), "\n0 packets dropped by kernel") {
		t.Fatalf("tcpdump lost packets: %s", said)
	}
	return path
}

// awaitMark sends a datagram to ourselves until it stands in the capture: then all before it does.
func awaitMark(t *testing.T, mark net.PacketConn, text []byte, path string) {
	t.Helper()
	if _, err := mark.WriteTo(text, mark.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !endsWith(path, text) {
		select {
		case <-late.C:
			t.Fatalf("waited %v for the last packet in the capture", patience)
		case <-tick.C:
		}
	}
}

func endsWith(path string, text []byte) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-4096), io.SeekStart)
	}
	tail, _ := io.ReadAll(f)
	return bytes.Contains(tail, text)
}

// output collects what a program says, for somebody who waits for a word.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) await(t *testing.T, word string) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !strings.Contains(o.String(), word) {
		select {
		case <-o.changed:
		case <-late.C:
			t.Fatalf("waited %v for %q in %q", patience, word, o)
		}
	}
}
