// Package decrypt turns recorded TLS traffic back into plaintext and handshake messages, without taking part in it.
//
// Give a [Session] the records of both sides in the order of tcpstream; it tells its [Handler] every handshake message, alert and
// piece of application data, each with side and place in the capture, and facts about what could not be opened and why.
//
// Promises: the same input gives the same output; memory stays small (one record, one handshake message, the transcript of a running handshake);
// no panic on hostile input. Without any secret it still tells what is in clear, and a HelloRequest by its place and length.
// After a loss it goes on where the cipher allows: it tries a bounded run of sequence numbers; if none fits, the rest of that direction
// is reported as closed, never skipped in silence.
// Non-goals: verifying certificates, guessing keys, TCP, HTTP. A Session belongs to one goroutine.
package decrypt
