package flight

import (
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/recording"
)

// Arm says which connections somebody wants to see live.
type Arm struct {
	Site string // first name of the site; "" for all
	Leg  Leg
}

// ArmedEvent is news of one connection: that it is there, secrets of it, that it is over.
type ArmedEvent struct {
	Site      string
	Leg       Leg
	Taped     exchange.Taped
	Secret    []byte               // lines of an NSS key log, new since the last event of the connection
	Closed    bool                 // the connection is over
	Recording *recording.Recording // with Closed: what was kept of it; nil where nothing was
}

// Armed is somebody's wish to see connections. While one for the client leg lasts, secrets of connections that begin then are kept.
type Armed struct{}

// Arm begins to tell of connections: of those that are open at once, with their secrets so far, then of all as they come. It never
// holds up traffic: what is not taken in time is dropped, and counted.
func (r *Recorder) Arm(a Arm) *Armed { return &Armed{} }

// Events is where the news comes; closed by Close, and when the recorder closes.
func (a *Armed) Events() <-chan ArmedEvent { return nil }

// Dropped is how many events were not taken in time.
func (a *Armed) Dropped() int64 { return 0 }

// Close ends the wish. Calling it again does nothing.
func (a *Armed) Close() {}
