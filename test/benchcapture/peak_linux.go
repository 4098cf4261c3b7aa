package main

import (
	"os"
	"syscall"
)

// peakMemory is the most resident memory of a program that ended, bytes.
func peakMemory(s *os.ProcessState) int64 {
	if usage, ok := s.SysUsage().(*syscall.Rusage); ok {
		return usage.Maxrss << 10
	}
	return 0
}
