package check

import (
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Dialled is what became of the try to open a TCP connection.
type Dialled uint8

// The outcomes of a SYN.
const (
	DialUnknown     Dialled = iota // nothing was seen of it, or the watching ended too early to tell
	DialConnected                  // the connection was there
	DialRefused                    // RST, ECONNREFUSED or ICMP port unreachable
	DialUnanswered                 // SYNs, and nothing back
	DialUnreachable                // the network, or our own machine, says that there is no way: ICMP, EHOSTUNREACH, ENETUNREACH
	DialNoPort                     // the SYN never left: no local port or address is free (EADDRNOTAVAIL)
	DialNotAllowed                 // the SYN never left: our own machine forbids it or lacks something
)

// unansweredFor is how long a lone SYN must lie before that is more than a slow way.
const unansweredFor = 3 * time.Second

// Dial is what became of the try to open the connection, with the index of the fact that says so: the reset, the ICMP error, the failure,
// the SYN that was sent again last; -1 where no single fact does.
func (f *Flow) Dial() (Dialled, int) {
	if i := f.First(fact.TCPConnected); i >= 0 {
		return DialConnected, i
	}
	if i := f.First(fact.TCPFailed); i >= 0 {
		return failed(&f.Facts[i]), i
	}
	syn := f.First(fact.TCPSyn)
	switch {
	case f.Has(fact.TCPMidstream, fact.TCPSynAck, fact.TCPGap) || f.Heard(fact.SideServer, -1) >= 0 || f.FirstOf(fact.SideServer, fact.TCPClosed) >= 0:
		return DialConnected, f.First(fact.TCPSynAck) // where the capture lacks bytes, or shows a FIN, the SYN-ACK is lacking
	case syn < 0:
		return byReason(f.Reason), -1
	}
	if i := f.NextOf(fact.SideServer, syn, fact.TCPReset); i >= 0 {
		return DialRefused, i
	}
	if i := f.Next(syn, fact.ICMPUnreachable); i >= 0 && f.Facts[i].Side != fact.SideServer {
		if strings.HasPrefix(f.Facts[i].Text, "port unreachable") {
			return DialRefused, i
		}
		return DialUnreachable, i
	}
	if f.Heard(fact.SideClient, syn) >= 0 && f.SynsAgain() == 0 {
		return DialConnected, -1 // the server's packets are lacking
	}
	again := f.Last(fact.TCPRetransmission)
	if again < 0 && f.Until().Sub(f.Facts[syn].At) < unansweredFor {
		return DialUnknown, -1
	}
	return DialUnanswered, again
}

func failed(x *fact.Fact) Dialled {
	switch strings.ToUpper(x.Text) {
	case "ECONNREFUSED":
		return DialRefused
	case "TIMEOUT", "ETIMEDOUT":
		return DialUnanswered
	case "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN":
		return DialUnreachable
	case "EADDRNOTAVAIL":
		return DialNoPort
	case "EADDRINUSE", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "ENOBUFS":
		return DialNotAllowed
	}
	return byReason(reason.Code(x.Text))
}

func byReason(r reason.Code) Dialled {
	switch r {
	case reason.TCPRefused:
		return DialRefused
	case reason.TCPTimeout:
		return DialUnanswered
	case reason.TCPNoRoute, reason.TCPHostDown, reason.TCPNetDown:
		return DialUnreachable
	case reason.LimitNoPorts:
		return DialNoPort
	case reason.TCPLocalBindFailed, reason.LimitNoFDs, reason.LimitNoMemory:
		return DialNotAllowed
	}
	return DialUnknown
}

// Dialling is how long the try to connect took: until the connection was there or the failure; until the end of the watching where nothing came.
func (f *Flow) Dialling() time.Duration {
	if i := f.First(fact.TCPFailed); i >= 0 && f.Facts[i].Size > 0 {
		return time.Duration(f.Facts[i].Size)
	}
	start := f.Start
	if i := f.First(fact.TCPSyn); i >= 0 {
		start = f.Facts[i].At
	}
	switch how, at := f.Dial(); {
	case how == DialUnanswered && !f.Has(fact.TCPFailed), at < 0:
		return f.Until().Sub(start)
	default:
		return f.Facts[at].At.Sub(start)
	}
}

// Until is when the watching ended: End, or the end of a last silence.
func (f *Flow) Until() time.Time {
	if i := f.Last(fact.Silence); i >= 0 {
		if t := f.Facts[i].At.Add(time.Duration(f.Facts[i].Size)); t.After(f.End) {
			return t
		}
	}
	return f.End
}

// SynsAgain is how many SYNs were sent again.
func (f *Flow) SynsAgain() int {
	n := 0
	for i := f.First(fact.TCPRetransmission); i >= 0; i = f.Next(i, fact.TCPRetransmission) {
		if f.Facts[i].Text == "syn" {
			n += max(1, f.Facts[i].Code)
		}
	}
	return n
}
