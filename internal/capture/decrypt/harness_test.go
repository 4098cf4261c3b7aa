package decrypt

import (
	"bytes"
	"os"
	"strconv"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// piece is one record of one side, as a capture has it.
type piece struct {
	side fact.Side
	rec  tlsrecord.Record
}

// conversation is the records of one connection in order.
type conversation []piece

// conversationsOf reads the connections of a capture to its origin.
func conversationsOf(t testing.TB, c captures.Capture) []conversation {
	t.Helper()
	all, _ := recorded.Read(t, c.Path)
	var out []conversation
	for _, one := range all {
		if strconv.Itoa(int(one.Port)) != c.Port {
			continue
		}
		var conv conversation
		for _, p := range one.Pieces {
			conv = append(conv, piece{p.Side, p.Record})
		}
		out = append(out, conv)
	}
	return out
}

// listener keeps what a Session tells.
type listener struct {
	facts   []fact.Fact
	plain   [3][]byte
	early   []byte
	missing [3]int64
}

func (l *listener) Fact(f fact.Fact) { l.facts = append(l.facts, f) }
func (l *listener) Plain(side fact.Side, _ fact.Stamp, p []byte, early bool) {
	if early {
		l.early = append(l.early, p...)
		return
	}
	l.plain[side] = append(l.plain[side], p...)
}
func (l *listener) Missing(side fact.Side, _ fact.Stamp, n int64) { l.missing[side] += n }

func (l *listener) count(k fact.Kind) int {
	n := 0
	for _, f := range l.facts {
		if f.Kind == k {
			n++
		}
	}
	return n
}

// play runs a conversation through a Session.
func play(c conversation, src *secrets.Store) (*Session, *listener) {
	l := &listener{}
	s := New(Config{}, src, l)
	var last fact.Stamp
	for i := range c {
		s.Record(c[i].side, &c[i].rec)
		last = c[i].rec.End
	}
	s.Close(last)
	return s, l
}

// storeOf holds the secrets of a capture: its key log, or with key the server's private key.
func storeOf(t testing.TB, c captures.Capture, key bool) *secrets.Store {
	t.Helper()
	st := secrets.New()
	if key {
		b, err := os.ReadFile(captures.RSAKeyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := st.AddPrivateKey("server", b, nil); err != nil {
			t.Fatal(err)
		}
		return st
	}
	if c.DSB {
		_, keys := recorded.Read(t, c.Path)
		if _, err := st.AddKeyLog(c.Name, bytes.NewReader(keys)); err != nil {
			t.Fatal(err)
		}
	}
	if c.KeyLog == "" {
		return st
	}
	f, err := os.Open(c.KeyLog)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := st.AddKeyLog(c.Name, f); err != nil {
		t.Fatal(err)
	}
	return st
}

// dump shows the facts of a test that failed.
func (l *listener) dump(t testing.TB) {
	t.Helper()
	for _, f := range l.facts {
		t.Log(f.Frame, f.At.UnixMicro(), f.Side, f.Kind, f.Code, f.Size, f.Text)
	}
}
