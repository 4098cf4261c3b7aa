//go:build !linux || !amd64

package uprobe

import (
	"context"
	"errors"
	"fmt"
	"runtime"
)

// Reader reads the secrets of other processes; on this system there is none.
type Reader struct{}

// Allowed returns why secrets of other processes cannot be read here.
func Allowed() error {
	return fmt.Errorf("read secrets of running programs: %w (this is %s/%s): use a key log (docs/keys.md)", errors.ErrUnsupported, runtime.GOOS, runtime.GOARCH)
}

// Open returns the error of [Allowed].
func Open(cfg Config) (*Reader, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open reader of secrets: %w", err)
	}
	return nil, Allowed()
}

// Next returns ErrClosed.
func (*Reader) Next(context.Context) (Secret, error) { return Secret{}, ErrClosed }

// Attached returns nothing.
func (*Reader) Attached() []Target { return nil }

// Missing returns nothing.
func (*Reader) Missing() []string { return nil }

// Lost returns 0.
func (*Reader) Lost() uint64 { return 0 }

// Close does nothing.
func (*Reader) Close() error { return nil }
