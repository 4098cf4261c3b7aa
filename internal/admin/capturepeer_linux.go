package admin

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// ownUser returns nil when the process at the other end of a loopback connection runs as root or as the user of this process.
func ownUser(r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if local == nil || err != nil {
		return errors.New("who asks is not known")
	}
	here, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return errors.New("who asks is not known")
	}
	uid, err := userOf(remote, here)
	if err != nil {
		return err
	}
	if uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("user %d asks", uid)
	}
	return nil
}

// userOf is the user of the local socket that is connected from one address to another.
func userOf(from, to netip.AddrPort) (int, error) {
	for _, file := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(file)
		if err != nil {
			continue
		}
		uid, ok := findUser(f, from, to)
		_ = f.Close()
		if ok {
			return uid, nil
		}
	}
	return 0, errors.New("whose connection this is cannot be seen in /proc/net/tcp")
}

// findUser reads a table of sockets (proc(5)): a line has number, local and remote address, …, the user as its eighth field and the inode as its
// tenth. Sockets that nobody holds any more, closed and not yet gone, have no inode, and root's number whoever they belonged to.
func findUser(r io.Reader, from, to netip.AddrPort) (uid int, ok bool) {
	const fieldLocal, fieldRemote, fieldUser, fieldInode = 1, 2, 7, 9
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) <= fieldInode || f[fieldInode] == "0" || socketAddr(f[fieldLocal]) != unmapped(from) || socketAddr(f[fieldRemote]) != unmapped(to) {
			continue
		}
		uid, err := strconv.Atoi(f[fieldUser])
		return uid, err == nil
	}
	return 0, false
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// socketAddr reads an address of that table: 32-bit words in the order of the machine, in hex, a colon, the port. Zero for anything else.
func socketAddr(s string) netip.AddrPort {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n))
}
