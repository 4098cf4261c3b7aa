package healthy

import (
	"testing"
	"testing/synctest"
	"time"
)

// quickly runs f where time passes by itself as soon as everybody waits.
func quickly(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// pass lets time go by, within quickly.
func pass(d time.Duration) { time.Sleep(d) }
