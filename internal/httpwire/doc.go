// Package httpwire reads and writes HTTP/1.1 messages (RFC 9112, RFC 9110), requests and responses alike, strictly.
//
// Input: bytes of a connection. Output: [exchange.Request] and [exchange.Response] with the one reading of their
// framing, bodies without their chunked coding; and the way back, into the caller's buffer.
//
// [ParseRequest] and [ParseResponse] are pure functions of bytes; [Reader] drives them over a connection with pooled
// buffers, and its [BodyReader] decodes bodies. [AppendRequest], [AppendResponse], [AppendChunk] and [AppendLastChunk] serialise.
//
// Promises: a message is either read in the only way that RFC 9112 leaves, or refused with a *reason.Error whose Detail
// names the fault and its section; nothing is mended on the way. How the input is split never changes the result.
// Strings never alias a buffer. What is serialised was validated again: no CR, LF or NUL gets out, framing fields are ours,
// hop-by-hop fields stay behind, and Connection cannot drop anything that is meant for the origin.
//
// Stricter than the RFCs, since readers differ on it: Content-Length twice, even if equal, or with a leading zero; any
// transfer coding but chunked; chunk extensions; punctuation, percent-encoding and an empty port in a host; one
// Content-Type, Authorization and (if they differ) Location. Laxer, since no doubt is left: a status line may end behind
// its status; any visible ASCII but "#" may stand in a target, for the site's path policy to judge.
//
// Non-goals: which methods, hosts and paths are welcome (gateway/site), deadlines and connections (listener, origin), HTTP/2.
package httpwire
