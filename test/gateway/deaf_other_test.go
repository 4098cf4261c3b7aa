//go:build !linux

package gateway_test

import "testing"

func deafListener(t testing.TB) (addr string, fill int) {
	t.Helper()
	t.Skip("a listener whose backlog stays full needs Linux")
	return "", 0
}
