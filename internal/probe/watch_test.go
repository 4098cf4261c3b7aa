package probe

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// played is a connection from which the given pieces are read, each by one Read.
type played struct {
	net.Conn
	pieces [][]byte
	end    error
}

func (p *played) Read(b []byte) (int, error) {
	if len(p.pieces) == 0 {
		return 0, p.end
	}
	n := copy(b, p.pieces[0])
	if p.pieces[0] = p.pieces[0][n:]; len(p.pieces[0]) == 0 {
		p.pieces = p.pieces[1:]
	}
	return n, nil
}

func (*played) SetReadDeadline(time.Time) error { return nil }

func watched(end error, pieces ...[]byte) *watch {
	return &watch{Conn: recording.New(&played{pieces: pieces, end: end}, &recording.Recording{Start: time.Now()}, 0)}
}

func record(typ uint8, n int) []byte {
	return tlswire.AppendRecord(nil, typ, tlswire.VersionTLS12, make([]byte, n))
}

func TestWatchHandsOn(t *testing.T) {
	all := bytes.Join([][]byte{record(22, 60), record(20, 1), record(22, 40), record(23, 16000)}, nil)
	for _, size := range []int{1, 3, 4096, len(all)} {
		var pieces [][]byte
		for rest := all; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			pieces = append(pieces, rest[:min(size, len(rest))])
		}
		if got, err := io.ReadAll(watched(io.EOF, pieces...)); err != nil || !bytes.Equal(got, all) {
			t.Errorf("in pieces of %d: %d bytes, %v, want %d", size, len(got), err, len(all))
		}
	}
	clear := []byte("HTTP/1.1 400 Bad Request\r\n\r\nno")
	if got, err := io.ReadAll(watched(io.EOF, clear[:2], clear[2:])); err != nil || !bytes.Equal(got, clear) {
		t.Errorf("what is no TLS: %q, %v", got, err)
	}
}

func TestWatchHelloRequest(t *testing.T) {
	asked, page := record(22, 28), record(23, 200)
	for _, tt := range []struct {
		name    string
		ignore  time.Duration
		pieces  [][]byte
		end     error
		read    int
		err     error
		asked   int32
		spokeOn bool
		expired bool
	}{
		{"answered by crypto/tls", 0, [][]byte{page, asked, page}, io.EOF, len(page)*2 + len(asked), nil, 1, false, false},
		{"a renegotiation counts once", 0, [][]byte{asked, record(22, 90), record(20, 28), record(22, 40), asked}, io.EOF, 28 + 90 + 28 + 40 + 28 + 25, nil, 2, false, false},
		{"ignored, the origin goes on", time.Second, [][]byte{asked, page}, io.EOF, 0, errIgnored, 1, true, false},
		{"ignored, the origin closes", time.Second, [][]byte{asked}, io.EOF, 0, errIgnored, 1, false, false},
		{"ignored until our own time is up", time.Second, [][]byte{page, asked}, &net.OpError{Err: errTimeout{}}, len(page), errIgnored, 1, false, true},
		{"ignored, the origin breaks off", time.Second, [][]byte{asked, record(21, 26)}, io.EOF, 0, errIgnored, 1, false, false},
	} {
		w := watched(tt.end, tt.pieces...)
		w.ignore = tt.ignore
		w.plain.Store(true)
		got, err := io.ReadAll(w)
		if len(got) != tt.read || !errors.Is(err, tt.err) || w.asked.Load() != tt.asked || w.spokeOn != tt.spokeOn || w.expired != tt.expired {
			t.Errorf("%s: read %d, %v, asked %d, spoke on %v, expired %v", tt.name, len(got), err, w.asked.Load(), w.spokeOn, w.expired)
		}
	}
}

func TestWatchInsecure(t *testing.T) {
	w := watched(io.EOF, record(22, 28))
	w.secure, w.server = true, &tlswire.ServerHello{}
	w.plain.Store(true)
	if _, err := io.ReadAll(w); !errors.Is(err, errInsecure) || len(w.Snapshot().Facts) != 1 {
		t.Errorf("%v, facts %v", err, w.Snapshot().Facts)
	}
}

type errTimeout struct{}

func (errTimeout) Error() string   { return "time is up" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

// FuzzWatch holds that whatever an origin sends, the watch hands on no more than came, and ends.
func FuzzWatch(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"), false)
	f.Add(append(record(22, 28), record(23, 100)...), true)
	f.Add([]byte{22, 3, 3, 0xff, 0xff, 0}, false)
	f.Add([]byte{22, 3}, true)
	f.Fuzz(func(t *testing.T, in []byte, ignore bool) {
		w := watched(io.EOF, in)
		if ignore {
			w.ignore = time.Second
		}
		w.plain.Store(true)
		got, _ := io.ReadAll(w)
		if !bytes.HasPrefix(in, got) {
			t.Errorf("read %x of %x", got, in)
		}
	})
}

// FuzzFlight holds that an origin's first flight is read without harm.
func FuzzFlight(f *testing.F) {
	f.Add(record(22, 60))
	f.Add(tlswire.AppendRecord(nil, 21, tlswire.VersionTLS12, []byte{2, 40}))
	f.Add([]byte("SSH-2.0-x\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		o := &Outcome{Alert: -1}
		if err := readFlight(o, bytes.NewReader(in)); err == nil && o.Hello.Version == 0 && !bytes.Contains(in, []byte{22, 3}) {
			t.Errorf("%x is taken for a flight", in)
		}
	})
}

func TestBits(t *testing.T) {
	for _, tt := range []struct {
		p    []byte
		want int
	}{{nil, 0}, {[]byte{0, 0}, 0}, {[]byte{1}, 1}, {[]byte{0x80}, 8}, {append([]byte{0, 0xff}, make([]byte, 127)...), 1024}} {
		if got := bits(tt.p); got != tt.want {
			t.Errorf("%x: %d, want %d", tt.p, got, tt.want)
		}
	}
}
