package reason

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestFromNetTypes(t *testing.T) {
	notFound := &net.DNSError{IsNotFound: true}
	rows := []struct {
		name  string
		err   error
		phase Phase
		want  Code
	}{
		{"deadline connect", os.ErrDeadlineExceeded, PhaseConnect, TCPTimeout},
		{"deadline tls", os.ErrDeadlineExceeded, PhaseTLS, TLSTimeout},
		{"deadline write", &net.OpError{Op: "write", Err: os.ErrDeadlineExceeded}, PhaseWrite, WriteTimeout},
		{"deadline first byte", os.ErrDeadlineExceeded, PhaseFirstByte, ReadFirstByteTimeout},
		{"deadline head", os.ErrDeadlineExceeded, PhaseHead, ReadHeaderStall},
		{"deadline body", fmt.Errorf("read: %w", os.ErrDeadlineExceeded), PhaseBody, ReadBodyStall},
		{"deadline of a context", context.DeadlineExceeded, PhaseConnect, TCPTimeout},
		{"deadline client", os.ErrDeadlineExceeded, PhaseClientRead, ClientSlow},
		{"eof connect", io.EOF, PhaseConnect, TCPClosedBeforeUse},
		{"eof tls", io.EOF, PhaseTLS, TLSEOF},
		{"eof write", io.EOF, PhaseWrite, WriteEOF},
		{"eof first byte", io.EOF, PhaseFirstByte, ReadEOFBeforeHeader},
		{"eof head", io.ErrUnexpectedEOF, PhaseHead, ReadEOFInHeader},
		{"eof body", io.ErrUnexpectedEOF, PhaseBody, ReadTruncated},
		{"eof client", io.EOF, PhaseClientRead, ClientGone},
		{"no such name", &net.OpError{Op: "dial", Err: notFound}, PhaseConnect, DNSNXDomain},
		{"resolver timeout", &net.DNSError{IsTimeout: true}, PhaseConnect, DNSTimeout},
		{"resolver failure", &net.DNSError{IsTemporary: true}, PhaseConnect, DNSServFail},
		{"odd answer", &net.DNSError{}, PhaseConnect, DNSBadAnswer},
		{"canceled before", context.Canceled, PhaseConnect, UsNotSent},
		{"closed by us later", net.ErrClosed, PhaseBody, UsInternal},
		{"client closed", net.ErrClosed, PhaseClientWrite, ClientGone},
		{"reason kept", fmt.Errorf("a: %w", New(CertExpired, "x", nil)), PhaseTLS, CertExpired},
		{"unknown", errors.New("connection refused"), PhaseConnect, UsInternal}, // never by its text
		{"unknown phase", io.EOF, phases, UsInternal},
	}
	for _, r := range rows {
		if got := FromNet(r.err, r.phase); got.Code != r.want {
			t.Errorf("%s: %s, want %s", r.name, got.Code, r.want)
		} else if Of(r.err) == nil && !errors.Is(got, r.err) {
			t.Errorf("%s: the cause is lost", r.name)
		}
	}
	if FromNet(nil, PhaseBody) != nil {
		t.Error("nil became an error")
	}
}

func TestFromNetErrnos(t *testing.T) {
	for _, n := range errnos {
		for p := range phases {
			err := &net.OpError{Op: "x", Err: os.NewSyscallError("connect", n.errno)}
			got := FromNet(err, p)
			want := n.code
			if want == "" {
				want = phaseCodes[p][n.fault]
			}
			if got.Code != want || got.Detail != n.name || !Known(got.Code) {
				t.Errorf("%s in phase %d: %s (%s), want %s", n.name, p, got.Code, got.Detail, want)
			}
		}
		if n.code == LimitNoPorts {
			if got := FromNet(os.NewSyscallError("bind", n.errno), PhaseConnect); got.Code != TCPLocalBindFailed {
				t.Errorf("%s of bind: %s", n.name, got.Code)
			}
		}
	}
}

func TestFromNetOnRealSockets(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := ln.Accept()
		if err == nil {
			accepted <- c
		}
		close(accepted)
	}()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, ok := <-accepted
	if !ok {
		t.Fatal("accept failed")
	}
	if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	_, err = c.Read(b[:])
	want(t, err, PhaseFirstByte, ReadFirstByteTimeout)

	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := peer.(*net.TCPConn).SetLinger(0); err != nil { // Close sends a reset
		t.Fatal(err)
	}
	peer.Close()
	_, err = c.Read(b[:])
	want(t, err, PhaseFirstByte, ReadResetBeforeHeader)

	ln.Close()
	_, err = net.Dial("tcp", addr)
	want(t, err, PhaseConnect, TCPRefused)
}

func want(t *testing.T, err error, p Phase, code Code) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	if got := FromNet(err, p); got.Code != code {
		t.Errorf("%v gives %s, want %s", err, got.Code, code)
	}
}
