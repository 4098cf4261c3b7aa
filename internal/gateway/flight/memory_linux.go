package flight

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// canLock says that memory can be kept from being swapped out here.
const canLock = true

// mapChunk gets memory of the system that Go knows nothing of: private, never dumped, and not swapped out unless lockErr says so.
func mapChunk(n int) (mem []byte, lockErr, err error) {
	mem, err = unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, nil, fmt.Errorf("map memory: %w", err)
	}
	if err := unix.Madvise(mem, unix.MADV_DONTDUMP); err != nil {
		_ = unix.Munmap(mem)
		return nil, nil, fmt.Errorf("keep memory out of core dumps: %w", err)
	}
	return mem, unix.Mlock(mem), nil
}

func unmapChunk(mem []byte) { _ = unix.Munmap(mem) }

// NoCores turns core dumps of the process off, for good: one would hold what Go's own memory has of secrets. The error says why they
// are still on. Where the system pipes dumps to a program (core_pattern), it is that program that must heed the limit; systemd-coredump does.
func NoCores() error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("turn core dumps off: %w", err)
	}
	return nil
}
