// Package profile remembers how each origin is: what it negotiates, which certificates and addresses it has, whether it renegotiates, when
// it closes idle connections, how soon it usually answers. It says so when that changes.
//
// Input: the record of every attempt that is over, and of idle connections that ended. Output: a [Profile] for each site and URL, to be
// kept and given back after a restart; a [Drift] when something changed; whether a first byte was slow for this origin.
// Promises: learning from an attempt on a kept connection takes a few atomic operations, no allocation and no lock that waits; whatever
// origins say is bounded and free of control characters, and paths carry no query; what is new is no drift, nor is a restart.
// Non-goals: I/O, storing (app), judging failures (diagnosis).
package profile
