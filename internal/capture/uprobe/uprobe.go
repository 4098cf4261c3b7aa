package uprobe

import (
	"errors"
	"fmt"
	"log/slog"
)

// Config says whose secrets are read. At least one of PIDs and Exe must be set.
type Config struct {
	// PIDs are processes, as this process sees them in /proc; their children and grandchildren are included (the workers of nginx,
	// Apache, HAProxy).
	PIDs []int

	// Exe are programs: a path ("/usr/sbin/nginx") or, without a slash, the name of the file ("nginx"). Every process that runs it
	// counts, also one that starts later.
	Exe []string

	// Light leaves out the functions that are called for each read and write, whose hooks cost a busy server most (decision 0009). Not
	// readable then: connections that were open before, and TLS 1.3 of programs that shake hands by reading or writing ("openssl s_client").
	Light bool

	// Log gets what changes after Open: further libraries hooked, secrets lost. Nil: nowhere. No secret is ever written to it.
	Log *slog.Logger
}

// limits of what is asked for: each is an entry of a map in the kernel.
const (
	maxPIDs = 1024
	maxExe  = 64
)

func (c Config) validate() error {
	switch {
	case len(c.PIDs) == 0 && len(c.Exe) == 0:
		return errors.New("no process id and no program is given")
	case len(c.PIDs) > maxPIDs:
		return fmt.Errorf("%d process ids are given, at most %d are possible", len(c.PIDs), maxPIDs)
	case len(c.Exe) > maxExe:
		return fmt.Errorf("%d programs are given, at most %d are possible", len(c.Exe), maxExe)
	}
	for _, pid := range c.PIDs {
		if pid < 1 {
			return fmt.Errorf("%d is no process id", pid)
		}
	}
	for _, exe := range c.Exe {
		if exe == "" {
			return errors.New("the name of a program is empty")
		}
	}
	return nil
}

// Secret is one secret of one connection.
type Secret struct {
	PID     int
	Program string // name of the file that runs, at most 15 bytes when it has ended already: "nginx"
	Library string // whence it was read: "libcrypto.so.3", "libnettle.so.8", "crypto/tls"
	Line    []byte // one line of a key log without its line end: "CLIENT_RANDOM <hex> <hex>", "CLIENT_TRAFFIC_SECRET_0 …"
}

// Target is one file that was looked at: a library or a program.
type Target struct {
	Path  string   // as the process sees it
	Kind  string   // "OpenSSL", "GnuTLS", "nettle", "Go", "BoringSSL", "NSS", "Java", "none"
	PID   int      // the first process in which it was seen, 0 when it was found among the system's libraries
	Hooks []string // names of functions, empty when nothing could be hooked
	Note  string   // what is not possible and why, "" when all is
}

// ErrClosed is returned by Next after Close.
var ErrClosed = errors.New("read secrets: the reader is closed")
