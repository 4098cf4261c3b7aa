package analysis

import (
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

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
)

// taped is a net.Conn that writes down what its end says.
type taped struct {
	net.Conn
	tape *tape
	back bool
}

type tape struct {
	mu   sync.Mutex
	said []saying
}

type saying struct {
	back bool // by the server
	data string
}

func (c taped) Write(p []byte) (int, error) {
	c.tape.mu.Lock()
	c.tape.said = append(c.tape.said, saying{c.back, string(p)})
	c.tape.mu.Unlock()
	return c.Conn.Write(p)
}

// dialogue has one request and its answer over TLS 1.2 and returns what was said.
func dialogue(t *testing.T, client, server *tls.Config) []saying {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	record := &tape{}
	c, s := tls.Client(taped{a, record, false}, client), tls.Server(taped{b, record, true}, server)
	answered := make(chan error, 1)
	go func() {
		buf := make([]byte, 100)
		_, err := s.Read(buf)
		if err == nil {
			_, err = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		answered <- err
	}()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAtLeast(c, make([]byte, 100), 40); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	return record.said
}

// packetsOf makes segments of what was said on connection number c.
func packetsOf(c int, said []saying) []pcap.Packet {
	seq := map[bool]uint32{false: 1, true: 1}
	var out []pcap.Packet
	add := func(back bool, flags byte, at uint32, text string) {
		b := segment(nil, c, back, flags, at, seq[!back], text)
		out = append(out, pcap.Packet{At: int64(c*1000+len(out)) * 1e6, Link: pcap.LinkRaw, Length: len(b), Data: b})
	}
	add(false, syn, 0, "")
	add(true, syn|ack, 0, "")
	for _, one := range said {
		for p := one.data; len(p) > 0; p = p[min(full, len(p)):] {
			add(one.back, ack, seq[one.back], p[:min(full, len(p))])
			seq[one.back] += uint32(min(full, len(p)))
		}
	}
	return out
}

// A resumed session is opened with the secret of its first half wherever that stands, also behind it.
func TestResumptionInAnyOrder(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var keys strings.Builder
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	client := &tls.Config{InsecureSkipVerify: true, ServerName: "a", MaxVersion: tls.VersionTLS12, KeyLogWriter: &keys, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	var said [][]saying
	first := ""
	for range 4 {
		said = append(said, dialogue(t, client, server))
		if first == "" {
			first = keys.String() // of the full handshake only
		}
	}
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}} {
		for _, workers := range []int{1, 2, 4} {
			var all []pcap.Packet
			for place, which := range order {
				all = append(all, packetsOf(place+1, said[which])...)
			}
			store := secrets.New()
			if _, err := store.AddKeyLog("first", strings.NewReader(first)); err != nil {
				t.Fatal(err)
			}
			report := run(t, Config{Inputs: []Input{bytesInput("a", part(t, all, nil, 0))}, Secrets: store, Workers: workers})
			if len(report.Flows) != len(order) {
				t.Fatalf("%d flows", len(report.Flows))
			}
			for i, f := range report.Flows {
				if f.TLS == nil || f.TLS.Closed > 0 || len(f.Exchanges) != 1 || f.Exchanges[0].Response.Head == nil {
					t.Errorf("order %v, %d workers, %d passes: flow %d, connection %d: %+v", order, workers, report.Passes, i, order[i], f.TLS)
				}
				if resumed := f.TLS != nil && f.TLS.Resumed != ""; resumed != (order[i] != 0) {
					t.Errorf("order %v: flow %d is resumed: %t", order, i, resumed)
				}
			}
		}
	}
}
