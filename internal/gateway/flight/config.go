package flight

import (
	"log/slog"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/recording"
)

// Mode is what is kept of a connection.
type Mode string

// The modes.
const (
	Off     Mode = "off"
	Facts   Mode = "facts"   // record headers, times and noted facts
	Packets Mode = "packets" // also bytes and secrets
)

// Leg is a side of the gateway.
type Leg uint8

// The legs.
const (
	OriginLeg Leg = iota
	ClientLeg     // its secrets are kept only while somebody armed it
)

// Config is for all connections of a process. The zero value works.
type Config struct {
	Memory  int64         // bytes of all tapes; default 64 MiB
	Linger  time.Duration // how long bytes and secrets of an ended connection stay readable; default 5 s
	Log     *slog.Logger  // nil for none
	Stalled func(Stall)   // hears of stalls, from one goroutine of the recorder; nil: nobody does
}

// Settings are for the connections of one site.
type Settings struct {
	Site       string
	Leg        Leg
	Mode       Mode
	Bytes      int           // of the wire, each way: half of it for the beginning, the rest for the end
	StallAfter time.Duration // 0: stalls are not looked for
}

// Stall is an exchange that waits for the origin. It was reported once; it may still go on.
type Stall struct {
	Tape    exchange.Tape
	Site    string
	Request string // id of the exchange
	URL     string // of the origin
	Method  string
	Path    string
	Begun   time.Time // of the attempt
	Since   time.Time // of the silence
	Writing bool      // the origin takes nothing of the request, rather than says nothing
}

// Taper is a tape whose content can be had: those of this package.
type Taper interface {
	exchange.Tape
	// Recording is a copy of what is kept now, with secrets; nil where nothing is.
	Recording() *recording.Recording
	// Records are the headers of the last TLS records of both sides, and how many each side began: the client's, the server's.
	Records() (last []Record, count [2]int64)
}
