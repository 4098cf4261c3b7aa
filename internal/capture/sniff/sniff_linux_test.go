package sniff

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// apart is the most nanoseconds between the times that two sockets give one packet that is sent: each looks at the clock for itself.
const apart = int64(20 * time.Millisecond)

// TestAsTcpdump runs tcpdump beside us and demands the same packets in the same order.
func TestAsTcpdump(t *testing.T) {
	for _, c := range []struct{ name, iface, link, expr string }{
		{"lo", "lo", "EN10MB", ""},
		{"lo filtered", "lo", "EN10MB", "udp or tcp src port 0 or ip6"},
		{"any", "any", "LINUX_SLL2", ""},
		{"any filtered", "any", "LINUX_SLL2", "udp or (ip6 and less 70) or greater 1400"},
		{"veth", "v0", "EN10MB", ""},
		{"veth filtered", "v0", "EN10MB", "arp or udp"},
		{"promiscuous", "v1", "EN10MB", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			private(t, func() {
				pair(t)
				h := open(t, Config{Interface: c.iface, Filter: compiled(t, c.link, c.expr), Immediate: true, Promiscuous: true})
				d := startTcpdump(t, c.iface, c.expr)
				mine := later(t, h, mark)
				send := sender(t, "v0")
				traffic(t, send)
				if c.iface == "v0" || c.iface == "v1" {
					send([]byte(mark), 0)
				} else {
					udp(t, "127.0.0.1", mark)
				}
				same(t, <-mine, d.packets(), 10)
				if _, dropped := h.Stats(); dropped != 0 {
					t.Errorf("%d dropped", dropped)
				}
			})
		})
	}
}

// same compares what we took with what tcpdump wrote: it may have begun a few packets later or earlier.
func same(t *testing.T, mine, theirs []pcap.Packet, least int) {
	t.Helper()
	if len(theirs) < least {
		t.Fatalf("tcpdump has only %d packets", len(theirs))
	}
	for len(mine) > 0 && !(bytes.Equal(mine[0].Data, theirs[0].Data) && max(mine[0].At-theirs[0].At, theirs[0].At-mine[0].At) < apart) {
		mine = mine[1:]
	}
	if len(mine) != len(theirs) {
		t.Fatalf("%d packets, tcpdump has %d", len(mine), len(theirs))
	}
	for i := range mine {
		if a, b := mine[i], theirs[i]; !bytes.Equal(a.Data, b.Data) || a.Length != b.Length || max(a.At-b.At, b.At-a.At) > apart || a.Link != b.Link {
			t.Fatalf("packet %d of %d: %d of %d bytes at %d, link %d\n%.80x\ntcpdump: %d of %d bytes at %d, link %d\n%.80x", i, len(mine),
				len(a.Data), a.Length, a.At, a.Link, a.Data, len(b.Data), b.Length, b.At, b.Link, b.Data)
		}
	}
}

// traffic is what a machine says: TCP in packets longer than the MTU, IPv6, fragments, broadcast, tags, ARP.
func traffic(t *testing.T, send func([]byte, uint16)) {
	t.Helper()
	tcp(t, "127.0.0.1:0", 1<<20)
	tcp(t, "[::1]:0", 100<<10)
	udp(t, "::1", strings.Repeat("6", 500))
	udp(t, "127.0.0.1", strings.Repeat("x", 60<<10))
	c, err := net.Dial("udp", "10.9.0.77:9") // nobody answers: ARP
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(make([]byte, 4000)); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		send(bytes.Repeat([]byte{byte(i)}, 40+i*7), 0)
	}
}

// tcp sends n bytes over a connection.
func tcp(t *testing.T, addr string, n int) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.Copy(io.Discard, c)
			_ = c.Close()
		}
		got <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}

// sender gives what sends Ethernet frames with UDP on an interface, tagged for a VLAN unless that is 0.
func sender(t *testing.T, iface string) func(payload []byte, vlan uint16) {
	t.Helper()
	one, err := net.InterfaceByName(iface)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return func(payload []byte, vlan uint16) {
		b := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9}
		if vlan != 0 {
			b = append(b, 0x81, 0, byte(vlan>>8), byte(vlan))
		}
		total, length := 28+len(payload), 8+len(payload)
		b = append(b, 8, 0, 0x45, 0, byte(total>>8), byte(total), 0, 1, 0, 0, 64, 17, 0, 0, 10, 9, 0, 9, 10, 9, 0, 255)
		b = append(append(b, 0x12, 0x34, 0x56, 0x78, byte(length>>8), byte(length), 0, 0), payload...)
		if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: one.Index, Protocol: network16(unix.ETH_P_ALL)}); err != nil {
			t.Error(err)
		}
	}
}

func TestTagsArePutBack(t *testing.T) {
	private(t, func() {
		pair(t)
		sent, got, any := open(t, Config{Interface: "v0"}), open(t, Config{Interface: "v1", Immediate: true}), open(t, Config{})
		d := startTcpdump(t, "v1", "")
		send := sender(t, "v0")
		send([]byte("tagged"), 0x6007)
		send([]byte(mark), 0)
		mine := until(t, got, mark)
		same(t, mine, d.packets(), 2)
		for name, h := range map[string]*Handle{"the sender": sent, "any": any} {
			until(t, h, "tagged")
			if want := name == "the sender"; h.Origin().Outgoing != want && name != "any" {
				t.Errorf("%s: outgoing %v", name, !want)
			}
		}
		tagged := mine[len(mine)-2]
		if head := tagged.Data[12:18]; !bytes.Equal(head, []byte{0x81, 0, 0x60, 7, 8, 0}) || tagged.Length != 12+6+28+len("tagged") {
			t.Errorf("head %x, %d bytes", head, tagged.Length)
		}
		if got.Origin().Outgoing {
			t.Error("what was received is told as sent")
		}
	})
}

// TestLoopbackOnce takes each packet once, and longer ones than any MTU whole.
func TestLoopbackOnce(t *testing.T) {
	for _, iface := range []string{"lo", Any} {
		private(t, func() {
			h := open(t, Config{Interface: iface, Immediate: true})
			all := later(t, h, mark)
			udp(t, "127.0.0.1", "single")
			tcp(t, "127.0.0.1:0", 1<<20)
			udp(t, "127.0.0.1", mark)
			ones, sum, longest := 0, 0, 0
			for _, p := range <-all {
				if bytes.HasSuffix(p.Data, []byte("single")) {
					ones++
				}
				if len(p.Data) != p.Length {
					t.Errorf("%d of %d bytes", len(p.Data), p.Length)
				}
				longest = max(longest, p.Length)
				sum += p.Length
			}
			if ones != 1 || sum < 1<<20 || sum > 1<<20+200<<10 || longest < 40<<10 {
				t.Errorf("%s: %d times, %d bytes in all, the longest %d", iface, ones, sum, longest)
			}
		})
	}
}

// TestMany sends 200,000 packets: what was sent is what was received and what is counted as dropped.
func TestMany(t *testing.T) {
	const many = 200_000
	private(t, func() {
		h := open(t, Config{Interface: "lo", Ring: 64 << 20, Snap: 65536, Filter: compiled(t, "EN10MB", "udp")})
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		sent := make(chan time.Duration, 1)
		go func() {
			began := time.Now()
			for range many {
				if _, err := c.WriteTo(make([]byte, 200), c.LocalAddr()); err != nil {
					t.Error(err)
				}
			}
			sent <- time.Since(began)
			_, _ = c.WriteTo([]byte(mark), c.LocalAddr())
		}()
		var p pcap.Packet
		n, last := 0, int64(0)
		for !bytes.Contains(p.Data, []byte(mark)) {
			if err := h.NextBefore(time.Now().Add(20*time.Second), &p); err != nil {
				t.Fatal(err)
			}
			n++
			if p.Number != int64(n) || p.At < last {
				t.Fatalf("packet %d has number %d, time %d after %d", n, p.Number, p.At, last)
			}
			last = p.At
		}
		received, dropped := h.Stats()
		rate := float64(many) / (<-sent).Seconds()
		t.Logf("%d packets at %.0f/s: %d received, %d dropped", many, rate, received, dropped)
		if received != uint64(n) || received+dropped != many+1 {
			t.Errorf("%d read, %d received and %d dropped of %d", n, received, dropped, many+1)
		}
		if dropped != 0 && rate < 50_000 {
			t.Errorf("%d dropped at only %.0f/s", dropped, rate)
		}
	})
}

// TestDropsAreCounted does not read while more comes than the ring takes.
func TestDropsAreCounted(t *testing.T) {
	private(t, func() {
		h := open(t, Config{Interface: "lo", Ring: MinRing, Filter: compiled(t, "EN10MB", "udp")})
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 2000 {
			if _, err := c.WriteTo(make([]byte, 2000), c.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		received, dropped := h.Stats()
		if received+dropped != 2000 || dropped == 0 || received < 100 {
			t.Errorf("%d received, %d dropped of 2000", received, dropped)
		}
		for i := range received {
			var p pcap.Packet
			if err := h.NextBefore(time.Now().Add(20*time.Second), &p); err != nil {
				t.Fatalf("packet %d of %d: %v", i, received, err)
			}
		}
	})
}

func TestCloseWakes(t *testing.T) {
	private(t, func() {
		h := open(t, Config{Interface: "lo"})
		udp(t, "127.0.0.1", mark)
		kept := until(t, h, mark)
		var p pcap.Packet
		if err := h.NextBefore(time.Now().Add(time.Millisecond), &p); !errors.Is(err, ErrIdle) {
			t.Errorf("nothing came, and the error is %v", err)
		}
		ended := make(chan error)
		go func() {
			var p pcap.Packet
			ended <- h.Next(&p)
		}()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("woken with %v", err)
		}
		if err := errors.Join(h.Close(), h.SetFilter(nil)); !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
		if received, _ := h.Stats(); received != uint64(len(kept)) {
			t.Errorf("%d received, %d read", received, len(kept))
		}
	})
}

// TestGoesAway takes the interface down, up, and away.
func TestGoesAway(t *testing.T) {
	private(t, func() {
		pair(t)
		h := open(t, Config{Interface: "v0"})
		send := sender(t, "v0")
		send([]byte("before"), 0)
		ip(t, "link set v0 down")
		until(t, h, "before")
		wantEnd(t, h, ErrDown, "ip link set v0 up")
		if _, err := Open(Config{Interface: "v0"}); !errors.Is(err, ErrDown) {
			t.Errorf("open an interface that is down: %v", err)
		}
		ip(t, "link set v0 up")
		send([]byte(mark), 0)
		until(t, h, mark)
		ip(t, "link delete v0")
		wantEnd(t, h, ErrNoInterface, "was removed")
		wantEnd(t, h, ErrNoInterface, "was removed")
	})
}

// wantEnd reads up to an error.
func wantEnd(t *testing.T, h *Handle, want error, text string) {
	t.Helper()
	var p pcap.Packet
	var err error
	for err == nil {
		err = h.NextBefore(time.Now().Add(20*time.Second), &p)
	}
	if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
		t.Errorf("ended with %v, want %v", err, want)
	}
}

func TestFilterChange(t *testing.T) {
	private(t, func() {
		none := []bpf.RawInstruction{{Op: classRet}}
		h := open(t, Config{Interface: "lo", Filter: none, Immediate: true})
		udp(t, "127.0.0.1", "refused")
		if err := h.SetFilter(nil); err != nil {
			t.Fatal(err)
		}
		udp(t, "127.0.0.1", "taken")
		if err := h.SetFilter(none); err != nil {
			t.Fatal(err)
		}
		udp(t, "127.0.0.1", "refused")
		if err := h.SetFilter(compiled(t, "EN10MB", "udp and host 127.0.0.2")); err != nil {
			t.Fatal(err)
		}
		udp(t, "127.0.0.1", "refused")
		udp(t, "127.0.0.2", mark)
		if got := until(t, h, mark); len(got) != 2 || !bytes.HasSuffix(got[0].Data, []byte("taken")) {
			t.Errorf("%d packets, the first %q", len(got), got[0].Data)
		}
		if err := h.SetFilter([]bpf.RawInstruction{{Op: classJump, K: 9}}); err == nil {
			t.Error("a program that jumps out of itself was taken")
		}
		if err := h.SetFilter(make([]bpf.RawInstruction, maxProgram+1)); err == nil {
			t.Error("a program that is too long was taken")
		}
	})
}

func TestSnap(t *testing.T) {
	private(t, func() {
		for _, iface := range []string{"lo", Any} {
			h := open(t, Config{Interface: iface, Snap: MinSnap})
			udp(t, "127.0.0.1", strings.Repeat("x", 1000))
			var p pcap.Packet
			if err := h.Next(&p); err != nil || len(p.Data) != MinSnap || p.Length < 1040 {
				t.Errorf("%s: %v, %d of %d bytes", iface, err, len(p.Data), p.Length)
			}
		}
	})
}

func TestInterfaces(t *testing.T) {
	private(t, func() {
		pair(t)
		if err := Allowed(); err != nil {
			t.Error(err)
		}
		list, err := Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]Interface{}
		for _, i := range list {
			seen[i.Name] = i
			if link, err := LinkOf(i.Name); err != nil || link != i.Link {
				t.Errorf("%s: link %d, %v", i.Name, link, err)
			}
		}
		if list[0].Name != Any || !seen["lo"].Loopback || !seen["v0"].Up || seen["v0"].Link != pcap.LinkEthernet || len(seen["v0"].Addresses) == 0 {
			t.Errorf("%+v", list)
		}
		if _, err := Open(Config{Interface: "v7"}); !errors.Is(err, ErrNoInterface) || !strings.Contains(err.Error(), "lo, ") {
			t.Errorf("an interface that is not there: %v", err)
		}
	})
}

// TestTunnel takes frames that begin with IP.
func TestTunnel(t *testing.T) {
	private(t, func() {
		ip(t, "tuntap add t0 mode tun")
		if link, err := LinkOf("t0"); err != nil || link != pcap.LinkRaw {
			t.Errorf("link %d, %v", link, err)
		}
	})
}

func TestBounds(t *testing.T) {
	for _, c := range []Config{{Snap: 1}, {Snap: pcap.MaxPacket + 1}, {Ring: 1}, {Ring: MaxRing + 1}, {Snap: -1}} {
		if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "out of bounds") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
