package sniff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where fields stand in the ring, bytes (Linux, if_packet.h: tpacket_block_desc, tpacket3_hdr, sockaddr_ll).
const (
	blockStatus = 8
	blockCount  = 12
	blockFirst  = 16

	frameNext    = 0
	frameSeconds = 4
	frameNanos   = 8
	frameCaught  = 12
	frameLength  = 16
	frameStatus  = 20
	frameStart   = 24
	frameTag     = 32
	frameTagType = 36
	frameHead    = unix.SizeofTpacket3Hdr
	address      = frameHead // sockaddr_ll
	addressType  = address + 2
	addressIndex = address + 4
	addressKind  = address + 8
	addressWay   = address + 10
	addressLen   = address + 11
	addressBytes = address + 12
	frameRoom    = 4096 // more than all that stands around the bytes of a packet
)

// ring is memory that the kernel fills piece by piece; a piece is ours from when it says so until it is given back.
type ring struct {
	mem   []byte
	size  int // bytes of a piece
	at    int // offset of the piece that is next, or being read
	left  int // packets of it not read yet
	frame int // offset of the next of them
	ours  bool
}

// newRing asks the kernel for memory and maps it.
func newRing(fd int, cfg Config, wait time.Duration) (*ring, error) {
	size := max(128<<10, 1<<bits.Len(uint(cfg.Snap+frameRoom-1)))
	n := max(2, cfg.Ring/size)
	req := unix.TpacketReq3{Block_size: uint32(size), Block_nr: uint32(n), Frame_size: uint32(size), Frame_nr: uint32(n), Retire_blk_tov: uint32(wait.Milliseconds())}
	if err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		if errors.Is(err, unix.ENOMEM) {
			return nil, fmt.Errorf("make a ring of %d MiB: the kernel has no memory for it, ask for a smaller one: %w", n*size>>20, err)
		}
		return nil, fmt.Errorf("make a ring of %d pieces of %d bytes: %w", n, size, err)
	}
	mem, err := unix.Mmap(fd, 0, n*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map a ring of %d MiB: %w", n*size>>20, err)
	}
	return &ring{mem: mem, size: size}, nil
}

func (r *ring) unmap() {
	if r != nil {
		_ = unix.Munmap(r.mem) // fails for what was never mapped alone
	}
}

func (r *ring) status() *uint32 { return (*uint32)(unsafe.Pointer(&r.mem[r.at+blockStatus])) }

func (r *ring) word(at int) int { return int(binary.NativeEndian.Uint32(r.mem[at:])) }

// ready reports whether next has a packet, or a piece to look into.
func (r *ring) ready() bool {
	return r.ours || atomic.LoadUint32(r.status())&unix.TP_STATUS_USER != 0
}

// next is the frame of the next packet, from its head to the end of its piece, nil without. It is valid until the next call.
func (r *ring) next() []byte {
	for r.left == 0 {
		if r.ours { // read to its end: give it back
			r.ours = false
			atomic.StoreUint32(r.status(), unix.TP_STATUS_KERNEL)
			r.at = (r.at + r.size) % len(r.mem)
		}
		if !r.ready() {
			return nil
		}
		r.ours, r.left, r.frame = true, r.word(r.at+blockCount), r.at+r.word(r.at+blockFirst)
	}
	frame := r.mem[r.frame : r.at+r.size]
	r.left--
	r.frame += r.word(r.frame + frameNext)
	return frame
}
