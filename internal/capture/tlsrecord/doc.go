// Package tlsrecord cuts a stream of bytes into TLS records, whole, and finds its way back after a gap.
//
// Input: the bytes and gaps of one side, from tcpstream. Output: [Record] values. Promises: how the input is split changes nothing;
// a record that lies in one piece is handed on without a copy; a stream keeps nothing but the record that is under way (18 KiB at most),
// or two while it searches a header after a gap; no record of unsure place is handed on: a header that was searched counts when
// another one follows its record, or when the record ends where the side falls silent.
// Non-goals: opening records (decrypt), DTLS, SSL 2.0 beyond its ClientHello.
package tlsrecord
