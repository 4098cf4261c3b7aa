//go:build amd64

package uprobe

import (
	"context"
	"errors"
	"fmt"
)

// Reader reads the secrets of other processes.
type Reader struct{}

// Open hooks what the wanted processes use and returns once it is hooked.
func Open(cfg Config) (*Reader, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open reader of secrets: %w", err)
	}
	return nil, errors.ErrUnsupported
}

// Next returns the next secret. It waits until there is one, ctx ends or the reader is closed.
func (*Reader) Next(context.Context) (Secret, error) { return Secret{}, ErrClosed }

// Attached returns what was hooked, and what was not and why, sorted by path.
func (*Reader) Attached() []Target { return nil }

// Lost returns how many secrets the kernel dropped because Next was not called in time.
func (*Reader) Lost() uint64 { return 0 }

// Close detaches everything.
func (*Reader) Close() error { return nil }

// Allowed returns nil where secrets of other processes can be read, else why not and what to do.
func Allowed() error { return errors.ErrUnsupported }
