package flow

import (
	"net/netip"

	"github.com/lunette-waf/lunette/internal/budget"
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Flow is one connection as the capture shows it.
type Flow struct {
	ID               uint64
	Number           int // place among all connections of the capture, wanted or not, from 1; 0 where nobody counts
	Client, Server   netip.AddrPort
	Start, End       fact.Stamp
	Midstream        bool
	Purpose          string        // what a probe made it for, as the file says; "" for traffic
	Variant          bool          // made on purpose as no client in earnest would: that it fails is no failure
	Closed           [3]fact.Kind  // how each side ended, by fact.Side: TCPClosed, TCPReset, None
	Packets, Bytes   [3]int64      // by side; bytes of payload
	RTT              int64         // nanoseconds of the TCP handshake, 0 when unknown
	Tunnel           string        // authority of a CONNECT in front
	Protocol         string        // one of the Protocol constants, "" for no bytes at all
	TLS              *decrypt.Info // nil when it is no TLS
	HTTP             string        // protocol on top: "HTTP/1.1", "HTTP/2", …
	Facts            []fact.Fact   // in order of time; for the words of silences see the turn and httptimeline.Timeline.Awaited
	Omitted          int           // facts beyond Config.MaxFacts
	Exchanges        []*httptimeline.Exchange
	ExchangesOmitted int
	KeyLog           []string // lines for a Decryption Secrets Block
	Decisive         int      // index in Facts of the longest silence that somebody owed an answer in; -1 when there is none
}

// What Flow.Protocol may be.
const (
	ProtocolTLS     = "tls"
	ProtocolHTTP    = "http" // in clear
	ProtocolUnknown = "unknown"
)

// Config says what is kept. Zero values mean the defaults.
type Config struct {
	Silence      int64 // nanoseconds from which a pause is a fact; default 1 s
	MaxFacts     int   // per flow, default 20000
	MaxExchanges int   // per flow, default 10000
	Bodies       int   // bytes of each body to keep
	Unmask       bool  // show credentials
	KeyLog       bool  // fill Flow.KeyLog
	Decrypt      decrypt.Config
	// Budget is what facts and exchanges are kept within, all flows together; those beyond are counted as omitted.
	Budget *budget.Budget
	// Tap sees the application data of every flow as it is delivered: of several flows at once where several goroutines work, and again
	// when a flow is looked at once more. For tests.
	Tap func(conn uint64, side fact.Side, at fact.Stamp, p []byte)
}

// Bounds and thresholds that nobody sets.
const (
	defaultSilence      = 1e9 // nanoseconds
	defaultMaxFacts     = 20000
	defaultMaxExchanges = 10000
	runPause            = 100e6 // nanoseconds: a pause that ends a run of application data
)

// filled is c with the defaults filled in.
func (c *Config) filled() Config {
	out := *c
	if out.Silence <= 0 {
		out.Silence = defaultSilence
	}
	if out.MaxFacts <= 0 {
		out.MaxFacts = defaultMaxFacts
	}
	if out.MaxExchanges <= 0 {
		out.MaxExchanges = defaultMaxExchanges
	}
	return out
}
