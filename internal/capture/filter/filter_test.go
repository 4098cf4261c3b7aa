package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestWords holds what an error says and where.
func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		expr   string
		column int
		text   string
	}{
		{"host origin.example", 6, "is a name: give its addresses"},
		{"tcp and host älter", 14, "means nothing here"},
		{"10.0.0.1", 1, "write host 10.0.0.1"},
		{"tcp port 443 and tcp[13] & 2 != 0", 21, "arithmetic"},
		{"port 80 and port 70000", 18, "is no port"},
		{"port gopher", 6, "of names only the commonest"},
		{"net 10.1.2.3/24", 14, "10.1.2.0"},
		{"host 10.0.0.1 or", 17, "should follow"},
		{"(tcp or udp", 12, "closing parenthesis"},
		{"tcp host 10.0.0.1", 10, "write tcp and host"},
		{"gateway 10.0.0.1", 1, "not supported"},
		{"ip6 host 10.0.0.1", 10, "IPv4"},
		{"host 00:11:22:33:44:55", 6, "ether host"},
		{"ip and arp", 0, "no packet can match"},
		{strings.Repeat("(", 300) + "tcp", 201, "within one another"},
		{strings.Repeat("port 1 or ", 2000) + "tcp", 5121, "too much"},
		{strings.Repeat("x", MaxLength+1), 0, "too many"},
	} {
		_, err := Compile(c.expr, uint16(linkEthernet), 100)
		var fault *Error
		if !errors.As(err, &fault) || !strings.Contains(fault.Text, c.text) || fault.Column != c.column {
			t.Errorf("%.60q: %v, column %d", c.expr, err, c.column)
		}
	}
	if _, err := Compile("", uint16(9), 100); err == nil {
		t.Error("link type 9 was taken")
	}
	if _, err := Compile("", uint16(linkEthernet), 0); err == nil {
		t.Error("a snap of 0 was taken")
	}
}

// TestBeyondTcpdump holds what is taken here and not by tcpdump, each with another way to say it.
func TestBeyondTcpdump(t *testing.T) {
	t.Parallel()
	for a, b := range map[string]string{"ip proto tcp": `ip proto \tcp`, "port http": "port 80", "tcp port https or domain": "tcp port 443 or 53"} {
		one, err := Compile(a, uint16(linkEthernet), 100)
		two, other := Compile(b, uint16(linkEthernet), 100)
		if err != nil || other != nil || fmt.Sprint(one) != fmt.Sprint(two) {
			t.Errorf("%s and %s differ: %v %v", a, b, err, other)
		}
	}
	program, err := Compile("vlan 7 and udp port 53", uint16(linkSLL2), 100)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	v := vm(t, program)
	udp := append(append([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 1, 17, 0, 0}, 10, 0, 0, 1, 10, 0, 0, 2), 0, 53, 0, 53, 0, 8, 0, 0)
	for id, want := range map[byte]int{7: 100, 8: 0} {
		tagged := framed(r, linkSLL2, append([]byte{0, id, 8, 0}, udp...), typeVLAN)
		if got := run(t, v, tagged); got != want {
			t.Errorf("VLAN %d: %d", id, got)
		}
	}
}

// TestLarge holds that far jumps are right: a program of thousands of instructions finds each of its hosts, and no other.
func TestLarge(t *testing.T) {
	t.Parallel()
	var list []string
	for i := range 150 {
		list = append(list, fmt.Sprintf("(src host 10.7.%d.%d and tcp port %d)", i%3, i, 1000+i))
	}
	program, err := Compile(strings.Join(list, " or "), uint16(linkRaw), 100)
	if err != nil || len(program) < 600 {
		t.Fatalf("%d instructions, %v", len(program), err)
	}
	v := vm(t, program)
	for i := range 150 {
		for port, want := range map[int]int{1000 + i: 100, 1001 + i: 0} {
			p := []byte{0x45, 0, 0, 40, 0, 0, 0, 0, 1, 6, 0, 0, 10, 7, byte(i % 3), byte(i), 10, 0, 0, 1, byte(port >> 8), byte(port), 0, 1}
			if got := run(t, v, p); got != want {
				t.Errorf("host %d, port %d: %d", i, port, got)
			}
		}
	}
}

// FuzzCompile compiles anything. No panic; a program is one that the kernel takes; an error has a place in the expression.
func FuzzCompile(f *testing.F) {
	for i, expr := range table() {
		f.Add(expr, uint16(i%8))
	}
	f.Fuzz(func(t *testing.T, expr string, n uint16) {
		all := []uint16{linkEthernet, linkSLL, linkSLL2, linkRaw, linkNull, linkLoop, linkIPv4, linkIPv6}
		link := all[int(n)%len(all)]
		program, err := Compile(expr, link, 100)
		live, liveErr := CompileLive(expr, link, 100)
		if err == nil && liveErr == nil && len(live) == 0 {
			t.Error("an empty program")
		}
		if err != nil {
			var fault *Error
			if !errors.As(err, &fault) || fault.Column < 0 || fault.Column > len(expr)+1 || fault.Text == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		if len(program) == 0 || len(program) > MaxInstructions {
			t.Fatalf("%d instructions", len(program))
		}
		v := vm(t, program)
		r := rand.New(rand.NewPCG(uint64(len(expr)), uint64(n)))
		for range 20 {
			if got := run(t, v, synthetic(r, link).data); got != 0 && got != 100 {
				t.Fatalf("%d", got)
			}
		}
		for i, in := range program {
			if in.Op&7 == opJump && i+1+int(max(uint32(max(in.Jt, in.Jf)), in.K*b2i(in.Op == opJump))) >= len(program) {
				t.Fatalf("instruction %d jumps out", i)
			}
		}
	})
}

func b2i(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
