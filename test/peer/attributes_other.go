//go:build !linux

package peer

import (
	"os"
	"syscall"
)

func attributes() *syscall.SysProcAttr { return nil }

func wake(*os.Process) {}
