package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
)

// From how much on segments sent again stand out.
const (
	manySegments = 5
	manyPercent  = 3 // of the side's packets
)

// duplicated is the text of a retransmission that the capture made: it holds packets twice.
const duplicated = "duplicate"

// resent is how many segments of a connection a side sent again, and what part of its packets they are, in percent.
func resent(f *flow.Flow, s fact.Side) (n, percent int64) {
	for i := range f.Facts {
		if x := &f.Facts[i]; x.Kind == fact.TCPRetransmission && x.Side == s && x.Text != duplicated && x.Text != "syn" {
			n += int64(max(x.Code, 1))
		}
	}
	if all := f.Packets[s]; all > 0 {
		percent = min(100*n/all, 100)
	}
	return n, percent
}

// losses sums up what TCP suffered, a part for each: segments sent again, bytes that the capture lacks, zero windows, packets twice.
func losses(f *flow.Flow) []string {
	var out []string
	var twice int64
	for _, s := range []fact.Side{fact.SideClient, fact.SideServer} {
		if n, percent := resent(f, s); n > 0 {
			out = append(out, s.String()+" sent "+several(n, "segment")+" again"+when(n >= manySegments && percent > 0, " ("+strconv.FormatInt(percent, 10)+" % of its packets)"))
		}
		var lacking, closed, closedFor int64
		for i := range f.Facts {
			x := &f.Facts[i]
			if x.Side != s {
				continue
			}
			switch x.Kind {
			case fact.TCPRetransmission:
				if x.Text == duplicated {
					twice += int64(max(x.Code, 1))
				}
			case fact.TCPGap:
				lacking += x.Size
			case fact.TCPZeroWindow:
				closed++
			case fact.TCPWindowOpen:
				closedFor += x.Size
			}
		}
		if lacking > 0 {
			out = append(out, "the capture lacks "+volume(lacking)+" of the "+s.String())
		}
		if closed > 0 {
			out = append(out, s.String()+" at zero window "+several(closed, "time")+when(closedFor > 0, ", "+span(closedFor)))
		}
	}
	if twice > 0 {
		out = append(out, several(twice, "packet")+when(twice == 1, " is")+when(twice > 1, " are")+" in the capture twice")
	}
	return out
}
