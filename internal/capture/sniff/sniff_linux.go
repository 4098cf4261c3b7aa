package sniff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// How long a piece of the ring waits for more packets before it is handed over, ms.
const (
	patient   = 100
	immediate = 10
)

// Handle is one running capture. Next, NextBefore and Origin belong to one goroutine; SetFilter, Stats and Close may come from any.
type Handle struct {
	cfg   Config
	link  pcap.LinkType
	index int // of the interface; 0: all
	lo    int // index of the loopback interface, 0: none or not captured on
	file  *os.File
	conn  syscall.RawConn
	wait  time.Duration // until the kernel hands over a piece that is not full

	reading sync.Mutex // held while the ring is read, and to unmap it
	ring    *ring
	packet  []byte // the latest, put together
	origin  Origin
	number  int64
	fault   error     // what the kernel said
	until   time.Time // when fault is told: what was seen before it comes first

	counting          sync.Mutex
	closed            bool
	received, dropped uint64
}

// Open begins to capture. Errors: ErrNotAllowed, ErrNoInterface, ErrDown; a filter that the kernel refuses; a ring for which there is no memory.
func Open(cfg Config) (*Handle, error) {
	cfg, err := cfg.normal()
	if err != nil {
		return nil, err
	}
	h := &Handle{cfg: cfg, link: pcap.LinkSLL2, wait: patient * time.Millisecond}
	if cfg.Immediate {
		h.wait = immediate * time.Millisecond
	}
	if err := h.locate(); err != nil {
		return nil, err
	}
	kind := unix.SOCK_RAW
	if h.link == pcap.LinkSLL2 {
		kind = unix.SOCK_DGRAM
	}
	// Without a protocol the socket takes nothing until it is bound, when filter and ring are there.
	fd, err := unix.Socket(unix.AF_PACKET, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, refused(err)
	}
	h.file = os.NewFile(uintptr(fd), "packets of "+cfg.Interface)
	if h.conn, err = h.file.SyscallConn(); err == nil {
		err = h.prepare(fd)
	}
	if err != nil {
		_ = h.file.Close() // the error that led here says more
		h.ring.unmap()
		return nil, err
	}
	return h, nil
}

// locate finds the interface and how its frames begin.
func (h *Handle) locate() error {
	if h.cfg.Interface == Any {
		h.lo = loopback()
		return nil
	}
	one, err := find(h.cfg.Interface)
	if err != nil {
		return err
	}
	h.index = one.Index
	if lo := loopback(); lo == h.index {
		h.lo = lo
	}
	h.link, err = linkOf(one.Name)
	return err
}

// prepare sets filter and ring up and binds the socket, in this order.
func (h *Handle) prepare(fd int) error {
	if err := h.attach(fd, h.cfg.Filter); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fmt.Errorf("open capture: this kernel has no TPACKET_V3, Linux 3.2 or later has: %w", err)
	}
	var err error
	if h.ring, err = newRing(fd, h.cfg, h.wait); err != nil {
		return err
	}
	if h.cfg.Promiscuous && h.index != 0 {
		member := unix.PacketMreq{Ifindex: int32(h.index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &member); err != nil {
			return fmt.Errorf("make %s promiscuous: %w", h.cfg.Interface, err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: network16(unix.ETH_P_ALL), Ifindex: h.index}); err != nil {
		return fmt.Errorf("capture on %s: %w", h.cfg.Interface, err)
	}
	if errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && errno != 0 {
		return h.explain(fd, unix.Errno(errno))
	}
	return nil
}

// network16 is a number in the byte order of the network, as bind wants it.
func network16(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// Next waits for the next packet and fills p. p.Data is valid until the next call, also after Close. p.Interface is 0: a capture has one
// description, see Link; on "any" the frames name the interface. Errors: ErrClosed; ErrDown and ErrNoInterface when the interface went down
// or away, after all packets before that.
func (h *Handle) Next(p *pcap.Packet) error { return h.NextBefore(time.Time{}, p) }

// NextBefore is Next that gives up with ErrIdle when the deadline passes; the zero time is no deadline.
func (h *Handle) NextBefore(deadline time.Time, p *pcap.Packet) error {
	h.reading.Lock()
	defer h.reading.Unlock()
	for {
		if h.ring == nil {
			return fmt.Errorf("read packets of %s: %w", h.cfg.Interface, ErrClosed)
		}
		if frame := h.ring.next(); frame != nil {
			h.take(frame, p)
			return nil
		}
		if err := h.await(deadline); err != nil {
			return err
		}
	}
}

// await waits for a piece of the ring.
func (h *Handle) await(deadline time.Time) error {
	until, told := deadline, false
	if h.fault != nil && (until.IsZero() || !h.until.After(until)) {
		until, told = h.until, true
	}
	if err := h.file.SetReadDeadline(until); err != nil {
		return h.ended(err)
	}
	err := h.conn.Read(func(fd uintptr) bool {
		if h.ring.ready() {
			return true
		}
		if errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err == nil && errno != 0 && h.fault == nil {
			h.fault = h.explain(int(fd), unix.Errno(errno))
			h.until = time.Now().Add(4 * h.wait)
			return true
		}
		return false
	})
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return h.ended(err)
	case h.ring.ready():
		return nil
	case told && errors.Is(h.fault, ErrDown):
		err, h.fault = h.fault, nil
		return err
	case told:
		return h.fault
	}
	return ErrIdle
}

// ended is why the socket cannot be read.
func (h *Handle) ended(err error) error {
	h.counting.Lock()
	defer h.counting.Unlock()
	if h.closed {
		err = ErrClosed
	}
	return fmt.Errorf("read packets of %s: %w", h.cfg.Interface, err)
}

// explain puts into words what the kernel said.
func (h *Handle) explain(fd int, errno unix.Errno) error {
	name := h.cfg.Interface
	if errno != unix.ENETDOWN {
		return fmt.Errorf("capture on %s: %w", name, errno)
	}
	if h.index != 0 && !isStill(fd, name, h.index) {
		return fmt.Errorf("capture on %s: the interface was removed: %w any more; when it is there again, begin a new capture", name, ErrNoInterface)
	}
	return fmt.Errorf("capture on %s: %w; bring it up (ip link set %s up) and packets come again", name, ErrDown, name)
}

// isStill reports whether the interface with this name and index is still there, in the namespace of the socket.
func isStill(fd int, name string, index int) bool {
	req, err := unix.NewIfreq(name)
	return err == nil && unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req) == nil && int(req.Uint32()) == index
}

// Origin says where the packet that the latest Next gave was seen.
func (h *Handle) Origin() Origin { return h.origin }

// Link is how the frames begin: pcap.LinkEthernet, pcap.LinkRaw, or pcap.LinkSLL2 for "any" and for unusual hardware.
func (h *Handle) Link() pcap.LinkType { return h.link }

// Snap is the most bytes that a packet has.
func (h *Handle) Snap() int { return h.cfg.Snap }

// Stats counts packets that passed the filter: those that were kept for the reader, and those for which the ring had no room. After Close
// it says what held then.
func (h *Handle) Stats() (received, dropped uint64) {
	h.counting.Lock()
	defer h.counting.Unlock()
	h.count()
	return h.received, h.dropped
}

// count adds what the kernel counted since the last time: asking resets it.
func (h *Handle) count() {
	if h.closed {
		return
	}
	_ = h.conn.Control(func(fd uintptr) { // a closed one counts no more
		if s, err := unix.GetsockoptTpacketStatsV3(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			h.received += uint64(s.Packets - s.Drops)
			h.dropped += uint64(s.Drops)
		}
	})
}

// SetFilter replaces the filter at once and without a gap: every packet meets the old or the new one. Packets that passed the old
// one and still wait in the ring come first. nil takes all packets.
func (h *Handle) SetFilter(filter []bpf.RawInstruction) error {
	var failed error
	if err := h.conn.Control(func(fd uintptr) { failed = h.attach(int(fd), filter) }); err != nil {
		return h.ended(err)
	}
	return failed
}

// Close ends the capture and wakes Next, which then gives ErrClosed. A second call does nothing.
func (h *Handle) Close() error {
	h.counting.Lock()
	if h.closed {
		h.counting.Unlock()
		return nil
	}
	h.count()
	h.closed = true
	h.counting.Unlock()
	err := h.file.Close() // wakes who waits; the descriptor lives until then
	h.reading.Lock()
	defer h.reading.Unlock()
	h.ring.unmap()
	h.ring = nil
	return err
}
