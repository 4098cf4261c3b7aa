package listener

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestRecordEdge cuts a stream of records everywhere, in pieces of every size.
func TestRecordEdge(t *testing.T) {
	var stream []byte
	ends := map[int]bool{}
	for _, size := range []int{1, 0, 300, 5, 16384 + 256, 2} {
		stream = append(stream, 23, 3, 3, byte(size>>8), byte(size))
		stream = append(stream, bytes.Repeat([]byte{0xff}, size)...)
		ends[len(stream)] = true
	}
	for _, piece := range []int{1, 2, 3, 4, 5, 6, 7, 305, 4096, len(stream)} {
		var e recordEdge
		for at := 0; at < len(stream); {
			n := e.cut(stream[at:min(at+piece, len(stream))])
			at += n
			if n <= 0 || e.between() != ends[at] {
				t.Fatalf("pieces of %d: took %d bytes up to %d, between records: %v", piece, n, at, e.between())
			}
			for end := range ends {
				if end > at-n && end < at {
					t.Fatalf("pieces of %d: took %d bytes over the end of a record at %d", piece, n, end)
				}
			}
		}
	}
}

// corked holds back what is written until flush, which sends it in pieces.
type corked struct {
	net.Conn
	held  []byte
	corks bool
}

func (c *corked) Write(p []byte) (int, error) {
	if !c.corks {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

func (c *corked) flush(piece int) error {
	for len(c.held) > 0 {
		n := min(piece, len(c.held))
		if _, err := c.Conn.Write(c.held[:n]); err != nil {
			return err
		}
		c.held = c.held[n:]
	}
	return nil
}

// TestRequestsInRecords sends requests over TLS in every arrangement of requests, records and segments. Each must be
// answered without a further byte of the client: none may be left behind in crypto/tls while we wait for the socket.
func TestRequestsInRecords(t *testing.T) {
	ca := newAuthority(t, "test CA")
	r := start(t, Config{TLS: true, Sites: &SiteTable{Default: ca.site(t, "a.test")}}, echo)
	request := func(i int) string {
		body := strings.Repeat("x", i*700)
		return fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, record := range []int{1, 7, 100, 1000, 1 << 14} { // bytes of text in each
			for _, segment := range []int{3, 1 << 20} {
				c := &corked{Conn: r.dial()}
				tc := tls.Client(c, &tls.Config{RootCAs: ca.pool, ServerName: "a.test", MinVersion: version, MaxVersion: version})
				_ = tc.SetDeadline(time.Now().Add(20 * time.Second))
				if err := tc.Handshake(); err != nil {
					t.Fatal(err)
				}
				br := bufio.NewReader(tc)
				for round := range 3 { // the first burst follows the Finished
					c.corks = true
					text := request(1) + request(2) + request(0)
					for at := 0; at < len(text); at += record {
						if _, err := io.WriteString(tc, text[at:min(at+record, len(text))]); err != nil {
							t.Fatal(err)
						}
					}
					c.corks = false
					if err := c.flush(segment); err != nil {
						t.Fatal(err)
					}
					for _, i := range []int{1, 2, 0} {
						if _, body := answer(t, br, "POST"); !strings.HasPrefix(body, fmt.Sprintf("POST /%d ", i)) {
							t.Fatalf("round %d, records of %d, segments of %d: answer %.40q, want that to /%d", round, record, segment, body, i)
						}
					}
				}
				_ = tc.Close()
			}
		}
	}
}
