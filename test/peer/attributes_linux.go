package peer

import (
	"os"
	"syscall"
)

// attributes let the server end when the test binary dies without a chance to clean up.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }

// wake lets a stopped process go on, so that it sees what is sent to it next.
func wake(p *os.Process) { _ = p.Signal(syscall.SIGCONT) }
