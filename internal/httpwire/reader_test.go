package httpwire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/race"
)

// pieces gives one element a Read, then err.
type pieces struct {
	parts []string
	err   error
	reads int
}

func (p *pieces) Read(b []byte) (int, error) {
	p.reads++
	if len(p.parts) == 0 {
		return 0, p.err
	}
	n := copy(b, p.parts[0])
	if p.parts[0] = p.parts[0][n:]; p.parts[0] == "" {
		p.parts = p.parts[1:]
	}
	return n, nil
}

func TestKeepAlive(t *testing.T) {
	const one = "POST /1 HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"
	const two = "POST /2 HTTP/1.1\r\nHost: b.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n"
	rd := NewReader(strings.NewReader(one + two + "\r\n"))
	var r exchange.Request
	var host string
	for i, want := range []string{"/1 hello", "/2 abc"} {
		if err := rd.ReadRequest(Limits{}, &r); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(rd.Body(r.Length, Limits{}))
		if got := r.Path + " " + string(body); err != nil || got != want {
			t.Errorf("message %d: %q %v, want %q", i, got, err, want)
		}
		if i == 0 {
			host = r.Authority
		}
	}
	if host != "a.test" {
		t.Errorf("a string of the first request became %q when the second was read", host)
	}
	if err := rd.ReadRequest(Limits{}, &r); err != io.EOF {
		t.Errorf("an empty line and the end give %v, want io.EOF", err)
	}
}

// TestUnreadBody shows that the rest of a body is never taken for the next message.
func TestUnreadBody(t *testing.T) {
	const raw = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 38\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil.test\r\n\r\n"
	for name, misuse := range map[string]func(*Reader, int64){
		"body not asked for": func(*Reader, int64) {},
		"body not read":      func(rd *Reader, n int64) { _ = rd.Body(n, Limits{}).Close() },
		"body half read":     func(rd *Reader, n int64) { _, _ = rd.Body(n, Limits{}).Read(make([]byte, 5)) },
	} {
		t.Run(name, func(t *testing.T) {
			rd := NewReader(strings.NewReader(raw))
			var r exchange.Request
			if err := rd.ReadRequest(Limits{}, &r); err != nil {
				t.Fatal(err)
			}
			misuse(rd, r.Length)
			if _, err := rd.Read(make([]byte, 1)); err == nil {
				t.Error("raw bytes of a body were handed out")
			}
			if err := rd.ReadRequest(Limits{}, &r); reason.Of(err) == nil || reason.Of(err).Code != reason.HTTP1ExtraData {
				t.Errorf("next message: %v, want http1.extra_data", err)
			}
		})
	}
}

// TestFaultIsFinal shows that nothing is read any more once the place in the stream is lost.
func TestFaultIsFinal(t *testing.T) {
	rd := NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost : a.test\r\n\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n"))
	var r exchange.Request
	first := rd.ReadRequest(Limits{}, &r)
	if second := rd.ReadRequest(Limits{}, &r); first == nil || second != first {
		t.Errorf("first %v, then %v", first, second)
	}
	if rd.Wait() == nil && rd.Buffered() == 0 {
		t.Error("Wait hides the fault")
	}
	rd = NewReader(strings.NewReader("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\nxx"))
	if err := rd.ReadRequest(Limits{}, &r); err != nil {
		t.Fatal(err)
	}
	body := rd.Body(r.Length, Limits{})
	_, first = body.Read(make([]byte, 8))
	if _, second := body.Read(make([]byte, 8)); first == nil || second != first {
		t.Errorf("body: first %v, then %v", first, second)
	}
	if err := rd.ReadRequest(Limits{}, &r); err != first {
		t.Errorf("after a broken body: %v, want %v", err, first)
	}
}

// TestBrokenConnection shows which reason a connection gets that breaks within a body, and that a head leaves it to the caller.
func TestBrokenConnection(t *testing.T) {
	reset := &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	own := reason.New(reason.UsShutdown, "", nil)
	const request = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nhell"
	const response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhell"
	for _, c := range []struct {
		name         string
		err          error
		client, back reason.Code
	}{
		{"end", io.EOF, reason.ClientGone, reason.ReadTruncated},
		{"TLS end without close_notify", io.ErrUnexpectedEOF, reason.ClientGone, reason.ReadTruncated},
		{"deadline", os.ErrDeadlineExceeded, reason.ClientSlow, reason.ReadBodyStall},
		{"reset", reset, reason.ClientGone, reason.ReadResetInBody},
		{"anything", errors.New("tls: bad record MAC"), reason.ClientGone, reason.ReadTruncated},
		{"with a reason", own, reason.UsShutdown, reason.UsShutdown},
	} {
		t.Run(c.name, func(t *testing.T) {
			rd := NewReader(&pieces{[]string{request}, c.err, 0})
			var r exchange.Request
			if err := rd.ReadRequest(Limits{}, &r); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(rd.Body(r.Length, Limits{})); reason.Of(err) == nil || reason.Of(err).Code != c.client {
				t.Errorf("request body: %v, want %s", err, c.client)
			}
			rd = NewReader(&pieces{[]string{response}, c.err, 0})
			var a exchange.Response
			if err := rd.ReadResponse(Limits{}, "GET", &a); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(rd.Body(a.Length, Limits{})); reason.Of(err) == nil || reason.Of(err).Code != c.back {
				t.Errorf("response body: %v, want %s", err, c.back)
			}
			rd = NewReader(&pieces{[]string{"HTTP/1.1 200 OK\r\n"}, c.err, 0})
			if err := rd.ReadResponse(Limits{}, "GET", &a); c.err != io.EOF && err != c.err {
				t.Errorf("response head: %v, want %v as it is", err, c.err)
			}
		})
	}
}

func TestUntilCloseBroken(t *testing.T) {
	rd := NewReader(&pieces{[]string{"HTTP/1.1 200 OK\r\n\r\n", "hello"}, io.ErrUnexpectedEOF, 0})
	var r exchange.Response
	if err := rd.ReadResponse(Limits{}, "GET", &r); err != nil {
		t.Fatal(err)
	}
	body := rd.Body(r.Length, Limits{})
	if _, err := io.ReadAll(body); reason.Of(err) == nil || reason.Of(err).Code != reason.ReadTruncated || body.Done() {
		t.Errorf("a body that ends with a fault of the connection: %v, want read.truncated", err)
	}
}

// TestIdle shows that an idle Reader holds no buffer, whichever way it waits.
func TestIdle(t *testing.T) {
	const get = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
	src := &pieces{[]string{get, get}, io.EOF, 0}
	rd := NewReader(src)
	var r exchange.Request
	for range 2 {
		if rd.buf != nil {
			t.Error("a buffer is held while nothing is there to read")
		}
		if err := rd.Wait(); err != nil || rd.Buffered() != 1 {
			t.Fatalf("Wait: %v with %d bytes", err, rd.Buffered())
		}
		if err := rd.ReadRequest(Limits{}, &r); err != nil || r.Path != "/" {
			t.Fatal(err, r.Path)
		}
		rd.Release()
	}
	if err := rd.Wait(); err != io.EOF || rd.buf != nil {
		t.Errorf("Wait at the end: %v", err)
	}
}

type waiting struct {
	pieces
	waits int
}

func (w *waiting) WaitReadable() error {
	w.waits++
	return nil
}

func TestWaiter(t *testing.T) {
	src := &waiting{pieces: pieces{[]string{"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"}, io.EOF, 0}}
	rd := NewReader(src)
	if err := rd.Wait(); err != nil || src.waits != 1 || src.reads != 0 || rd.buf != nil {
		t.Errorf("Wait: %v, %d waits, %d reads", err, src.waits, src.reads)
	}
	var r exchange.Request
	if err := rd.ReadRequest(Limits{}, &r); err != nil {
		t.Fatal(err)
	}
}

// TestReleaseKeepsBytes shows that Release never loses what was read ahead.
func TestReleaseKeepsBytes(t *testing.T) {
	rd := NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nextra"))
	var r exchange.Response
	if err := rd.ReadResponse(Limits{}, "GET", &r); err != nil {
		t.Fatal(err)
	}
	rd.Release()
	if rd.Buffered() != 5 {
		t.Fatalf("%d bytes buffered, want 5", rd.Buffered())
	}
	if rest, err := io.ReadAll(rd); string(rest) != "extra" || err != nil {
		t.Errorf("%q %v", rest, err)
	}
}

// TestFruitlessSource shows that a source that gives neither bytes nor an error does not hold the Reader for ever.
func TestFruitlessSource(t *testing.T) {
	rd := NewReader(&pieces{nil, nil, 0})
	var r exchange.Request
	if err := rd.ReadRequest(Limits{}, &r); err != io.ErrNoProgress {
		t.Errorf("ReadRequest: %v", err)
	}
	if err := NewReader(&pieces{nil, nil, 0}).Wait(); err != io.ErrNoProgress {
		t.Errorf("Wait: %v", err)
	}
}

func TestReset(t *testing.T) {
	rd := NewReader(strings.NewReader("GET / HTTP/1.1\r\nHost : a.test\r\n\r\n"))
	var r exchange.Request
	if rd.ReadRequest(Limits{}, &r) == nil {
		t.Fatal("a fault was accepted")
	}
	rd.Reset(strings.NewReader("GET /b HTTP/1.1\r\nHost: a.test\r\n\r\n"))
	if err := rd.ReadRequest(Limits{}, &r); err != nil || r.Path != "/b" {
		t.Errorf("after Reset: %v %q", err, r.Path)
	}
}

// TestLargeHeads shows that heads beyond each buffer size are read, up to the limit and not a byte further.
func TestLargeHeads(t *testing.T) {
	const start, end = "GET / HTTP/1.1\r\nHost: a.test\r\n", "\r\n"
	for _, size := range []int{smallBuffer - 1, smallBuffer, smallBuffer + 1, largeBuffer, largeBuffer + 1, DefaultHead} {
		head := start
		for len(head) < size-len(end) {
			n := min(size-len(end)-len(head), 8000)
			if left := size - len(end) - len(head) - n; left > 0 && left < 8 {
				n -= 8
			}
			head += "X: " + strings.Repeat("a", n-5) + "\r\n"
		}
		head += end
		if len(head) != size {
			t.Fatalf("the test made %d bytes, not %d", len(head), size)
		}
		var r exchange.Request
		if err := NewReader(strings.NewReader(head)).ReadRequest(Limits{}, &r); err != nil {
			t.Errorf("head of %d bytes: %v", size, err)
		}
		err := NewReader(strings.NewReader(head)).ReadRequest(Limits{Head: size - 1}, &r)
		if reason.Of(err) == nil || reason.Of(err).Code != reason.HTTP1HeaderTooBig {
			t.Errorf("head of %d bytes where %d are allowed: %v", size, size-1, err)
		}
	}
}

// TestAllocations holds what a keep-alive request may cost.
func TestAllocations(t *testing.T) {
	if race.On {
		t.Skip("the race detector makes pools forget at random")
	}
	rd := NewReader(endless{typicalGet})
	var r exchange.Request
	if n := testing.AllocsPerRun(100, func() {
		if err := rd.ReadRequest(Limits{}, &r); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("a request with its header's storage reused costs %v allocations, want 1", n)
	}
	in := []byte(typicalGet)
	if n := testing.AllocsPerRun(100, func() {
		var fresh exchange.Request
		if _, err := ParseRequest(in, Limits{}, &fresh); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("a fresh request costs %v allocations, want 2", n)
	}
	chunked := NewReader(endless{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + string(AppendChunk(nil, bytes.Repeat([]byte("x"), 512))) + "0\r\n\r\n"})
	var a exchange.Response
	p := make([]byte, 1024)
	if n := testing.AllocsPerRun(100, func() {
		if err := chunked.ReadResponse(Limits{}, "GET", &a); err != nil {
			t.Fatal(err)
		}
		body := chunked.Body(a.Length, Limits{})
		for err := error(nil); err == nil; {
			_, err = body.Read(p)
		}
		if !body.Done() {
			t.Fatal("the body did not end")
		}
	}); n > 1 {
		t.Errorf("a chunked response costs %v allocations, want 1 for its head", n)
	}
}

// TestLargeBody shows that large bodies arrive whole through small and large reads.
func TestLargeBody(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 10000)
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, chunk := range []int{1, 7, 4096, 5000, 100000} {
		raw := []byte(head)
		for at := 0; at < len(content); at += chunk {
			raw = AppendChunk(raw, content[at:min(at+chunk, len(content))])
		}
		raw, err := AppendLastChunk(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{3, 1000, 32 << 10} {
			rd := NewReader(bytes.NewReader(raw))
			var r exchange.Response
			if err := rd.ReadResponse(Limits{}, "GET", &r); err != nil {
				t.Fatal(err)
			}
			var got []byte
			body, p := rd.Body(r.Length, Limits{}), make([]byte, size)
			for {
				n, err := body.Read(p)
				got = append(got, p[:n]...)
				if err == io.EOF {
					break
				}
				if err != nil || n == 0 {
					t.Fatal(n, err)
				}
			}
			if !bytes.Equal(got, content) {
				t.Errorf("chunks of %d read by %d: %d bytes, want %d", chunk, size, len(got), len(content))
			}
		}
	}
}
