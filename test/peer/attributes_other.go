//go:build !linux

package peer

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
