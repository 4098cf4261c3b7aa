package incident

import (
	"log/slog"
	"time"

	"github.com/lunette-waf/lunette/internal/store"
)

// Config says what is kept and for how long. The zero value counts, and keeps no samples.
type Config struct {
	Folder       string               // of the store; samples go into its folder "samples"; "" for no samples
	Recipients   []string             // age public keys that samples are encrypted to
	Plain        bool                 // samples are not encrypted; with Folder, this or Recipients must be set
	Keep         time.Duration        // default 720 h
	MaxSize      int64                // bytes of all samples; default 1 GiB
	MaxIncidents int                  // default 10,000
	ResolveAfter time.Duration        // default 15 min
	SampleEvery  time.Duration        // least time between two samples of one kind of failure; default 5 s
	Log          *slog.Logger         // nil for none
	Version      string               // of this program, for bundles
	Now          func() time.Time     // nil for time.Now
	Opened       func(store.Incident) // called by Run when an incident opens or reopens; may call the Keeper, must not wait; nil for none
}

const (
	mostKeys     = 4096 // incidents that are followed in memory
	mostWaiting  = 32   // samples that wait to be written
	mostRequests = 256  // ids of requests that wait, of one incident
	mostStalls   = 4096 // stalls whose end is awaited
	stallsLast   = 10 * time.Minute
	idleAfter    = 10 * time.Minute // what was not seen for so long leaves memory when there is little room
)

func (c Config) filled() Config {
	if c.Keep <= 0 {
		c.Keep = 720 * time.Hour
	}
	if c.MaxSize <= 0 {
		c.MaxSize = 1 << 30
	}
	if c.MaxIncidents <= 0 {
		c.MaxIncidents = 10_000
	}
	if c.ResolveAfter <= 0 {
		c.ResolveAfter = 15 * time.Minute
	}
	if c.SampleEvery <= 0 {
		c.SampleEvery = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// quiet is how long the cause of an incident must not be seen until it is over.
func (c *Config) quiet(flaps int) time.Duration {
	return c.ResolveAfter << min(max(flaps, 0), mostDoublings)
}

// soon is how soon after it grew quiet an incident must come back to count as flapping.
func (c *Config) soon() time.Duration { return c.ResolveAfter << mostDoublings }

const mostDoublings = 3
