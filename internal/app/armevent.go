package app

import (
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/recording"
)

// The kinds of events of a capture, see docs/formats/capture-stream.md.
const (
	CaptureArmed     = "armed"     // the first event
	CaptureOpened    = "opened"    // a connection is there
	CaptureSecret    = "secret"    // lines of a key log of a connection
	CaptureClosed    = "closed"    // a connection is over
	CaptureRecording = "recording" // what was kept of a connection
	CaptureFailure   = "failure"   // an attempt failed, or stalls
	CaptureAlive     = "alive"     // nothing happened for a while
	CaptureEnd       = "end"       // the last event
)

// CaptureEvent is one line of what GET /capture of the admin address tells.
type CaptureEvent struct {
	Event string    `json:"event"`
	At    time.Time `json:"at"`

	// armed
	ID         string   `json:"id,omitempty"`
	Version    string   `json:"version,omitempty"`
	Leg        string   `json:"leg,omitempty"`        // origin, client
	Recipients []string `json:"recipients,omitempty"` // whom the gateway encrypts samples to
	Bytes      bool     `json:"bytes,omitempty"`      // the flight recorder keeps bytes of at least one site that was asked for
	Origins    []string `json:"origins,omitempty"`    // URLs
	Listeners  []string `json:"listeners,omitempty"`  // addresses

	// of a connection
	Site   string         `json:"site,omitempty"` // armed, opened, failure
	Conn   uint64         `json:"conn,omitempty"`
	Client netip.AddrPort `json:"client,omitzero"`
	Server netip.AddrPort `json:"server,omitzero"`
	Name   string         `json:"name,omitempty"`
	URL    string         `json:"url,omitempty"`
	TLS    bool           `json:"tls,omitempty"`
	Lines  string         `json:"lines,omitempty"` // secret

	Recording *CaptureBytes `json:"recording,omitempty"`

	// failure
	Request    string `json:"request,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Finding    string `json:"finding,omitempty"`
	Confidence string `json:"confidence,omitempty"`
	Stall      bool   `json:"stall,omitempty"`

	Why     string `json:"why,omitempty"`     // end
	Dropped int64  `json:"dropped,omitempty"` // alive, end: events so far that were not taken in time
}

// CaptureBytes is a recording on its way to a file.
type CaptureBytes struct {
	Start   time.Time      `json:"start"`
	Connect time.Duration  `json:"connect_ns"`
	End     time.Time      `json:"end"`
	Omitted int64          `json:"omitted,omitempty"`
	KeyLog  []byte         `json:"keylog,omitempty"`
	Pieces  []CapturePiece `json:"pieces"`
}

// CapturePiece is a piece of a recording.
type CapturePiece struct {
	At     time.Time `json:"at"`
	Server bool      `json:"server,omitempty"` // it came from the server
	Data   []byte    `json:"data,omitempty"`
	End    string    `json:"end,omitempty"` // closed, reset
	Lost   int64     `json:"lost,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

func openedEvent(kind string, e *flight.ArmedEvent) CaptureEvent {
	c := &e.Taped
	return CaptureEvent{Event: kind, At: c.Start, Site: e.Site, Conn: c.ConnID, Client: c.Client, Server: c.Server, Name: c.Name, URL: c.URL, TLS: c.TLS}
}

// recordingEvent puts a recording into an event.
func recordingEvent(site string, c *exchange.Taped, r *recording.Recording) CaptureEvent {
	out := openedEvent(CaptureRecording, &flight.ArmedEvent{Site: site, Taped: *c})
	b := &CaptureBytes{Start: r.Start, Connect: r.Connect, End: r.End, Omitted: r.Omitted, KeyLog: r.KeyLog, Pieces: make([]CapturePiece, len(r.Pieces))}
	for i, p := range r.Pieces {
		b.Pieces[i] = CapturePiece{At: p.At, Server: p.Side == fact.SideServer, Data: p.Data, Lost: p.Lost, Until: p.Until}
		switch p.End {
		case fact.None:
		case fact.TCPReset:
			b.Pieces[i].End = "reset"
		default:
			b.Pieces[i].End = "closed"
		}
	}
	out.Recording = b
	return out
}

// Recorded is the recording in an event, nil without.
func (e *CaptureEvent) Recorded() *recording.Recording {
	b := e.Recording
	if b == nil {
		return nil
	}
	r := &recording.Recording{ID: e.Conn, Client: e.Client, Server: e.Server, Name: e.Name, Start: b.Start, Connect: b.Connect, End: b.End,
		Omitted: b.Omitted, KeyLog: b.KeyLog, Pieces: make([]recording.Piece, len(b.Pieces))}
	for i, p := range b.Pieces {
		side := fact.SideClient
		if p.Server {
			side = fact.SideServer
		}
		r.Pieces[i] = recording.Piece{At: p.At, Side: side, Data: p.Data, Lost: p.Lost, Until: p.Until}
		switch p.End {
		case "":
		case "reset":
			r.Pieces[i].End = fact.TCPReset
		default:
			r.Pieces[i].End = fact.TCPClosed
		}
	}
	return r
}
