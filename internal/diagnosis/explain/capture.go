package explain

import (
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Capture is one run: what was read, with what secrets, and the flows found.
type Capture struct {
	Files          []File
	Secrets        Secrets
	Start, End     fact.Stamp // of the first and the last packet
	Packets, Bytes int64      // bytes on the wire
	Connections    int64      // all that were seen, wanted or not
	Flows          []*flow.Flow
	Results        []check.Result // what the checks say about Flows, in their order; nil where they were not asked
	OmittedFlows   int64
	OmittedFacts   int64 // facts and exchanges that flows did not keep
	Warnings       []string
	Locate         func(frame int64) (file int, number int64) // nil for one file
	Filter         string                                     // as it was asked for; "" for none
	Only           int                                        // 0, or the number of the one flow that is wanted
	Program        string                                     // version of the program, for HAR

	places map[uint64]int // index in Flows by ID, once it was asked for
	failed []int          // indices of the first flows with a critical cause, once they were asked for
}

// File is one input.
type File struct {
	Name    string
	Info    pcap.Info
	Packets int64
	Damage  *pcap.DamageError // where it is cut off; nil when it is whole
}

// Secrets is what there was to decrypt with.
type Secrets struct {
	KeyLogs, Keys []string // names of files
	PSKs          int
	Inside        int // secrets that the capture itself holds (Decryption Secrets Blocks)
}

// Given reports whether there was anything at all.
func (s *Secrets) Given() bool { return len(s.KeyLogs)+len(s.Keys)+s.PSKs+s.Inside > 0 }

// Options says how text looks. Zero values mean the defaults.
type Options struct {
	Width    int            // columns, 60 to 1,000; default 100
	Color    bool           // SGR sequences
	ASCII    bool           // no character beyond ASCII
	Absolute bool           // times of day instead of seconds since the start of the flow
	Location *time.Location // of times of day; default UTC
	All      bool           // every ladder, however many flows there are
	Bodies   bool           // what Message.Body holds
}

const (
	minWidth     = 60
	maxWidth     = 1000
	defaultWidth = 100
	fewFlows     = 20  // up to so many, every ladder is shown
	manyFlows    = 50  // beyond, the table leaves out those in which nothing stands out
	mostListed   = 500 // of the table of flows
	mostLadders  = 20  // of the flows with trouble, when there are more
)

func (o Options) filled() Options {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	o.Width = min(max(o.Width, minWidth), maxWidth)
	if o.Location == nil {
		o.Location = time.UTC
	}
	return o
}

// frame is the place of a packet: its file, counted from 0, and its number there.
func (c *Capture) frame(n int64) (file int, number int64) {
	if c.Locate == nil || n == 0 {
		return 0, n
	}
	return c.Locate(n)
}

// told are the flows to show with their indices.
func (c *Capture) told(yield func(i int, f *flow.Flow) bool) {
	for i, f := range c.Flows {
		if c.wanted(i) && !yield(i, f) {
			return
		}
	}
}

// number is that of Flows[i]: its place among all connections, those included that a filter leaves out.
func (c *Capture) number(i int) int {
	if n := c.Flows[i].Number; n > 0 {
		return n
	}
	return i + 1
}

// variants is how many flows a probe made with other settings on purpose.
func (c *Capture) variants() (n int) {
	for _, f := range c.Flows {
		if f.Variant {
			n++
		}
	}
	return n
}

func (c *Capture) wanted(i int) bool { return c.Only == 0 || c.Only == c.number(i) }
