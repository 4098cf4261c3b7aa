package certainty

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/test/recorded"
)

// TestAsRecorded looks at each connection as if Lunette had recorded its bytes, in whole and cut after each piece: nothing may be certain
// that the capture does not show.
func TestAsRecorded(t *testing.T) {
	for _, s := range subjects(t) {
		r := recordingOf(s)
		if len(s.whole[false].flows) != 1 || r == nil {
			continue
		}
		for _, n := range append(some(len(r.Pieces), 6, s.name+" pieces"), len(r.Pieces)) {
			part := *r
			part.Pieces = r.Pieces[:n]
			if n < len(r.Pieces) {
				part.End = r.Pieces[n].At
			}
			for _, keyed := range s.views() {
				if keyed && s.keyLog == nil {
					continue
				}
				part.KeyLog = nil
				if keyed {
					part.KeyLog = s.keyLog
				}
				flows, err := analysis.Recorded(t.Context(), []*recording.Recording{&part}, analysis.Config{Secrets: secrets.New()})
				if err != nil {
					t.Fatal(err)
				}
				whole := s.whole[keyed]
				for _, x := range diagnosis.Run(&check.Case{Flow: evidence.FromRecorded(flows[0], &part)}).Findings {
					if x.Confidence == finding.Certain && x.Code != "client.gone" && whole.knowsAny(x.Code) < finding.Certain {
						t.Errorf("%s, %s, %s is certain: %s", s.name, keys(keyed), fmt.Sprintf("%d of %d pieces", n, len(r.Pieces)), words(&x))
					}
				}
			}
		}
	}
}

// recordingOf makes a recording of a capture in which nothing is lacking or out of order; nil where it begins within the connection.
func recordingOf(s *subject) *recording.Recording {
	if len(s.frames) == 0 || s.frames[0].Flags()&0x12 != recorded.SYN {
		return nil
	}
	first, last := s.frames[0], s.frames[len(s.frames)-1]
	r := &recording.Recording{ID: 1, Client: end(first, 12, first.Source()), Server: end(first, 16, first.Target()), Start: time.Unix(0, first.At), End: time.Unix(0, last.At), Name: "origin.lab"}
	next := map[uint16]uint32{}
	over := map[uint16]bool{}
	for _, f := range s.frames {
		side := fact.SideServer
		if f.Source() == r.Client.Port() {
			side = fact.SideClient
		}
		at := time.Unix(0, f.At)
		seq, known := next[f.Source()]
		switch {
		case f.Flags()&recorded.SYN != 0:
			next[f.Source()] = f.Seq() + 1
			r.Connect = at.Sub(r.Start)
			continue
		case !known, over[f.Source()], f.Flags()&4 == 0 && int32(f.Seq()-seq) > 0:
			if f.Flags()&4 == 0 && !over[f.Source()] {
				return nil
			}
		}
		data := f.Data[f.Payload():]
		if skip := int(int32(seq - f.Seq())); skip > 0 {
			data = data[min(skip, len(data)):]
		}
		if len(data) > 0 && !over[f.Source()] {
			next[f.Source()] = seq + uint32(len(data))
			r.Pieces = append(r.Pieces, recording.Piece{At: at, Side: side, Data: data})
		}
		if how := map[byte]fact.Kind{recorded.FIN: fact.TCPClosed, 4: fact.TCPReset, 5: fact.TCPReset}[f.Flags()&5]; how != fact.None && !over[f.Source()] {
			over[f.Source()] = true
			r.Pieces = append(r.Pieces, recording.Piece{At: at, Side: side, End: how})
		}
	}
	return r
}

func end(f frame, at int, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(f.Data[recorded.Ethernet+at:recorded.Ethernet+at+4])), port)
}
