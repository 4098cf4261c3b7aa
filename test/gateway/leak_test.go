package gateway_test

import (
	"runtime"
	"strings"
	"time"
)

// leaked returns the stacks of the goroutines that Lunette has started and that are still there, once patience is over:
// every gateway of the tests has been stopped, so that every goroutine must have ended.
func leaked() string {
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		var left []string
		for _, g := range strings.Split(stacks(), "\n\n") {
			if strings.Contains(g, "\ncreated by github.com/lunette-waf/lunette/internal/") {
				left = append(left, g)
			}
		}
		if len(left) == 0 || time.Now().After(end) {
			return strings.Join(left, "\n\n")
		}
	}
}

// stacks are those of all goroutines.
func stacks() string {
	for size := 1 << 20; ; size *= 2 {
		buf := make([]byte, size)
		if n := runtime.Stack(buf, true); n < size {
			return string(buf[:n])
		}
	}
}
