package peer

import (
	"os"
	"syscall"
)

// attributes let the server end when the test binary dies without a chance to clean up, and give it a process group of its own: Apache
// with the module prefork ends by a signal to its whole group.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
}

// wake lets a stopped process go on, so that it sees what is sent to it next.
func wake(p *os.Process) { _ = p.Signal(syscall.SIGCONT) }
