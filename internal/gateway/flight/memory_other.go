//go:build !linux

package flight

import "errors"

// canLock says that memory can be kept from being swapped out here: it is Go's own, so it cannot.
const canLock = false

// mapChunk gets memory. On this system it is ordinary memory of the process: it can be swapped out and stands in core dumps.
func mapChunk(n int) (mem []byte, lockErr, err error) { return make([]byte, n), nil, nil }

func unmapChunk([]byte) {}

// NoCores says that core dumps cannot be turned off here.
func NoCores() error {
	return errors.New("turn core dumps off: not possible on this system by Lunette; forbid them in the system's settings")
}
