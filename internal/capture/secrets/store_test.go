package secrets

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestNothingKnown(t *testing.T) {
	s := New()
	if !s.Empty() {
		t.Error("a new store is not empty")
	}
	for _, random := range [][]byte{nil, {}, {1}, make([]byte, 32), make([]byte, 33)} {
		if s.Master(random) != nil || s.PreMaster(random) != nil || s.PreMasterOf(random) != nil || s.MasterOfSession(random) != nil ||
			s.Traffic(ClientTraffic, random) != nil || s.Traffic(200, random) != nil || s.Recall(random) != nil {
			t.Errorf("something is known of %x", random)
		}
	}
	s.TrafficSecrets(ServerTraffic, func(_, _ []byte) bool { t.Error("a secret from nowhere"); return true })
	s.TrafficSecrets(200, func(_, _ []byte) bool { t.Error("a secret from nowhere"); return true })
}

func TestPSKs(t *testing.T) {
	s := New()
	key := []byte{1, 2, 3}
	s.AddPSK(key)
	s.AddPSK(key)
	s.AddPSK(nil)
	key[0] = 9
	if got := s.PSKs(); len(got) != 1 || !bytes.Equal(got[0], []byte{1, 2, 3}) || s.Empty() || s.Generation() != 1 {
		t.Errorf("%x, empty %v, generation %d", got, s.Empty(), s.Generation())
	}
}

func TestTrafficSecretsInOrder(t *testing.T) {
	var text strings.Builder
	var want []byte
	for i := range 3 * chunkSize / 2 {
		b := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		want = append(want, b[0])
		fmt.Fprintf(&text, "CLIENT_TRAFFIC_SECRET_0 %x %x\n", b, b)
	}
	s, _ := load(t, text.String())
	var got []byte
	s.TrafficSecrets(ClientTraffic, func(random, secret []byte) bool {
		if !bytes.Equal(random, secret) || !bytes.Equal(s.Traffic(ClientTraffic, random), secret) {
			t.Fatalf("%x has %x", random, secret)
		}
		got = append(got, random[0])
		return true
	})
	if !bytes.Equal(got, want) {
		t.Error("not in order")
	}
	n := 0
	s.TrafficSecrets(ClientTraffic, func(_, _ []byte) bool { n++; return n < 10 })
	if n != 10 {
		t.Errorf("went on after false: %d", n)
	}
}

func TestSessions(t *testing.T) {
	a, b, c, d := []byte("a"), []byte("b"), []byte("c"), []byte("d")
	one, two := []byte("one"), []byte("two")
	for name, c := range map[string]struct {
		do   func(s *Store)
		want []string // of a, b, c, d
	}{
		"remembered":                  {func(s *Store) { s.Remember(a, one) }, []string{"one", "", "", ""}},
		"the later counts":            {func(s *Store) { s.Remember(a, one); s.Remember(a, two) }, []string{"two", "", "", ""}},
		"known, then alias":           {func(s *Store) { s.Remember(a, one); s.Alias(a, b) }, []string{"one", "one", "", ""}},
		"alias, then known":           {func(s *Store) { s.Alias(a, b); s.Remember(a, one) }, []string{"one", "one", "", ""}},
		"alias, then known backwards": {func(s *Store) { s.Alias(a, b); s.Remember(b, one) }, []string{"one", "one", "", ""}},
		"chain":                       {func(s *Store) { s.Alias(a, b); s.Alias(c, d); s.Alias(b, c); s.Remember(d, one) }, []string{"one", "one", "one", "one"}},
		"chain from the end":          {func(s *Store) { s.Remember(d, one); s.Alias(c, d); s.Alias(b, c); s.Alias(a, b) }, []string{"one", "one", "one", "one"}},
		"loop":                        {func(s *Store) { s.Alias(a, b); s.Alias(b, c); s.Alias(c, a); s.Alias(a, a); s.Remember(b, two) }, []string{"two", "two", "two", ""}},
		"two secrets stay apart":      {func(s *Store) { s.Remember(a, one); s.Remember(b, two); s.Alias(a, b) }, []string{"one", "two", "", ""}},
		"nothing":                     {func(s *Store) { s.Remember(nil, one); s.Remember(a, nil); s.Alias(nil, a); s.Alias(b, nil) }, []string{"", "", "", ""}},
		"too long":                    {func(s *Store) { s.Remember(a, make([]byte, 49)) }, []string{"", "", "", ""}},
	} {
		s := New()
		c.do(s)
		for i, id := range [][]byte{a, b, []byte("c"), d} {
			if got := string(s.Recall(id)); got != c.want[i] {
				t.Errorf("%s: %s is %q, want %q", name, id, got, c.want[i])
			}
		}
		if !s.Empty() {
			t.Errorf("%s: sessions that were met are nothing to begin with, yet the store is not empty", name)
		}
	}
}

func TestGenerationGrowsWithNews(t *testing.T) {
	s := New()
	for i, do := range []func(){
		func() { s.Remember([]byte("a"), []byte("one")) },
		func() { s.Alias([]byte("a"), []byte("b")) },
		func() { s.Remember([]byte("a"), []byte("two")) },
	} {
		do()
		if got := s.Generation(); got != uint64(i+1) {
			t.Errorf("step %d: generation %d", i, got)
		}
		do()
		if got := s.Generation(); got != uint64(i+1) {
			t.Errorf("step %d again: generation %d", i, got)
		}
	}
}

// TestSessionsAreBounded holds that the latest are known and that there are never more than twice the limit.
func TestSessionsAreBounded(t *testing.T) {
	const limit = 100
	s := New()
	s.sessions.limit = limit
	id := func(i int) []byte { return fmt.Appendf(nil, "session %d", i) }
	for i := range 10 * limit {
		s.Remember(id(i), []byte{byte(i)})
		s.Alias(id(i), id(i+1))
		if n := len(s.sessions.young) + len(s.sessions.old); n > 2*limit {
			t.Fatalf("%d sessions", n)
		}
		for back := range min(i, limit/2) {
			if s.Recall(id(i-back)) == nil {
				t.Fatalf("session %d is forgotten after %d others", i-back, back)
			}
		}
	}
	if s.Recall(id(1)) != nil {
		t.Error("the first is still known")
	}
}

// TestSessionsLikeAModel compares with the plainest thing that could work.
func TestSessionsLikeAModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := New()
		group := map[byte]int{}
		secret := map[int]byte{}
		of := func(id byte) int {
			if _, ok := group[id]; !ok {
				group[id] = 1000 + int(id)
			}
			return group[id]
		}
		for range 30 {
			a, b := byte(r.IntN(8)), byte(r.IntN(8))
			if r.IntN(3) == 0 {
				if known, ok := secret[of(a)]; ok && known != 7 {
					continue
				}
				secret[of(a)] = 7
				s.Remember([]byte{a}, []byte{7})
				continue
			}
			from, to := of(a), of(b)
			for id, g := range group {
				if g == from {
					group[id] = to
				}
			}
			if known, ok := secret[from]; ok {
				secret[to] = known
			}
			s.Alias([]byte{a}, []byte{b})
		}
		for id, g := range group {
			if got, want := s.Recall([]byte{id}), secret[g]; len(got) == 0 != (want == 0) {
				t.Fatalf("session %d: %x, want %x", id, got, want)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := New()
	var work sync.WaitGroup
	for g := range 4 {
		work.Go(func() {
			var text strings.Builder
			for i := range 500 {
				b := sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(g % 2)})
				fmt.Fprintf(&text, "SERVER_TRAFFIC_SECRET_0 %x %x\nPMS_CLIENT_RANDOM %x 00\n", b, b, b)
				s.Remember(b[:], b[:])
				s.Alias(b[:], b[:4])
				s.Recall(b[:4])
			}
			if _, err := s.AddKeyLog("keys.txt", strings.NewReader(text.String())); err != nil {
				t.Error(err)
			}
			s.AddPSK([]byte{byte(g)})
			s.PSKs()
			s.RSAKeys(nil)
			s.TrafficSecrets(ServerTraffic, func(random, secret []byte) bool { return slices.Equal(random, secret) && s.Generation() > 0 })
		})
	}
	work.Wait()
	n := 0
	s.TrafficSecrets(ServerTraffic, func(_, _ []byte) bool { n++; return true })
	if n != 1000 {
		t.Errorf("%d secrets", n)
	}
}
