package peer

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// listeners returns the TCP addresses that the process itself listens on, from /proc; nothing is connected to.
func listeners(pid int) []netip.AddrPort {
	sockets := map[string]bool{}
	fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, fd := range fds {
		link, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name()))
		if inode, ok := strings.CutPrefix(link, "socket:["); err == nil && ok {
			sockets[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var out []netip.AddrPort
	for _, table := range []string{"tcp", "tcp6"} {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			const listening = "0A"
			f := strings.Fields(line) // sl local remote state queues timer retransmits uid timeout inode …
			if len(f) < 10 || f[3] != listening || !sockets[f[9]] {
				continue
			}
			if addr, ok := parseProcAddr(f[1]); ok && !slices.Contains(out, addr) {
				out = append(out, addr)
			}
		}
	}
	return out
}

// parseProcAddr reads an address of /proc/net/tcp: 32-bit words in host order, then the port.
func parseProcAddr(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	words, err := hex.DecodeString(host)
	p, perr := hex.DecodeString(port)
	if !ok || err != nil || perr != nil || len(p) != 2 || len(words)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(words); i += 4 {
		binary.NativeEndian.PutUint32(words[i:], binary.BigEndian.Uint32(words[i:]))
	}
	addr, ok := netip.AddrFromSlice(words)
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(p)), ok
}

// ordered returns the addresses on the wanted ports in their order, or all of them when none is wanted. A server that
// listens everywhere is reached on 127.0.0.1.
func ordered(have []netip.AddrPort, ports []int) []string {
	var out []string
	add := func(a netip.AddrPort) {
		if a.Addr().IsUnspecified() {
			a = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
		}
		if !slices.Contains(out, a.String()) {
			out = append(out, a.String())
		}
	}
	if len(ports) == 0 {
		for _, a := range have {
			add(a)
		}
		return out
	}
	for _, p := range ports {
		for _, a := range have {
			if int(a.Port()) == p {
				add(a)
			}
		}
	}
	return out
}
