package peer

import "syscall"

// attributes let the server end when the test binary dies without a chance to clean up.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
