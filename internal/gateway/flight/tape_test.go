package flight

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func recorder(t testing.TB, cfg Config) *Recorder {
	t.Helper()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func open(t testing.TB, r *Recorder, s Settings) *tape {
	t.Helper()
	if s.Mode == "" {
		s.Mode = Packets
	}
	if s.Bytes == 0 {
		s.Bytes = 64 << 10
	}
	x, ok := r.For(s).Open(about(7)).(*tape)
	if !ok {
		t.Fatal("no tape")
	}
	return x
}

func about(id uint64) exchange.Taped {
	return exchange.Taped{ConnID: id, Client: netip.MustParseAddrPort("192.0.2.1:40000"), Server: netip.MustParseAddrPort("192.0.2.2:443"),
		Name: "shop.test", URL: "https://shop.test", Start: epoch, Connect: time.Millisecond, TLS: true}
}

// records are n TLS records of application data, of changing lengths, each byte of which tells where it stands.
func records(n int, seed uint64) (wire []byte, starts []int) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		starts = append(starts, len(wire))
		p := make([]byte, 16+rnd.IntN(3000))
		for j := range p {
			p[j] = byte(i + j)
		}
		wire = tlswire.AppendRecord(wire, tlswire.TypeApplicationData, tlswire.VersionTLS12, p)
	}
	return wire, starts
}

// side puts together what is kept of one side: before the hole, after it.
func side(r *recording.Recording, s fact.Side) (head, tail []byte, hole *recording.Piece) {
	for i := range r.Pieces {
		p := &r.Pieces[i]
		switch {
		case p.Side != s || p.End != fact.None:
		case p.Lost > 0:
			if hole != nil { // nothing is kept at all
				q := *p
				q.Lost += hole.Lost
				p = &q
			}
			hole = p
		case hole == nil:
			head = append(head, p.Data...)
		default:
			tail = append(tail, p.Data...)
		}
	}
	return head, tail, hole
}

// verify holds a recording of wire against it.
func verify(t *testing.T, r *recording.Recording, wire []byte, starts []int, kept int) {
	t.Helper()
	head, tail, hole := side(r, fact.SideServer)
	if !bytes.HasPrefix(wire, head) || !bytes.HasSuffix(wire, tail) {
		t.Fatal("what is kept is not what crossed")
	}
	if hole == nil {
		if len(head) != len(wire) {
			t.Fatalf("kept %d of %d bytes, and says nothing of the rest", len(head), len(wire))
		}
		return
	}
	if int(hole.Lost)+len(head)+len(tail) != len(wire) || r.Omitted < hole.Lost {
		t.Fatalf("head %d, lost %d (omitted %d), tail %d of %d bytes", len(head), hole.Lost, r.Omitted, len(tail), len(wire))
	}
	if len(head)+len(tail) > kept {
		t.Fatalf("kept %d bytes, more than %d", len(head)+len(tail), kept)
	}
	if len(tail) == 0 {
		return
	}
	from, ok1 := slices.BinarySearch(starts, len(head))
	to, ok2 := slices.BinarySearch(starts, len(wire)-len(tail))
	if !ok1 || !ok2 {
		t.Fatalf("the hole [%d, %d) begins or ends within a record", len(head), len(wire)-len(tail))
	}
	if hole.Records != int64(to-from) {
		t.Fatalf("lost %d records, and says %d", to-from, hole.Records)
	}
	if end := len(wire) - len(tail); !bytes.Equal(hole.Tail, wire[max(end-16, 0):end]) {
		t.Fatalf("the last lost bytes are %x, not %x", hole.Tail, wire[end-16:end])
	}
}

// TestWrap ends the stream everywhere around the places where head and ring are full, in pieces of many lengths.
func TestWrap(t *testing.T) {
	const each = 40 << 10 // head 20 KiB, ring 20 KiB
	wire, starts := records(60, 1)
	r := recorder(t, Config{})
	check := func(n, step int) {
		x := open(t, r, Settings{Bytes: each})
		for off := 0; off < n; off += step {
			x.Wire(fact.SideServer, epoch.UnixNano()+int64(off), wire[off:min(off+step, n)])
		}
		verify(t, x.Recording(), wire[:n], starts, each)
		x.mu.Lock()
		x.wipe()
		x.mu.Unlock()
	}
	for n := 1; n < len(wire); n += 97 {
		check(n, 1+n%5000)
	}
	for _, around := range []int{each / 2, each, each + blockSize, each + each/2, each + each/2 + blockSize} {
		for n := around - 12; n < around+12; n++ {
			check(n, 4096)
			check(n, 1460)
		}
	}
	check(len(wire), len(wire))
	for _, step := range []int{1, 2, 3, 5, 7} {
		check(len(wire)-step, step)
	}
}

// FuzzWire feeds both sides in any order and cuts.
func FuzzWire(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint16(20000), uint64(3))
	f.Add([]byte{255, 0, 128, 17, 99, 201}, uint16(4096), uint64(9))
	f.Add([]byte{}, uint16(1), uint64(0))
	r, err := New(Config{Memory: 4 << 20})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(r.Close)
	f.Fuzz(func(t *testing.T, cuts []byte, each uint16, seed uint64) {
		wire, starts := records(int(seed%70)+1, seed)
		x := open(t, r, Settings{Bytes: max(int(each), 4096)})
		n, at, client := 0, epoch.UnixNano(), 0
		for i := 0; n < len(wire); i++ {
			c := 1500
			if len(cuts) > 0 {
				c = 1 + 23*int(cuts[i%len(cuts)])
			}
			if c%3 == 0 {
				x.Wire(fact.SideClient, at, wire[:c%len(wire)])
				client += c % len(wire)
			}
			c = min(c, len(wire)-n)
			x.Wire(fact.SideServer, at, wire[n:n+c])
			n, at = n+c, at+int64(c)*1e5
		}
		rec := x.Recording()
		verify(t, rec, wire, starts, int(max(int64(each), 16<<10))+3*blockSize)
		got := 0
		for i := range rec.Pieces {
			p := &rec.Pieces[i]
			if i > 0 && p.At.Before(rec.Pieces[i-1].At) {
				t.Fatal("time runs backwards")
			}
			if p.Side == fact.SideClient {
				got += len(p.Data) + int(p.Lost)
			}
		}
		if got != client {
			t.Fatalf("%d bytes of the client, not %d", got, client)
		}
		x.mu.Lock()
		x.wipe()
		x.mu.Unlock()
	})
}

// TestWipe: after Linger the pages that held bytes and secrets hold zeros.
func TestWipe(t *testing.T) {
	r := recorder(t, Config{Linger: time.Hour})
	x := open(t, r, Settings{})
	secret := []byte("CLIENT_RANDOM 00 11223344\n")
	wire, _ := records(60, 2)
	x.Wire(fact.SideClient, epoch.UnixNano(), []byte("hello from the client"))
	x.Wire(fact.SideServer, epoch.UnixNano(), wire)
	x.Secret(secret)
	rec := x.Recording()
	if !bytes.Equal(rec.KeyLog, secret) {
		t.Fatalf("secrets %q", rec.KeyLog)
	}
	pages := slices.Clone(x.keys)
	for i := range x.lanes {
		for _, all := range [][]block{x.lanes[i].head, x.lanes[i].ring} {
			for _, b := range all {
				pages = append(pages, b.mem)
			}
		}
	}
	dirty := func() (n int) {
		for _, p := range pages {
			if *p != (page{}) {
				n++
			}
		}
		return n
	}
	if len(pages) < 10 || dirty() != len(pages) {
		t.Fatalf("%d of %d pages are written", dirty(), len(pages))
	}
	x.Close()
	r.sweep(time.Now().Add(59 * time.Minute))
	if dirty() != len(pages) || x.Recording() == nil {
		t.Error("wiped too early")
	}
	r.sweep(time.Now().Add(time.Hour))
	if n := dirty(); n > 0 {
		t.Errorf("%d of %d pages still hold something", n, len(pages))
	}
	if x.Recording() != nil {
		t.Error("a recording of what was wiped")
	}
	x.Wire(fact.SideServer, epoch.UnixNano(), wire) // late, and harmless
	x.Secret(secret)
	x.Note(fact.Fact{Kind: fact.GaveUp})
	x.Close()
	if r.Stats().Used > 0 || dirty() > 0 {
		t.Error("something is kept of a connection that is over")
	}
}

// TestBudget: a thousand connections that all want more than there is.
func TestBudget(t *testing.T) {
	const limit = 8 << 20
	r := recorder(t, Config{Memory: limit, Linger: time.Hour})
	wire, starts := records(60, 3)
	var all []*tape
	for range 1000 {
		x := open(t, r, Settings{})
		x.Wire(fact.SideServer, epoch.UnixNano(), wire)
		x.Secret([]byte("CLIENT_RANDOM a b\n"))
		all = append(all, x)
		if used := r.Stats().Used; used > limit {
			t.Fatalf("%d bytes are used, of %d", used, limit)
		}
	}
	s := r.Stats()
	if s.Open != 1000 || s.Refused < 500 || s.Used < limit*3/4 {
		t.Errorf("%+v", s)
	}
	whole := 0
	for _, x := range all {
		rec := x.Recording()
		verify(t, rec, wire, starts, 64<<10)
		if _, n := x.Records(); n[1] != 60 {
			t.Fatalf("%d records seen", n[1])
		}
		if _, tail, _ := side(rec, fact.SideServer); len(tail) > 0 {
			whole++
		}
	}
	if whole < 50 || whole > 200 {
		t.Errorf("%d tapes are whole", whole)
	}
	for _, x := range all[:100] {
		x.Close()
	}
	x := open(t, r, Settings{}) // takes the place of one that is over
	x.Wire(fact.SideServer, epoch.UnixNano(), wire)
	if _, tail, _ := side(x.Recording(), fact.SideServer); len(tail) == 0 || r.Stats().Early == 0 {
		t.Errorf("no room was made: %+v", r.Stats())
	}
	for _, x := range all[100:] {
		x.Close()
	}
}

// TestConcurrent: what is fed while the recorder closes hurts nobody.
func TestConcurrent(t *testing.T) {
	r := recorder(t, Config{Memory: 2 << 20, Linger: time.Millisecond, Stalled: func(Stall) {}})
	wire, starts := records(40, 4)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			armed := r.Arm(Arm{})
			defer armed.Close()
			for i := range 30 {
				x := open(t, r, Settings{StallAfter: time.Hour, Leg: Leg(g % 2)})
				ex := &exchange.Exchange{ID: "x"}
				var feed sync.WaitGroup
				feed.Go(func() {
					for off := 0; off < len(wire); off += 999 {
						x.Wire(fact.SideServer, epoch.UnixNano(), wire[off:min(off+999, len(wire))])
					}
				})
				feed.Go(func() {
					for range 20 {
						x.Wire(fact.SideClient, epoch.UnixNano(), wire[:700])
						x.Turn(ex, exchange.TurnOrigin)
						x.Secret([]byte("CLIENT_RANDOM a b\n"))
						x.Note(fact.Fact{Kind: fact.TLSVerified})
						x.Turn(ex, exchange.TurnOver)
					}
				})
				feed.Go(func() {
					for range 5 {
						if rec := x.Recording(); rec != nil {
							head, _, _ := side(rec, fact.SideServer)
							if !bytes.HasPrefix(wire, head) {
								t.Error("torn")
							}
						}
						r.Stats()
					}
				})
				feed.Wait()
				if rec := x.Recording(); rec != nil {
					verify(t, rec, wire, starts, 64<<10)
				}
				if i%2 == 0 {
					x.Close()
				}
			}
		})
	}
	wg.Wait()
	r.Close()
	x := r.For(Settings{Mode: Packets, Bytes: 4096})
	if got := x.Open(about(1)); got != nil {
		t.Error("a closed recorder records")
	}
}

func TestOffAndFacts(t *testing.T) {
	r := recorder(t, Config{})
	if f := r.For(Settings{Mode: Off}); f != nil {
		t.Errorf("off is %v", f)
	}
	x := open(t, r, Settings{Mode: Facts})
	wire, _ := records(3, 5)
	x.Wire(fact.SideClient, epoch.UnixNano(), wire)
	x.Wire(fact.SideServer, epoch.Add(2*time.Second).UnixNano(), wire)
	x.Secret([]byte("CLIENT_RANDOM a b\n"))
	rec := x.Recording()
	if len(rec.KeyLog) > 0 || rec.Omitted != int64(2*len(wire)) || len(rec.Pieces) != 2 || rec.Pieces[1].Lost != int64(len(wire)) || !rec.Pieces[1].At.Equal(epoch.Add(2*time.Second)) {
		t.Errorf("%+v", rec)
	}
	if last, n := x.Records(); len(last) != 6 || n != [2]int64{3, 3} || last[3].Side != fact.SideServer || last[0].Type != 23 {
		t.Errorf("records %v %v", last, n)
	}
	if r.Stats().Used > 1<<10 {
		t.Errorf("%+v", r.Stats())
	}
}

// TestNothingIsAllocated, once the memory of a tape is there.
func TestNothingIsAllocated(t *testing.T) {
	r := recorder(t, Config{Stalled: func(Stall) {}})
	x := open(t, r, Settings{StallAfter: time.Second})
	ex := &exchange.Exchange{ID: "x"}
	wire, _ := records(30, 6)
	at := epoch.UnixNano()
	run := func() {
		at += int64(time.Second)
		x.Turn(ex, exchange.TurnTaking)
		x.Wire(fact.SideClient, at, wire[:400])
		x.Turn(ex, exchange.TurnOrigin)
		x.Wire(fact.SideServer, at, wire)
		x.Turn(ex, exchange.TurnOurs)
		x.Turn(ex, exchange.TurnOver)
	}
	for range 300 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestManySecrets(t *testing.T) {
	r := recorder(t, Config{})
	x := open(t, r, Settings{})
	line := func(i int) string { return fmt.Sprintf("CLIENT_RANDOM %064x %096x\n", i, i) }
	for i := range 1000 {
		x.Secret([]byte(line(i)))
	}
	log := string(x.Recording().KeyLog)
	for i, l := range []string{line(0), line(999)} {
		if !bytes.Contains([]byte(log), []byte(l)) {
			t.Errorf("%d is missing", i)
		}
	}
	for l := range bytes.Lines([]byte(log)) {
		if len(l) != len(line(0)) {
			t.Errorf("torn line %q", l)
		}
	}
	if len(log) > mostKeys*blockSize {
		t.Errorf("%d bytes", len(log))
	}
}

func BenchmarkWire(b *testing.B) {
	for _, m := range []Mode{Facts, Packets} {
		for _, n := range []int{400, 10 << 10} {
			b.Run(fmt.Sprintf("%s/%d", m, n), func(b *testing.B) {
				r := recorder(b, Config{})
				x := open(b, r, Settings{Mode: m})
				p := tlswire.AppendRecord(nil, 23, 0x0303, make([]byte, n))
				b.SetBytes(int64(len(p)))
				for i := 0; b.Loop(); i++ {
					x.Wire(fact.SideServer, epoch.UnixNano()+int64(i)*1000, p)
				}
			})
		}
	}
}
