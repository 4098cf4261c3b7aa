package peer

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Capture runs tcpdump on loopback for the TCP ports of servers while do runs, and returns the file. All packets up to the end of do
// are in it. It skips the test where the user may not capture.
func Capture(t testing.TB, servers []string, do func()) string {
	t.Helper()
	program := Need(t, "tcpdump", "tcpdump")
	if os.Geteuid() != 0 {
		t.Skip("capturing on loopback needs root")
	}
	mark, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mark.Close()
	dir := t.TempDir()
	path, says := filepath.Join(dir, "made.pcap"), filepath.Join(dir, "tcpdump.log")
	filter := "udp port " + portOf(mark.LocalAddr().String())
	for _, s := range servers {
		filter += " or tcp port " + portOf(s)
	}
	log, err := os.Create(says)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// No --immediate-mode: that gives every packet a slot of its own for the largest one, so that 256 MiB hold some 2,000 of them, and a
	// tcpdump that waits for the processor loses packets. -Z root: it would otherwise write as a user who may not enter the folder.
	// timeout ends it should this process not live to do so.
	cmd := exec.Command(Need(t, "timeout", "coreutils"), "600", program, "-i", "lo", "-n", "-U", "-B", "262144", "-s", "0", "-Z", "root", "-w", path, filter)
	cmd.Stderr = log
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
	await(t, says, []byte("listening on"))
	do()
	text := []byte("the capture ends here " + filepath.Base(filepath.Dir(dir)))
	if _, err := mark.WriteTo(text, mark.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	await(t, path, text)
	_ = cmd.Process.Signal(syscall.SIGINT)
	<-ended
	if text := string(read(t, says)); !strings.Contains(text, "\n0 packets dropped by kernel") {
		t.Fatalf("tcpdump lost packets: %s", text)
	}
	return path
}

// await waits until text stands near the end of a file.
func await(t testing.TB, path string, text []byte) {
	t.Helper()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !bytes.Contains(end(path), text) {
		select {
		case <-late.C:
			t.Fatalf("waited %v for %q: %s", startTimeout, text, path)
		case <-tick.C:
		}
	}
}

// end is what a file ends with, nil where there is none.
func end(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-4096), io.SeekStart)
	}
	tail, _ := io.ReadAll(f)
	return tail
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
