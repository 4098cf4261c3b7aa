package reason

import "syscall"

// The numbers are those of winsock2.h; package syscall names only a few of them.
var errnos = [...]errnoRow{
	{syscall.Errno(10061), "WSAECONNREFUSED", TCPRefused, 0},
	{syscall.Errno(10054), "WSAECONNRESET", "", faultReset},
	{syscall.Errno(10053), "WSAECONNABORTED", "", faultReset},
	{syscall.Errno(10058), "WSAESHUTDOWN", "", faultPipe},
	{syscall.Errno(10060), "WSAETIMEDOUT", "", faultTimeout},
	{syscall.Errno(121), "ERROR_SEM_TIMEOUT", "", faultTimeout},
	{syscall.Errno(10065), "WSAEHOSTUNREACH", TCPNoRoute, 0},
	{syscall.Errno(10051), "WSAENETUNREACH", TCPNoRoute, 0},
	{syscall.Errno(10050), "WSAENETDOWN", TCPNetDown, 0},
	{syscall.Errno(10064), "WSAEHOSTDOWN", TCPHostDown, 0},
	{syscall.Errno(10049), "WSAEADDRNOTAVAIL", LimitNoPorts, 0},
	{syscall.Errno(10048), "WSAEADDRINUSE", LimitNoPorts, 0}, // what connect gives when the dynamic ports are used up
	{syscall.Errno(10013), "WSAEACCES", TCPLocalBindFailed, 0},
	{syscall.Errno(10024), "WSAEMFILE", LimitNoFDs, 0},
	{syscall.Errno(10055), "WSAENOBUFS", LimitNoMemory, 0},
}
