// Package decrypt turns recorded TLS traffic back into plaintext and handshake messages, without taking part in it.
//
// Give a [Session] the records of both sides in the order of tcpstream; it tells its [Handler] every handshake message, alert and
// piece of application data, each with side and place in the capture, and facts about what could not be opened and why.
// It speaks SSL 3.0 to TLS 1.3, with renegotiation, resumption, early data, key updates and post-handshake authentication.
//
// Promises: the same input gives the same output; memory stays small (4 KiB between handshakes, the transcript of a running one, up
// to 256 KiB, and one record that sessions of a goroutine may share); no panic on hostile input, and bounded work after it.
// Without any secret it still tells what is in clear, and a HelloRequest by its place and length.
// After a loss it goes on where the cipher allows: it tries a bounded run of sequence numbers; if none fits, the rest of that direction
// is reported as closed, never skipped in silence. A secret counts as the right one once a record opened under it, for every record
// is authenticated, but for the one that follows a loss under CBC of TLS 1.0.
// Non-goals: verifying certificates, guessing keys, TCP, HTTP. A Session belongs to one goroutine.
package decrypt
