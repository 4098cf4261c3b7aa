//go:build unix

package cli

import (
	"os"
	"syscall"
)

func operatorSignals() (reload, reopen []os.Signal) {
	return []os.Signal{syscall.SIGHUP}, []os.Signal{syscall.SIGUSR1}
}
