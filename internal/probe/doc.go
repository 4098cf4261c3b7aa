// Package probe climbs the ladder that an expert climbs when an origin fails behind a proxy: names, TCP, TLS in its versions, suites
// and names, a HelloRequest answered in four ways, HTTP, and the same through the gateway.
//
// Input: a [Config] with a target. Output: a [Report]: what was asked, and a recording of every connection, from which the capture
// lane makes facts; facts of lookups, which have no connection. Progress is told line by line.
// Promises: it ends within its budget and with its context, and returns what it knows so far; it makes no more connections than it
// says, one at a time but for those that wait, and never faster than its interval; it sends no body unless told, and follows no
// redirect to another host; addresses that may be somebody else's are refused until the caller vouches for them.
// Non-goals: causes (diagnosis), what the recorded bytes mean (capture), scanning for weaknesses.
package probe
