package analysis

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/recording"
)

// The comment on the first packet of a connection that a probe made: what it made it for, and whether a client in earnest would have.
const (
	markBegins = "lunette doctor: "
	markEnds   = " (variant)"
)

const (
	mostMarks   = 10_000 // connections that are believed to be a probe's
	mostPurpose = 40     // bytes
)

// mark is the comment for r, "" for traffic.
func mark(r *recording.Recording) string {
	if r.Purpose == "" {
		return ""
	}
	text := markBegins + r.Purpose
	if r.Variant {
		text += markEnds
	}
	return text
}

// noteMark keeps the mark of a packet, if it has one.
func (p *pass) noteMark(pkt *pcap.Packet) {
	if pkt.Comment == "" || p.only != nil || len(p.marks) >= mostMarks {
		return
	}
	if text, ok := strings.CutPrefix(pkt.Comment, markBegins); ok {
		if p.marks == nil {
			p.marks = map[int64]string{}
		}
		p.marks[pkt.Number] = text
	}
}

// applyMarks tells flows by their first packets what they were made for. A purpose that is no plain word is not believed.
func applyMarks(flows []*flow.Flow, marks map[int64]string) {
	if len(marks) == 0 {
		return
	}
	for _, f := range flows {
		text, variant := strings.CutSuffix(marks[f.Start.Frame], markEnds)
		if text == "" || len(text) > mostPurpose || strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_.") != "" {
			continue
		}
		f.Purpose, f.Variant = text, variant
	}
}
