//go:build unix

package reason

import "syscall"

var errnos = [...]errnoRow{
	{syscall.ECONNREFUSED, "ECONNREFUSED", TCPRefused, 0},
	{syscall.ECONNRESET, "ECONNRESET", "", faultReset},
	{syscall.ECONNABORTED, "ECONNABORTED", "", faultReset},
	{syscall.EPIPE, "EPIPE", "", faultPipe},
	{syscall.ETIMEDOUT, "ETIMEDOUT", "", faultTimeout},
	{syscall.EHOSTUNREACH, "EHOSTUNREACH", TCPNoRoute, 0},
	{syscall.ENETUNREACH, "ENETUNREACH", TCPNoRoute, 0},
	{syscall.ENETDOWN, "ENETDOWN", TCPNetDown, 0},
	{syscall.EHOSTDOWN, "EHOSTDOWN", TCPHostDown, 0},
	{syscall.EADDRNOTAVAIL, "EADDRNOTAVAIL", LimitNoPorts, 0},
	{syscall.EADDRINUSE, "EADDRINUSE", TCPLocalBindFailed, 0},
	{syscall.EACCES, "EACCES", TCPLocalBindFailed, 0},
	{syscall.EPERM, "EPERM", TCPLocalBindFailed, 0},
	{syscall.EMFILE, "EMFILE", LimitNoFDs, 0},
	{syscall.ENFILE, "ENFILE", LimitNoFDs, 0},
	{syscall.ENOMEM, "ENOMEM", LimitNoMemory, 0},
	{syscall.ENOBUFS, "ENOBUFS", LimitNoMemory, 0},
}
