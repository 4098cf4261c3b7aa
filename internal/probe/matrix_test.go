package probe

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/lab"
)

// TestMatrixSideBySide holds that the order of what is told does not depend on how many hellos are under way.
func TestMatrixSideBySide(t *testing.T) {
	o, err := lab.Start(t.Context(), lab.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	var told [2][]string
	for i, width := range []int{1, atOnce} {
		target, err := ParseTarget("https://"+lab.DefaultName+"/", o.Addr())
		if err != nil {
			t.Fatal(err)
		}
		c := climb{cfg: Config{Target: target}.filled(), ctx: context.Background(), report: &Report{Target: target}, timeout: slowHandshake, plain: &Outcome{}}
		c.addrs = []netip.AddrPort{addrPort(tcpAddr(t, o.Addr()))}
		for j := range c.caches {
			c.caches[j] = tls.NewLRUClientSessionCache(4)
		}
		c.matrix(c.variants(), width)
		for _, l := range c.report.Lines {
			told[i] = append(told[i], l.What+" "+l.Mark.String())
		}
		if len(c.report.Tries) != c.conns || c.working == nil {
			t.Errorf("%d tries of %d connections, working %v", len(c.report.Tries), c.conns, c.working)
		}
	}
	if !slices.Equal(told[0], told[1]) || len(told[0]) < 20 {
		t.Errorf("one by one:\n%q\nside by side:\n%q", told[0], told[1])
	}
}

func tcpAddr(t *testing.T, addr string) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
