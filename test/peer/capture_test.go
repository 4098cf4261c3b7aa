package peer_test

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/test/peer"
)

// TestCaptureEndsBesideTraffic holds that the end of a capture is found where a connection goes on to send behind it.
func TestCaptureEndsBesideTraffic(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	enough, ended := make(chan struct{}), make(chan error, 1)
	path := peer.Capture(t, []string{ln.Addr().String()}, func() {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- chat(s, enough) }()
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.Copy(io.Discard, c); _ = c.Close() }()
	})
	close(enough)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() < 8<<10 {
		t.Errorf("what was sent is not in the file: %v %v", info, err)
	}
}

// chat sends 8 KiB each millisecond until that is enough.
func chat(c net.Conn, enough <-chan struct{}) error {
	defer c.Close()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := c.Write(make([]byte, 8<<10)); err != nil {
			return err
		}
		select {
		case <-enough:
			return nil
		case <-tick.C:
		}
	}
}
