package check

import "github.com/lunette-waf/lunette/internal/fact"

// Lacks reports whether bytes of side s (SideNone: of any) are missing in what was watched, as shown from index i on (-1: anywhere): the
// capture lost packets, cut them short, or began late. What is lacking there tells nothing of what the peer did not send.
func (f *Flow) Lacks(s fact.Side, i int) bool {
	if s == fact.SideNone {
		return f.Next(i, fact.TCPGap, fact.TLSRecordLost) >= 0
	}
	return f.NextOf(s, i, fact.TCPGap, fact.TLSRecordLost) >= 0
}
