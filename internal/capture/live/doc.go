// Package live brings packets and secrets that come from several places, each in its own time, into the one order that a capture
// needs: the secrets of a connection before the packets that they open.
//
// Input: packets as they come, lines of key logs as they come, word of connections from a gateway. Output: calls of a [Sink], from the
// goroutine that calls. Promises: memory is bounded whatever comes; of a key log only the lines of connections that are seen go on;
// the order of packets is kept. Non-goals: clocks (the caller says what time it is), sockets, files, what packets mean.
package live
