// Package httptimeline reads HTTP/1.x, HTTP/2 and WebSocket off a plaintext connection that it only watches, and says what happened when.
//
// Input: bytes of both sides with their times, and what is missing; a connection whose start is not in the capture begins with
// [Timeline.Missing] of unknown size on both sides. Output: [Exchange] values and facts; facts about one stream of HTTP/2 have its
// number in their Detail, or in Code where the kind gives Code no other meaning.
//
// Promises: it goes on where a real peer would, reads what is ambiguous as most recipients do and says so, names what is broken
// with the section of the RFC, and never holds more than its bounds; how the input is split changes nothing; credentials are
// masked; bodies are counted and hashed, kept only on request. Non-goals: refusing anything, proxying, content codings.
package httptimeline
