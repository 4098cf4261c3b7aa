package analysis

import (
	"fmt"
	"sort"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Report is what a capture showed.
type Report struct {
	Flows        []*flow.Flow  // those that Config.Filter wants, in the order of their first packets, with their numbers among all
	Partial      bool          // Flows are fewer than the filter left: WriteDecrypted writes the packets of these alone
	Omitted      int64         // flows beyond Config.MaxFlows, or beyond Config.Memory
	OmittedFacts int64         // facts and exchanges that flows did not keep
	Inputs       []InputReport // in the order in which they were read
	Start, End   fact.Stamp    // of the first and the last packet
	Until        int64         // up to when the capture saw everything, nanoseconds since the Unix epoch; 0 where that is not known
	Packets      Packets
	Connections  int64            // all that were seen, wanted or not
	Evicted      int64            // given up for want of room
	Ignored      int64            // TCP segments of no connection that could be followed
	Passes       int              // how often the inputs were read
	Secrets      []secrets.Report // of the key logs inside the files
	Warnings     []string         // what makes the result less than whole, for people
}

// InputReport is what one file said.
type InputReport struct {
	Name       string
	Info       pcap.Info
	FirstFrame int64 // fact.Stamp.Frame of its first packet: frames are counted through all inputs, see Report.Locate
	Packets    int64
	Damage     *pcap.DamageError // where it is cut off; nil when it is whole
}

// Packets counts packets by what they were.
type Packets struct {
	All, Bytes                                   int64 // bytes on the wire
	TCP, ICMPErrors, Fragments, Malformed, Other int64
	Cut                                          int64 // not captured whole
}

// Locate says which packet of which input a frame is. Of a single input the number is the frame itself.
func (r *Report) Locate(frame int64) (input int, number int64) {
	i := sort.Search(len(r.Inputs), func(i int) bool { return r.Inputs[i].FirstFrame > frame }) - 1
	if i < 0 {
		return 0, frame
	}
	return i, frame - r.Inputs[i].FirstFrame + 1
}

// warn fills in Warnings.
func (r *Report) warn() {
	say := func(n int64, format string, args ...any) {
		if n > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
		}
	}
	for i := range r.Inputs {
		in := &r.Inputs[i]
		say(in.Info.Dropped, "%s lacks %d packets that the capturing system dropped: capture with a larger buffer or a narrower filter", in.Name, in.Info.Dropped)
		say(in.Info.Skipped, "%s: %d damaged bytes were passed over", in.Name, in.Info.Skipped)
		if in.Damage != nil {
			r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %v", in.Name, in.Damage))
		}
	}
	say(r.Packets.Cut, "%d packets were not captured whole: capture whole ones (tcpdump -s 0, pktmon --pkt-size 0)", r.Packets.Cut)
	say(r.Omitted, "%d flows are left out for want of room: narrow the filter or allow more memory", r.Omitted)
	say(r.OmittedFacts, "%d facts and exchanges are left out for want of room: narrow the filter or allow more memory", r.OmittedFacts)
	say(r.Evicted, "%d connections were given up half way for want of room: allow more memory", r.Evicted)
}
