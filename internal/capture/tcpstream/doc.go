// Package tcpstream turns the segments of a capture back into the two byte streams of each connection, with facts about the way.
//
// Input: packet.Segment values in the order of the capture. Output, per connection, to its [Handler]: bytes of both sides in the
// order of their streams and in an order between the sides that agrees with the acknowledgements; gaps; facts with times.
//
// Cause comes before effect: a segment that acknowledges a byte was sent after its sender had that byte, so it is delivered after it.
// What is never seen, although acknowledged, is waited for within Config.Window, then a gap.
//
// Promises: cutting, reordering, duplicating segments changes no byte delivered (within Config.Window); what was captured is never
// dropped in silence; a segment in order is handed on without a copy; memory stays inside the budget; no clock but the capture's.
// Non-goals: what the bytes mean; comparing what is sent again with bytes that were handed on, beyond a sample of the last segments.
package tcpstream
