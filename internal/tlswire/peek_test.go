package tlswire

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
)

// goHello returns the first flight of a crypto/tls client.
func goHello(t testing.TB, cfg *tls.Config) []byte {
	t.Helper()
	c := &firstFlight{}
	_ = tls.Client(c, cfg).Handshake()
	return c.Bytes()
}

type firstFlight struct {
	net.Conn
	bytes.Buffer
}

func (c *firstFlight) Write(p []byte) (int, error) { return c.Buffer.Write(p) }
func (c *firstFlight) Read([]byte) (int, error)    { return 0, io.EOF }
func (c *firstFlight) Close() error                { return nil }

func TestPeekReadsGoClients(t *testing.T) {
	flight := goHello(t, &tls.Config{ServerName: "hello.test.domain", NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12})
	for n := range len(flight) {
		if _, err := PeekClientHello(flight[:n]); !errors.Is(err, ErrShort) {
			t.Fatalf("%d of %d bytes: %v, want ErrShort", n, len(flight), err)
		}
	}
	h, err := PeekClientHello(flight)
	if err != nil {
		t.Fatal(err)
	}
	if h.ServerName != "hello.test.domain" || !slices.Equal(h.ALPN, []string{"h2", "http/1.1"}) {
		t.Errorf("got SNI %q ALPN %q", h.ServerName, h.ALPN)
	}
	if h.MaxVersion() != VersionTLS13 || !slices.Contains(h.Groups, 29) || len(h.KeyShares) == 0 || !h.SecureRenegotiation || !h.ExtendedMasterSecret {
		t.Errorf("got %+v", h)
	}
	if got := AppendClientHello(nil, h); !bytes.Equal(got, flight[RecordHeaderLen:]) {
		t.Error("the hello does not serialise to the bytes that it was read from")
	}
}

func TestPeekJoinsRecords(t *testing.T) {
	flight := goHello(t, &tls.Config{ServerName: "a.test"})
	var split []byte
	for p := flight[RecordHeaderLen:]; len(p) > 0; {
		n := min(100, len(p))
		split = AppendRecord(split, TypeHandshake, VersionTLS10, p[:n])
		p = p[n:]
	}
	h, err := PeekClientHello(split)
	if err != nil || h.ServerName != "a.test" {
		t.Fatalf("got %v, %v", h, err)
	}
}

func TestPeekRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"http":                "GET / HTTP/1.1\r\n",
		"alert":               "\x15\x03\x01\x00\x02\x02\x28",
		"server hello":        "\x16\x03\x01\x00\x04\x02\x00\x00\x00",
		"empty record":        "\x16\x03\x01\x00\x00",
		"too long":            "\x16\x03\x01\x00\x04\x01\xff\xff\xff",
		"truncated inside":    "\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03",
		"other record inside": "\x16\x03\x01\x00\x05\x01\x00\x00\x09\x03\x17\x03\x03\x00\x01\x00",
	} {
		if _, err := PeekClientHello([]byte(in)); err == nil || errors.Is(err, ErrShort) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
