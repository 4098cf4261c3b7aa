package flow

import "github.com/lunette-waf/lunette/internal/fact"

// unseen reads from their lengths what the records of a TLS 1.3 connection are that stay closed, from the ServerHello on: there
// session tickets look like an answer (RFC 8446 sections 4.6.1 and 5.2).
type unseen struct {
	early    bool  // the client sent data before the ServerHello
	finished bool  // the client's Finished was seen
	asked    bool  // the client sent something behind it
	replies  int   // records of the server behind it
	length   int64 // of the first of these, in bytes
	sum      int64 // of all
	unlike   bool  // they differ in length
}

// Lengths of closed records in TLS 1.3, in bytes of payload: the content, its type and a tag of 16.
const (
	alertRecord    = 2 + 1 + 16
	finishedSHA256 = 4 + 32 + 1 + 16
	finishedSHA384 = 4 + 48 + 1 + 16
	mostTickets    = 1500 // that the tickets of a connection, or a short answer, take
)

// data takes note of a record.
func (u *unseen) data(s fact.Side, length int64) {
	switch {
	case s == fact.SideClient && !u.finished:
		u.finished = length == finishedSHA256 || length == finishedSHA384
	case s == fact.SideClient:
		u.asked = true
	case u.finished:
		if u.replies == 0 {
			u.length = length
		}
		u.replies++
		u.sum += length
		u.unlike = u.unlike || length != u.length
	}
}

// awaits says whose turn it is after records of both sides; last spoke last. Tickets that are sent together are equally long.
func (u *unseen) awaits(last fact.Side) (fact.Side, string) {
	tickets := !u.unlike && u.sum <= mostTickets
	switch {
	case !u.finished && last == fact.SideClient:
		return fact.SideServer, "application_data"
	case !u.finished:
		return fact.SideNone, dark
	case !u.asked && !u.early && (tickets || u.replies == 0):
		return fact.SideClient, "application_data"
	case !u.asked:
		return fact.SideNone, dark
	case last == fact.SideClient || tickets && u.replies > 1:
		return fact.SideServer, "application_data"
	case u.sum <= mostTickets:
		return fact.SideNone, perhapsTickets
	}
	return fact.SideNone, dark
}
