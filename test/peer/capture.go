package peer

import (
	"bytes"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// logName is the file that tcpdump's messages go to.
const logName = "tcpdump.log"

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
	path, says := filepath.Join(dir, "made.pcap"), filepath.Join(dir, logName)
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
	await(t, says, []byte("listening on"), ended, func() {})
	do()
	text := []byte("the capture ends here " + filepath.Base(filepath.Dir(dir)))
	await(t, path, text, ended, func() {
		if _, err := mark.WriteTo(text, mark.LocalAddr()); err != nil {
			t.Error(err)
		}
	})
	_ = cmd.Process.Signal(syscall.SIGINT)
	<-ended
	if text := string(read(t, says)); !strings.Contains(text, "\n0 packets dropped by kernel") {
		t.Fatalf("tcpdump lost packets: %s", text)
	}
	return path
}

// againEvery is when what a wait is for is asked for once more: rarely enough for the capture to stay small.
const againEvery = 250 * time.Millisecond

// await waits until text stands anywhere in a file that tcpdump writes, and asks for it now and again: a packet can be lost, and then
// what tcpdump says in the end tells that. Connections whose ends are not closed yet go on to send, so that text need not be the last.
func await(t testing.TB, path string, text []byte, ended <-chan struct{}, ask func()) {
	t.Helper()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	tick, again := time.NewTicker(pollEvery), time.NewTicker(againEvery)
	defer tick.Stop()
	defer again.Stop()
	ask()
	for f := (search{path: path, text: text}); !f.found(); {
		select {
		case <-late.C:
			t.Fatalf("waited %v for %q: %d bytes of %s", startTimeout, text, f.at, path)
		case <-ended:
			if !f.found() {
				t.Fatalf("tcpdump ended before %q: %s", text, read(t, filepath.Join(filepath.Dir(path), logName)))
			}
			return
		case <-again.C:
			ask()
		case <-tick.C:
		}
	}
}

// search looks for a text in a file that grows, and reads each byte once.
type search struct {
	path string
	text []byte
	at   int64  // how much was read
	kept []byte // the last of it, which may begin the text
}

// found reads what is new. A file that is not there yet is an empty one.
func (s *search) found() bool {
	f, err := os.Open(s.path)
	if err != nil {
		return false
	}
	defer f.Close()
	fresh, _ := io.ReadAll(io.NewSectionReader(f, s.at, math.MaxInt64-s.at))
	s.at += int64(len(fresh))
	s.kept = append(s.kept, fresh...)
	if bytes.Contains(s.kept, s.text) {
		return true
	}
	s.kept = bytes.Clone(s.kept[max(0, len(s.kept)-len(s.text)+1):])
	return false
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
