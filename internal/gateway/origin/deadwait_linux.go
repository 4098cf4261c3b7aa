package origin

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// tcp asks the kernel how the connection stands; false where that is closed, or the kernel is older than 5.4 and does not tell the
// window: zeros would look like a window of 0.
func (l *liveness) tcp() (s tcpState, ok bool) {
	if l.rc == nil {
		return s, false
	}
	err := l.rc.Control(func(fd uintptr) { s, ok = tcpInfo(int(fd)) })
	return s, err == nil && ok
}

func tcpInfo(fd int) (tcpState, bool) {
	var i unix.TCPInfo
	size := uint32(unsafe.Sizeof(i))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&i)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || uintptr(size) < unsafe.Offsetof(i.Snd_wnd)+unsafe.Sizeof(i.Snd_wnd) {
		return tcpState{}, false
	}
	unread, err := unix.IoctlGetInt(fd, unix.SIOCINQ)
	if err != nil {
		return tcpState{}, false
	}
	waiting, err := unix.IoctlGetInt(fd, unix.SIOCOUTQ)
	if err != nil {
		return tcpState{}, false
	}
	return tcpState{
		window: i.Snd_wnd, acked: max(int64(i.Bytes_acked)-1, 0), // the SYN counts as one
		arrived: int64(i.Bytes_received), unread: unread, waiting: waiting,
		heard: time.Duration(i.Last_ack_recv) * time.Millisecond,
	}, true
}
