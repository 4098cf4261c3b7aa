//go:build !linux

package lab

import (
	"context"
	"errors"
	"net"
)

func fullQueue(context.Context) (net.Listener, error) {
	return nil, errors.New("fill accept queue: only done on Linux")
}
