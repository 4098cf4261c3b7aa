package flow

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tcpstream"
	"github.com/lunette-waf/lunette/internal/fact"
)

const (
	client = fact.SideClient
	server = fact.SideServer
)

// script drives one Builder as tcpstream would. Each call comes a millisecond after the one before.
type script struct {
	t     *testing.T
	b     *Builder
	conn  *tcpstream.Conn
	now   fact.Stamp
	flow  *Flow
	stage *Stages
}

func newScript(t *testing.T, cfg Config, src *secrets.Store) *script {
	s := &script{t: t, conn: &tcpstream.Conn{ID: 1}}
	s.stage = NewStages(cfg, src, func(f *Flow) { s.flow = f })
	s.b = s.stage.Open(s.conn)
	return s
}

func (s *script) tick() fact.Stamp {
	s.now.At += 1e6
	s.now.Frame++
	s.conn.End, s.conn.Spoke = s.now, s.now
	return s.now
}

func (s *script) pause(d time.Duration) {
	s.b.Fact(fact.Fact{Kind: fact.Silence, At: s.now.Time(), Frame: s.now.Frame, Size: int64(d)})
	s.now.At += int64(d)
}

func (s *script) says(side fact.Side, p string) {
	at := s.tick()
	s.conn.Bytes[side] += int64(len(p))
	s.b.Data(side, at, []byte(p))
}

func (s *script) fact(k fact.Kind, side fact.Side) {
	at := s.tick()
	s.b.Fact(fact.Fact{Kind: k, Side: side, At: at.Time(), Frame: at.Frame})
}

func (s *script) ends(side fact.Side, how fact.Kind) {
	at := s.tick()
	s.b.Fact(fact.Fact{Kind: how, Side: side, At: at.Time(), Frame: at.Frame})
	s.b.End(side, at, how)
}

// done ends the capture and returns the flow.
func (s *script) done() *Flow {
	s.t.Helper()
	s.stage.End(s.now)
	for _, side := range []fact.Side{client, server} {
		if s.b.flow.Closed[side] == fact.None { // as tcpstream does
			s.b.End(side, s.conn.End, fact.None)
		}
	}
	s.b.Done()
	if s.flow == nil {
		s.t.Fatal("the flow was not handed on")
	}
	return s.flow
}

// kinds lists the facts as words, a side's first letter in front.
func kinds(f *Flow) string {
	var out []string
	for i := range f.Facts {
		word := f.Facts[i].Kind.String()
		if side := f.Facts[i].Side.String(); side != "" {
			word = side[:1] + ":" + word
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// said is one write of an end of a TLS connection.
type said struct {
	side fact.Side
	data string
}

// talk records a session of crypto/tls: what both ends wrote, in turns, and the key log.
func talk(t testing.TB, version uint16, dialogue func(client, server *tls.Conn)) ([]said, *secrets.Store) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"www.example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var keys strings.Builder
	var rec recording
	a, b := net.Pipe()
	c := tls.Client(&wiretap{a, &rec, client}, &tls.Config{InsecureSkipVerify: true, ServerName: "www.example.org", KeyLogWriter: &keys, MinVersion: version, MaxVersion: version})
	s := tls.Server(&wiretap{b, &rec, server}, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, SessionTicketsDisabled: true})
	done := make(chan error, 1)
	go func() { done <- s.HandshakeContext(context.Background()) }()
	if err := c.HandshakeContext(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	dialogue(c, s)
	a.Close()
	b.Close()
	store := secrets.New()
	if _, err := store.AddKeyLog("test", strings.NewReader(keys.String())); err != nil {
		t.Fatal(err)
	}
	return rec.all, store
}

// send moves text from one end to the other.
func send(t testing.TB, from, to *tls.Conn, text string) {
	t.Helper()
	got := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(to, make([]byte, len(text)))
		got <- err
	}()
	if _, err := io.WriteString(from, text); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

type recording struct {
	mu  sync.Mutex
	all []said
}

type wiretap struct {
	net.Conn
	rec  *recording
	side fact.Side
}

func (w *wiretap) Write(p []byte) (int, error) {
	w.rec.mu.Lock()
	if n := len(w.rec.all); n > 0 && w.rec.all[n-1].side == w.side {
		w.rec.all[n-1].data += string(p)
	} else {
		w.rec.all = append(w.rec.all, said{w.side, string(p)})
	}
	w.rec.mu.Unlock()
	return w.Conn.Write(p)
}
