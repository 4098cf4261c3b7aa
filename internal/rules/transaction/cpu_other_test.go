//go:build !linux

package transaction_test

import "time"

func processorTime() time.Duration { return 0 }
