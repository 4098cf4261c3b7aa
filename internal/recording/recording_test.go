package recording

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

// pair is a recorded client's end over loopback and the server's.
func pair(t *testing.T, limit int) (*Conn, *Recording, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r := &Recording{ID: 9, Start: time.Now()}
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close(); server.Close() })
	return New(raw, r, limit), r, server.(*net.TCPConn)
}

// said is what r holds of one side, and how that ended.
func said(r *Recording, s fact.Side) (data []byte, lost int64, end fact.Kind) {
	for _, p := range r.Pieces {
		if p.Side == s {
			data = append(data, p.Data...)
			lost += p.Lost
			if p.End != fact.None {
				end = p.End
			}
		}
	}
	return data, lost, end
}

func TestBothSidesAndClose(t *testing.T) {
	c, r, server := pair(t, 0)
	go func() {
		b := make([]byte, 5)
		io.ReadFull(server, b)
		server.Write([]byte("world"))
		server.Close()
	}()
	c.Write([]byte("hello"))
	if got, err := io.ReadAll(c); string(got) != "world" || err != nil {
		t.Fatal(string(got), err)
	}
	io.WriteString(c.KeyLog(), "CLIENT_RANDOM 00 11\n")
	c.Note(fact.Fact{Kind: fact.GaveUp})
	during := c.Snapshot()
	c.Close()
	c.Close()
	ours, _, oursEnd := said(r, fact.SideClient)
	theirs, _, theirsEnd := said(r, fact.SideServer)
	if string(ours) != "hello" || string(theirs) != "world" || oursEnd != fact.TCPClosed || theirsEnd != fact.TCPClosed || len(r.Pieces) != 4 {
		t.Errorf("%+v", r.Pieces)
	}
	if len(r.Facts) != 1 || r.Facts[0].Conn != 9 || r.Facts[0].At.IsZero() || string(r.KeyLog) != "CLIENT_RANDOM 00 11\n" || r.End.IsZero() {
		t.Errorf("%+v", r)
	}
	if len(during.Pieces) != 3 || during.End.IsZero() {
		t.Errorf("snapshot %+v", during)
	}
}

func TestReset(t *testing.T) {
	c, r, server := pair(t, 0)
	server.SetLinger(0)
	server.Close()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Fatal("no error")
	}
	c.Close()
	if _, _, end := said(r, fact.SideServer); end != fact.TCPReset || len(r.Pieces) != 1 {
		t.Errorf("%+v", r.Pieces)
	}
}

func TestCloseWrite(t *testing.T) {
	c, r, server := pair(t, 0)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := server.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatal(n, err)
	}
	c.Close()
	if _, _, end := said(r, fact.SideClient); end != fact.TCPClosed || len(r.Pieces) != 1 {
		t.Errorf("%+v", r.Pieces)
	}
	a, b := net.Pipe()
	defer b.Close()
	if err := New(a, &Recording{}, 0).CloseWrite(); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// TestLimit holds that what is kept is the beginning, and that the rest is counted for its side.
func TestLimit(t *testing.T) {
	c, r, server := pair(t, 10)
	go func() { io.Copy(server, server); server.Close() }()
	for range 4 {
		c.Write([]byte("123456"))
	}
	c.CloseWrite()
	io.Copy(io.Discard, c)
	c.Close()
	ours, lost, _ := said(r, fact.SideClient)
	theirs, lostIn, _ := said(r, fact.SideServer)
	if len(ours)+len(theirs) != 10 || int64(len(ours))+lost != 24 || int64(len(theirs))+lostIn != 24 || r.Omitted != 38 {
		t.Errorf("kept %q and %q, lost %d and %d, omitted %d", ours, theirs, lost, lostIn, r.Omitted)
	}
	if len(r.Pieces) > 6 {
		t.Errorf("%d pieces: runs of what is lost are not joined", len(r.Pieces))
	}
	if !bytes.HasPrefix([]byte("123456123456"), ours) {
		t.Errorf("%q", ours)
	}
}

func TestBounds(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	r := &Recording{}
	c := New(a, r, 0)
	go io.Copy(io.Discard, b)
	for range mostFacts + 5 {
		c.Note(fact.Fact{Kind: fact.GaveUp})
		c.KeyLog().Write(make([]byte, 176))
	}
	for range mostPieces + 5 {
		c.Write([]byte{1})
	}
	if len(r.Facts) != mostFacts || len(r.KeyLog) > mostKeyLog || len(r.Pieces) != mostPieces+1 || r.Omitted != 5 {
		t.Error(len(r.Facts), len(r.KeyLog), len(r.Pieces), r.Omitted)
	}
}

// TestOrder holds that pieces stand in order of time, whatever the order in which reads and writes ended.
func TestOrder(t *testing.T) {
	now := time.Now()
	r := &Recording{Start: now}
	c := New(nil, r, 0)
	c.keep(now.Add(2), 2, fact.SideServer, []byte("answer"))
	c.keep(now.Add(3), 3, fact.SideServer, []byte("more"))
	c.keep(now.Add(1), 1, fact.SideClient, []byte("question"))
	c.keep(now.Add(4), 4, fact.SideClient, []byte("next"))
	c.end(now.Add(6), fact.SideClient, fact.TCPClosed)
	c.keep(now.Add(5), 5, fact.SideClient, []byte("written while it was closed"))
	want := []string{"question", "answer", "more", "next", "written while it was closed", ""}
	for i, p := range r.Pieces {
		if string(p.Data) != want[i] {
			t.Errorf("piece %d is %q", i, p.Data)
		}
	}
}

// TestOrderOfCoarseClocks holds that a question stands before its answer where the clock stood still.
func TestOrderOfCoarseClocks(t *testing.T) {
	now := time.Now()
	r := &Recording{Start: now}
	c := New(nil, r, 0)
	begun := c.next()
	c.keep(now, c.next(), fact.SideServer, []byte("answer"))
	c.keep(now, begun, fact.SideClient, []byte("question"))
	if len(r.Pieces) != 2 || string(r.Pieces[0].Data) != "question" {
		t.Errorf("%+v", r.Pieces)
	}
}

// TestConcurrent is for the race detector: reading, writing, noting and copying at once.
func TestConcurrent(t *testing.T) {
	c, _, server := pair(t, 1000)
	go func() { io.Copy(server, server); server.Close() }()
	var all sync.WaitGroup
	all.Go(func() { io.Copy(io.Discard, c) })
	all.Go(func() {
		for range 200 {
			c.Write([]byte("0123456789"))
			c.Note(fact.Fact{Kind: fact.GaveUp})
		}
		c.CloseWrite()
	})
	for range 50 {
		s := c.Snapshot()
		for i := range s.Pieces {
			_ = len(s.Pieces[i].Data)
		}
		c.KeyLog().Write([]byte("x"))
	}
	all.Wait()
	c.Close()
}

func TestClock(t *testing.T) {
	start := time.Now()
	r := &Recording{Start: start, Connect: -1}
	if _, ok := r.Connected(); ok {
		t.Error("connected")
	}
	r.Connect = 5
	if at, ok := r.Connected(); !ok || at != start.UnixNano()+5 || r.At(start.Add(7)) != start.UnixNano()+7 {
		t.Error(at, ok)
	}
}
