package sniff

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// Hardware types of interfaces whose frames begin with an IP header (Linux, if_arp.h).
const hardwareNone = 0xfffe // tun, WireGuard

// Interfaces lists what can be captured on: "any" first, then each interface of this network namespace in the order of its index.
func Interfaces() ([]Interface, error) {
	found, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	out := []Interface{{Name: Any, Link: pcap.LinkSLL2, Up: true}}
	for i := range found {
		one := &found[i]
		entry := Interface{Index: one.Index, Name: one.Name, MTU: one.MTU, Up: one.Flags&net.FlagUp != 0, Loopback: one.Flags&net.FlagLoopback != 0}
		if entry.Link, err = linkOf(one.Name); err != nil {
			continue // it went away meanwhile
		}
		entry.Addresses = addresses(one)
		out = append(out, entry)
	}
	return out, nil
}

func addresses(one *net.Interface) []netip.Addr {
	list, _ := one.Addrs() // without addresses it can be captured on all the same
	var out []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out
}

// LinkOf says how the frames of an interface begin, which is what a filter for it must be compiled for. Errors: ErrNoInterface.
func LinkOf(name string) (pcap.LinkType, error) {
	if name == "" || name == Any {
		return pcap.LinkSLL2, nil
	}
	if _, err := find(name); err != nil {
		return 0, err
	}
	return linkOf(name)
}

// linkOf asks the kernel. Frames of hardware that we do not know are taken without their head: the kernel then tells what the head said.
func linkOf(name string) (pcap.LinkType, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("ask for the hardware of %s: %w", name, err)
	}
	defer func() { _ = unix.Close(fd) }()
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, fmt.Errorf("ask for the hardware of %s: %w", name, err)
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, req); err != nil {
		return 0, fmt.Errorf("ask for the hardware of %s: %w", name, err)
	}
	switch req.Uint16() { // sa_family of ifr_hwaddr
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		return pcap.LinkEthernet, nil
	case hardwareNone, unix.ARPHRD_RAWIP:
		return pcap.LinkRaw, nil
	}
	return pcap.LinkSLL2, nil
}

// find finds an interface by name.
func find(name string) (*net.Interface, error) {
	one, err := net.InterfaceByName(name)
	if err == nil {
		return one, nil
	}
	list, _ := net.Interfaces() // only for the words below
	names := []string{Any}
	for _, i := range list[:min(len(list), 30)] {
		names = append(names, i.Name)
	}
	return nil, fmt.Errorf("find interface %s: %w in this network namespace; there are %s", strconv.Quote(name), ErrNoInterface, strings.Join(names, ", "))
}

// loopback is the index of the loopback interface, 0 without.
func loopback() int {
	list, _ := net.Interfaces()
	for _, i := range list {
		if i.Flags&net.FlagLoopback != 0 {
			return i.Index
		}
	}
	return 0
}

// Allowed says why this process may not capture packets and what to do, nil when it may. Errors: ErrNotAllowed, ErrUnsupported.
func Allowed() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return refused(err)
	}
	return unix.Close(fd)
}

// refused puts into words that no packet socket was to be had.
func refused(err error) error {
	switch err {
	case unix.EPERM, unix.EACCES:
		return fmt.Errorf("open packet socket: %w: CAP_NET_RAW is missing. Run as root; or give it to the program: setcap cap_net_raw+ep %s; "+
			"or in its systemd unit: AmbientCapabilities=CAP_NET_RAW; or in a container: --cap-add NET_RAW (%w)", ErrNotAllowed, program(), err)
	case unix.EAFNOSUPPORT, unix.EPROTONOSUPPORT:
		return fmt.Errorf("open packet socket: %w: this kernel has no packet sockets, or a sandbox hides them; in the systemd unit allow them: "+
			"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET; on a kernel with modules: modprobe af_packet (%w)", ErrUnsupported, err)
	}
	return fmt.Errorf("open packet socket: %w", err)
}

// program is the path of this program, for a command that someone types.
func program() string {
	path, err := os.Executable()
	if err != nil || strings.ContainsAny(path, " '\"\\$`\n") {
		return "PROGRAM"
	}
	return path
}
