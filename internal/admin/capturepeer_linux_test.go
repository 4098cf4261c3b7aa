package admin

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// TestFindUser holds that the user of a connection is read from the table of sockets, IPv4, IPv6 and mapped.
func TestFindUser(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the table below is that of a little-endian machine")
	}
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2382 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:D431 0100007F:2382 01 00000000:00000000 00:00000000 00000000    33        0 2 1 0 100 0 0 10 0
   2: 00000000000000000000000001000000:D432 00000000000000000000000001000000:2382 01 00000000:00000000 00:00000000 00000000    34        0 2 1
   3: 0000000000000000FFFF00000100007F:D433 0000000000000000FFFF00000100007F:2382 01 00000000:00000000 00:00000000 00000000    35        0 2 1
   4: 0100007F:D435 0100007F:2382 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0 100 0 0 10 0
   5: nonsense
`
	for from, want := range map[string]int{"127.0.0.1:54321": 33, "[::1]:54322": 34, "127.0.0.1:54323": 35, "[::ffff:127.0.0.1]:54321": 33, "127.0.0.1:54324": -1, "127.0.0.1:54325": -1} {
		a := netip.MustParseAddrPort(from)
		to := netip.MustParseAddrPort("127.0.0.1:9090")
		if a.Addr().Is6() && !a.Addr().Is4In6() {
			to = netip.MustParseAddrPort("[::1]:9090")
		}
		got, ok := findUser(strings.NewReader(table), a, to)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%s: user %d, want %d", from, got, want)
		}
	}
}

// TestClosedSocketIsNobodys holds that who asks and leaves is not taken for root.
func TestClosedSocketIsNobodys(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	from, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	served, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer served.Close()
	client, server := netip.MustParseAddrPort(from.LocalAddr().String()), netip.MustParseAddrPort(l.Addr().String())
	if uid, err := userOf(client, server); err != nil || uid != os.Geteuid() {
		t.Errorf("user %d, %v", uid, err)
	}
	from.Close()
	if uid, err := userOf(client, server); err == nil {
		t.Errorf("a closed socket is that of user %d", uid)
	}
}
