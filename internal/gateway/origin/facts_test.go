package origin

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// TestFacts: an exchange over a fresh connection tells its whole story, in order; one over a kept one only its own part.
func TestFacts(t *testing.T) {
	s := newTLSServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	o := newOrigin(t, Config{URLs: []string{s.URL}, TLS: TLS{Roots: pool(s)}})
	exchangeFacts := []fact.Kind{fact.RequestSent, fact.FirstByte, fact.ResponseHead, fact.ResponseDone}
	for _, want := range [][]fact.Kind{
		append([]fact.Kind{fact.TCPConnected, fact.TLSClientHello, fact.TLSServerHello, fact.TLSCertificate, fact.TLSVerified, fact.TLSHandshakeDone}, exchangeFacts...),
		append([]fact.Kind{fact.ConnReused}, exchangeFacts...),
	} {
		x := newExchange("GET", "/", "")
		if _, _, err := fetch(t, o, x); err != nil {
			t.Fatal(err)
		}
		var got []fact.Kind
		for _, f := range Facts(&x.Attempts[0], nil) {
			got = append(got, f.Kind)
			if f.Conn != x.Attempts[0].ConnID {
				t.Errorf("fact %v of connection %d", f.Kind, f.Conn)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}

// TestTCPFailed: a connect that fails with a reset was no refusal: the connection was there.
func TestTCPFailed(t *testing.T) {
	for errno, want := range map[syscall.Errno][]fact.Kind{
		syscall.ECONNREFUSED: {fact.TCPFailed},
		syscall.EHOSTUNREACH: {fact.TCPFailed},
		syscall.ECONNRESET:   {fact.TCPConnected, fact.TCPReset},
	} {
		r := reason.FromNet(&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}, reason.PhaseConnect)
		var got []fact.Kind
		for _, f := range tcpFailed(netip.MustParseAddrPort("192.0.2.20:443"), time.Unix(1, 0), time.Millisecond, r) {
			got = append(got, f.Kind)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v: got %v, want %v", errno, got, want)
		}
	}
}
