package netlab

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/lab"
	"github.com/lunette-waf/lunette/internal/lab/certs"
	"github.com/lunette-waf/lunette/internal/lab/tlspeer"
	"github.com/lunette-waf/lunette/internal/reason"
)

// patience is how long the client waits: long enough for retransmissions to be seen.
const patience = 5 * time.Second

// origin starts a healthy lab origin in its namespace. Its chain is long, so that its flight takes two segments: a large and a small one.
func origin(t *testing.T, n *Net) *lab.Origin {
	t.Helper()
	root, err := certs.NewCA("root", certs.ECDSA)
	if err != nil {
		t.Fatal(err)
	}
	below := root
	for _, name := range []string{"upper", "lower"} {
		if below, err = below.Intermediate(name); err != nil {
			t.Fatal(err)
		}
	}
	own, err := below.Issue(certs.Options{Names: []string{lab.DefaultName}, Key: certs.RSA})
	if err != nil {
		t.Fatal(err)
	}
	o, err := lab.Start(t.Context(), lab.Config{Listener: n.Listen(), CA: root, TLS: tlspeer.Config{Certificate: own}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

// ask gets one page; late is called between two requests on one connection, nil for one request alone.
func ask(t *testing.T, n *Net, o *lab.Origin, late func()) (phase reason.Phase, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	nc, err := n.Dial(ctx)
	if err != nil {
		return reason.PhaseConnect, err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	c := tls.Client(nc, &tls.Config{RootCAs: o.Authority().Pool(), ServerName: lab.DefaultName})
	if err := c.Handshake(); err != nil {
		return reason.PhaseTLS, err
	}
	br := bufio.NewReader(c)
	for {
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+lab.DefaultName+"\r\n\r\n"); err != nil {
			return reason.PhaseWrite, err
		}
		r, err := http.ReadResponse(br, nil)
		if err != nil {
			return reason.PhaseFirstByte, err
		}
		_, err = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if err != nil || late == nil {
			return reason.PhaseBody, err
		}
		late()
		late = nil
	}
}

// TestFaults breaks the network in each way, and demands the reason that a gateway derives from the error and the finding that the
// checks state of the packets.
func TestFaults(t *testing.T) {
	for _, f := range Faults() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			n := New(t)
			o := origin(t, n)
			stop := n.Record()
			var late func()
			if f.Late {
				late = func() { n.Break(f) }
			} else {
				n.Break(f)
			}
			phase, err := ask(t, n, o, late)
			if got := code(phase, err); got != f.Reason {
				t.Errorf("the client: %q (%v), want %q", got, err, f.Reason)
			}
			first(t, stop(), f.Finding)
		})
	}
}

func code(phase reason.Phase, err error) reason.Code {
	if err == nil {
		return ""
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = syscall.ETIMEDOUT
	}
	return reason.FromNet(err, phase).Code
}

// first demands that want is the first finding of the recorded connection, "" for none above info.
func first(t *testing.T, file string, want finding.Code) {
	t.Helper()
	input, err := analysis.File(file)
	if err != nil {
		t.Fatal(err)
	}
	report, err := analysis.Run(t.Context(), analysis.Config{Inputs: []analysis.Input{input}, Secrets: secrets.New(), Flow: flow.Config{}})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, c := range evidence.Cases(report.Flows) {
		for _, f := range diagnosis.Run(c).Findings {
			if f.Code == want && len(said) == 0 {
				return
			}
			if f.Severity != finding.Info || want != "" {
				said = append(said, strings.Join(f.Lines(), "\n"))
			}
		}
	}
	if want != "" || len(said) > 0 {
		t.Errorf("want %q first, found:\n%s", want, strings.Join(said, "\n"))
	}
}

// A healthy network gives no finding.
func TestHealthy(t *testing.T) {
	n := New(t)
	o := origin(t, n)
	stop := n.Record()
	if phase, err := ask(t, n, o, func() {}); err != nil {
		t.Fatal(phase, err)
	}
	first(t, stop(), "")
}

// When the local ports to one address are used up, connect fails at once and nothing is sent.
func TestPortsExhausted(t *testing.T) {
	n := New(t)
	o := origin(t, n)
	n.Ports(2)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var held []net.Conn
	for range 2 {
		c, err := n.Dial(ctx)
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	_, err := n.Dial(ctx)
	if got := code(reason.PhaseConnect, err); got != reason.LimitNoPorts {
		t.Errorf("%q (%v), want %q", got, err, reason.LimitNoPorts)
	}
	for _, c := range held {
		c.Close()
	}
	_ = o
}
