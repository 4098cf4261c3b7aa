package flight

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// TestOneSiteBlindsNoOther: connections of one site that hold all memory, idle or not, leave another site's share to it.
func TestOneSiteBlindsNoOther(t *testing.T) {
	const limit = 8 << 20
	wire, starts := records(60, 3)
	for _, hog := range []string{"idle", "busy", "ended", "handshakes"} {
		t.Run(hog, func(t *testing.T) {
			r := recorder(t, Config{Memory: limit, Linger: time.Hour, Stalled: func(Stall) {}})
			now := time.Now()
			for i := range 1000 {
				x := open(t, r, Settings{Site: "hog", StallAfter: time.Hour})
				x.Secret([]byte("CLIENT_RANDOM a b\n"))
				sent := wire
				if hog == "handshakes" {
					sent = wire[:9000]
				}
				x.Wire(fact.SideServer, now.UnixNano(), sent)
				switch hog {
				case "busy":
					x.Turn(&exchange.Exchange{ID: fmt.Sprint(i)}, exchange.TurnOrigin)
				case "ended":
					x.Close()
				}
			}
			for i := range 20 { // 84 KiB each
				x := open(t, r, Settings{Site: "shop"})
				x.Secret([]byte("CLIENT_RANDOM c d\n"))
				x.Wire(fact.SideClient, now.UnixNano(), wire[:5000])
				x.Wire(fact.SideServer, now.UnixNano(), wire)
				rec := x.Recording()
				verify(t, rec, wire, starts, 64<<10)
				if _, tail, _ := side(rec, fact.SideServer); len(tail) == 0 || rec.Short || len(rec.KeyLog) == 0 {
					t.Fatalf("connection %d of the other site: %d bytes of the end, short %v, secrets %q", i, len(tail), rec.Short, rec.KeyLog)
				}
			}
			if s := r.Stats(); s.Used > limit {
				t.Errorf("%d bytes are used, of %d", s.Used, limit)
			}
		})
	}
}

// TestLogsAreShared: nor may one site have all memory for times and records.
func TestLogsAreShared(t *testing.T) {
	r := recorder(t, Config{Memory: 2 << 20})
	at := epoch.UnixNano()
	full := func(site string) int {
		x := open(t, r, Settings{Site: site, Mode: Facts})
		for i := range 2 * mostRecords {
			at += int64(time.Millisecond)
			x.Wire(fact.Side(1+i%2), at, []byte{23, 3, 3, 0, 1, 'x'})
		}
		last, _ := x.Records()
		return len(last)
	}
	for range 300 {
		full("hog")
	}
	if n := full("shop"); n != mostRecords {
		t.Errorf("%d records of the other site are kept", n)
	}
}

// TestIdleGivesWay: within one site what is idle gives its end first, and never its beginning while that is enough; the newest
// connections are whole. What gave its end goes on where it is.
func TestIdleGivesWay(t *testing.T) {
	r := recorder(t, Config{Memory: 8 << 20, Linger: time.Hour})
	wire, starts := records(60, 3)
	at := epoch
	var all []*tape
	old := 0
	for range 150 { // of 64 KiB: 9.4 MiB; their beginnings alone are 4.7
		x := open(t, r, Settings{})
		at = at.Add(2 * time.Second)
		x.Wire(fact.SideServer, at.UnixNano(), wire)
		all = append(all, x)
	}
	for i, x := range all {
		rec := x.Recording()
		verify(t, rec, wire, starts, 64<<10)
		head, tail, _ := side(rec, fact.SideServer)
		if len(head) < 28<<10 {
			t.Fatalf("connection %d keeps %d bytes of its beginning", i, len(head))
		}
		if i > 140 && (len(tail) == 0 || rec.Short) || (len(tail) == 0) != rec.Short {
			t.Fatalf("connection %d keeps %d bytes of its end, short %v", i, len(tail), rec.Short)
		}
		if i < 75 && !rec.Short {
			old++
		}
	}
	if old > 25 {
		t.Errorf("%d of the 75 oldest are whole", old)
	}
	x := all[0]
	more, begin := records(3, 9)
	x.Wire(fact.SideServer, at.Add(2*time.Second).UnixNano(), more)
	for _, b := range begin {
		starts = append(starts, len(wire)+b)
	}
	rec := x.Recording()
	verify(t, rec, append(bytes.Clone(wire), more...), starts, 64<<10)
	if _, tail, _ := side(rec, fact.SideServer); !bytes.Equal(tail, more) {
		t.Errorf("%d bytes of the end, not the %d that came since", len(tail), len(more))
	}
}

// TestComesBack: a connection that got no memory has its end again once there is some.
func TestComesBack(t *testing.T) {
	r := recorder(t, Config{Memory: 4 << 20})
	wire, starts := records(60, 3)
	var all []*tape
	for range 100 { // at once: nobody is idle
		x := open(t, r, Settings{})
		x.Wire(fact.SideServer, epoch.UnixNano(), wire[:20000])
		all = append(all, x)
	}
	for _, x := range all {
		x.Wire(fact.SideServer, epoch.UnixNano()+1, wire[20000:])
	}
	blind := all[99]
	if head, tail, _ := side(blind.Recording(), fact.SideServer); len(head) == 0 || len(tail) > 0 || !blind.Recording().Short {
		t.Fatalf("%d and %d bytes are kept", len(head), len(tail))
	}
	for _, x := range all[:80] {
		x.Close()
	}
	r.sweep(time.Now().Add(time.Hour))
	more, begin := records(3, 9)
	for _, b := range begin {
		starts = append(starts, len(wire)+b)
	}
	blind.Wire(fact.SideServer, epoch.Add(2*time.Second).UnixNano(), more)
	rec := blind.Recording()
	verify(t, rec, append(bytes.Clone(wire), more...), starts, 64<<10)
	if _, tail, _ := side(rec, fact.SideServer); len(tail) == 0 {
		t.Error("nothing is kept any more")
	}
}

// TestShed sheds at any time what is kept of one side, of records and of what is none; what stays is where it was.
func TestShed(t *testing.T) {
	r := recorder(t, Config{})
	wire, starts := records(120, 8)
	for seed := range uint64(400) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		clear := seed%4 == 3
		x := open(t, r, Settings{Bytes: 40 << 10})
		sent := wire
		if clear {
			sent = bytes.Repeat([]byte("GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n"), 4000)
		}
		at := epoch
		for off := 0; off < len(sent); {
			n := min(1+rnd.IntN(9000), len(sent)-off)
			if end := following(starts, off+n); !clear && rnd.IntN(2) == 0 { // at a record, as when idle
				n = end - off
			}
			at = at.Add(time.Millisecond)
			x.Wire(fact.SideServer, at.UnixNano(), sent[off:off+n])
			off += n
			if rnd.IntN(6) == 0 {
				x.mu.Lock()
				x.shed(shedEnd + rnd.IntN(2))
				x.mu.Unlock()
			}
			rec := x.Recording()
			if !clear {
				verify(t, rec, sent[:off], starts, 40<<10)
			}
			head, tail, hole := side(rec, fact.SideServer)
			lost := 0
			if hole != nil {
				lost = int(hole.Lost)
			}
			if !bytes.HasPrefix(sent[:off], head) || !bytes.HasSuffix(sent[:off], tail) || len(head)+lost+len(tail) != off {
				t.Fatalf("seed %d at %d: head %d, lost %d, tail %d", seed, off, len(head), lost, len(tail))
			}
		}
		x.mu.Lock()
		x.shed(shedAll)
		x.mu.Unlock()
		if rec := x.Recording(); rec.Omitted != int64(len(sent)) || !rec.Short {
			t.Fatalf("seed %d: %d of %d bytes omitted", seed, rec.Omitted, len(sent))
		}
		x.Close()
	}
	r.sweep(time.Now().Add(time.Hour))
	if s := r.Stats(); s.Used > 0 {
		t.Errorf("%+v", s)
	}
}

// TestWarning: that memory is used up is said once a minute, with the site that holds most.
func TestWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r, err := New(Config{Memory: 1 << 20, Log: slog.New(slog.NewTextHandler(&out, nil))})
		if err != nil {
			t.Fatal(err)
		}
		wire, _ := records(60, 3)
		for range 300 { // a second each
			open(t, r, Settings{Site: "hog"}).Wire(fact.SideServer, time.Now().UnixNano(), wire)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		r.Close()
		if n := strings.Count(out.String(), "flight_memory is used up"); n < 4 || n > 6 || !strings.Contains(out.String(), "site=hog") {
			t.Errorf("said %d times in 5 minutes:\n%s", n, out.String())
		}
	})
}

// following is the first of all that is at least n; n without one.
func following(all []int, n int) int {
	if i, _ := slices.BinarySearch(all, n); i < len(all) {
		return all[i]
	}
	return n
}
