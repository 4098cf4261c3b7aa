package flight

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
)

// TestStalls is the table of what is a stall and what is none. Each step lasts a second; stall_after is 5 s.
func TestStalls(t *testing.T) {
	type step func(x *tape, a, b *exchange.Exchange)
	turn := func(w exchange.Turn) step { return func(x *tape, a, _ *exchange.Exchange) { x.Turn(a, w) } }
	other := func(w exchange.Turn) step { return func(x *tape, _, b *exchange.Exchange) { x.Turn(b, w) } }
	hear := func(s fact.Side) step {
		return func(x *tape, _, _ *exchange.Exchange) { x.Wire(s, time.Now().UnixNano(), []byte("HTTP")) }
	}
	rest := func(*tape, *exchange.Exchange, *exchange.Exchange) {}
	waits, takes, ours, over := turn(exchange.TurnOrigin), turn(exchange.TurnTaking), turn(exchange.TurnOurs), turn(exchange.TurnOver)
	server, client := hear(fact.SideServer), hear(fact.SideClient)
	for _, test := range []struct {
		name  string
		steps []step
		want  int
		since int // seconds from the beginning, of the first stall
		write bool
	}{
		{"no answer", []step{takes, client, waits, rest, rest, rest, rest, rest, rest, rest, rest, rest, rest}, 1, 2, false},
		{"an answer in time", []step{takes, client, waits, rest, rest, rest, server, ours, rest, rest, rest, rest, rest, rest, over}, 0, 0, false},
		{"half an answer", []step{waits, rest, server, rest, rest, rest, rest, rest, rest}, 1, 2, false},
		{"drops", []step{waits, rest, rest, rest, server, rest, rest, rest, server, rest, rest, rest}, 0, 0, false},
		{"two silences", []step{waits, rest, rest, rest, rest, rest, rest, server, rest, rest, rest, rest, rest, rest, rest}, 2, 0, false},
		{"nothing taken", []step{takes, client, rest, rest, rest, rest, rest, rest, rest}, 1, 1, true},
		{"taken piece by piece", []step{takes, client, rest, rest, client, takes, rest, rest, client, takes, rest, rest, rest}, 0, 0, false},
		{"upload waits for the client", []step{takes, client, ours, rest, rest, rest, rest, rest, rest, rest}, 0, 0, false},
		{"slow client", []step{waits, server, ours, rest, rest, rest, rest, rest, rest, rest}, 0, 0, false},
		{"idle", []step{waits, server, over, rest, rest, rest, rest, rest, rest, rest}, 0, 0, false},
		{"never told of", []step{server, rest, rest, rest, rest, rest, rest, rest}, 0, 0, false},
		{"closed", []step{waits, func(x *tape, _, _ *exchange.Exchange) { x.Close() }, rest, rest, rest, rest, rest, rest, rest}, 0, 0, false},
		{"one of two, while the other goes on", []step{waits, other(exchange.TurnOrigin), server, other(exchange.TurnOrigin), server, other(exchange.TurnOrigin), server, rest}, 1, 0, false},
		{"both", []step{waits, other(exchange.TurnOrigin), rest, rest, rest, rest, rest, rest, rest}, 2, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []Stall
				r, err := New(Config{Stalled: func(s Stall) { got = append(got, s) }})
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				c := about(7)
				c.Start = begin
				x := r.For(Settings{StallAfter: 5 * time.Second, Site: "shop", Mode: Facts}).Open(c).(*tape)
				a := &exchange.Exchange{ID: "a", Request: exchange.Request{Method: "GET", Path: "/slow"}, Attempts: []exchange.Attempt{{Start: begin}}}
				b := &exchange.Exchange{ID: "b"}
				for _, s := range test.steps {
					s(x, a, b)
					time.Sleep(time.Second)
					synctest.Wait()
				}
				r.Close()
				if len(got) != test.want || r.Stats().Stalls != int64(test.want) {
					t.Fatalf("%d stalls: %+v", len(got), got)
				}
				if test.want == 0 {
					return
				}
				s := got[0]
				if s.Request != "a" || s.Method != "GET" || s.Path != "/slow" || s.Site != "shop" || !s.Begun.Equal(begin) || s.Tape != exchange.Tape(x) || s.URL != "https://shop.test" {
					t.Errorf("%+v", s)
				}
				late := begin.Add(time.Duration(test.since) * time.Second).Sub(s.Since) // by the recorder's clock
				if s.Writing != test.write || late < 0 || late > longestPause {
					t.Errorf("since %s, writing %v", s.Since.Sub(begin), s.Writing)
				}
			})
		})
	}
}

// TestArm: open connections come at once with their secrets, others as they come; who is slow loses news and holds up nobody.
func TestArm(t *testing.T) {
	r := recorder(t, Config{})
	old := open(t, r, Settings{Site: "shop"})
	foreign := open(t, r, Settings{Site: "blog"})
	client := open(t, r, Settings{Site: "shop", Leg: ClientLeg})
	old.Secret([]byte("CLIENT_RANDOM a b\n"))
	if client.WantsSecrets() || !old.WantsSecrets() {
		t.Error("client secrets without anybody armed, or none of the origin")
	}
	client.Secret([]byte("CLIENT_RANDOM a b\n"))
	a := r.Arm(Arm{Site: "shop"})
	c := r.Arm(Arm{Leg: ClientLeg})
	later := open(t, r, Settings{Site: "shop", Leg: ClientLeg})
	if !later.WantsSecrets() {
		t.Error("armed, and no secrets wanted")
	}
	later.Secret([]byte("CLIENT_RANDOM e f\n"))
	if e := <-a.Events(); string(e.Secret) != "CLIENT_RANDOM a b\n" || e.Taped.ConnID != 7 || e.Site != "shop" {
		t.Errorf("%+v", e)
	}
	old.Secret([]byte("CLIENT_RANDOM c d\n"))
	foreign.Secret([]byte("CLIENT_RANDOM x x\n"))
	if e := <-a.Events(); string(e.Secret) != "CLIENT_RANDOM c d\n" {
		t.Errorf("%+v", e)
	}
	old.Wire(fact.SideClient, epoch.UnixNano(), []byte("hello"))
	old.Close()
	if e := <-a.Events(); !e.Closed || e.Recording == nil || string(e.Recording.Pieces[0].Data) != "hello" || string(e.Recording.KeyLog) != "CLIENT_RANDOM a b\nCLIENT_RANDOM c d\n" {
		t.Errorf("%+v", e)
	}
	for i, want := range []string{"", "", "CLIENT_RANDOM e f\n"} {
		if e := <-c.Events(); string(e.Secret) != want || e.Leg != ClientLeg {
			t.Errorf("client leg %d: %+v", i, e)
		}
	}
	for range 2 * mostEvents {
		foreign.Secret([]byte("CLIENT_RANDOM x x\n"))
		later.Secret([]byte("CLIENT_RANDOM e f\n"))
	}
	if c.Dropped() == 0 || a.Dropped() > 0 {
		t.Errorf("dropped %d and %d", c.Dropped(), a.Dropped())
	}
	c.Close()
	a.Close()
	a.Close()
	for range c.Events() {
	}
	if _, ok := <-a.Events(); ok || old.r.watched(&old.set) {
		t.Error("still armed")
	}
}

// TestSlowListener: whoever hears of stalls may take long; what ended is wiped in time nevertheless, and captures are told.
func TestSlowListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, err := New(Config{Linger: 5 * time.Second, Stalled: func(Stall) { time.Sleep(time.Second) }})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		f := r.For(Settings{StallAfter: time.Second, Mode: Packets, Bytes: 4096})
		for range 30 {
			f.Open(about(1)).Turn(&exchange.Exchange{ID: "a"}, exchange.TurnOrigin)
		}
		time.Sleep(2 * time.Second) // half a minute of telling begins
		a := r.Arm(Arm{})
		x := f.Open(about(2)).(*tape)
		x.Wire(fact.SideServer, time.Now().UnixNano(), []byte("HTTP"))
		x.Close()
		time.Sleep(time.Second)
		closed := false
		for len(a.Events()) > 0 {
			e := <-a.Events()
			closed = closed || e.Closed
		}
		if n := r.Stats().Stalls; n < 1 || n > 5 {
			t.Errorf("%d stalls told in 3 s", n)
		}
		for _, t := range slices.Clone(r.open) { // the others go on
			t.Wire(fact.SideServer, time.Now().UnixNano(), []byte("HTTP"))
			t.Close()
		}
		before := r.Stats().Stalls
		defer func() {
			if n := r.Stats().Stalls; n > before+1 {
				t.Errorf("%d stalls told that were over", n-before)
			}
		}()
		if !closed {
			t.Error("a capture was not told that a connection is over")
		}
		time.Sleep(5 * time.Second)
		if x.Recording() != nil {
			t.Error("not wiped in time")
		}
		time.Sleep(time.Minute)
	})
}
