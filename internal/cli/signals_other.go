//go:build !unix

package cli

import "os"

func operatorSignals() (reload, reopen []os.Signal) { return nil, nil }
