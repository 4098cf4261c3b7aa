package exchange

import (
	"io"
	"strings"
)

// Body lengths that are not a number of bytes.
const (
	Chunked    int64 = -1 // length unknown beforehand: chunked coding in HTTP/1.1, DATA frames in HTTP/2
	UntilClose int64 = -2 // a response that ends with its connection (RFC 9112 section 6.3, rule 8)
)

// Proto is the HTTP version of a message, major*10+minor.
type Proto uint8

// The versions that Lunette speaks.
const (
	HTTP10 Proto = 10
	HTTP11 Proto = 11
	HTTP2  Proto = 20
)

func (p Proto) String() string {
	switch p {
	case HTTP10:
		return "HTTP/1.0"
	case HTTP11:
		return "HTTP/1.1"
	case HTTP2:
		return "HTTP/2"
	}
	return "HTTP/?"
}

// Request is the one canonical parse of a request: what rules see is what is serialised to the origin.
// Strings never alias a reused buffer.
type Request struct {
	Method    string
	Target    string // request-target exactly as received (RFC 9112 section 3.2); for HTTP/2 the :path
	Scheme    string // "http" or "https": of the client's connection
	Authority string // host[:port] as received: absolute-form authority, else Host or :authority
	Path      string // path of Target as received, byte for byte, without the query; "*" for OPTIONS *
	Query     string // as received, without "?"
	HasQuery  bool   // a "?" was there, even with nothing behind it
	Proto     Proto
	Header    Header // as received; hop-by-hop fields and Host included
	Length    int64  // body length in bytes, 0 for none, or Chunked
	Body      Body   // never nil while a handler runs; NoBody when there is none
	Close     bool   // the client asked to close after this exchange
	Expect    bool   // Expect: 100-continue was asked; reading Body answers it
	// RawLine is the request line without its end, byte for byte, where Method, Target and Proto do not tell all of it: set for
	// requests that are refused before they become well-formed ones (see Exchange.Refused), else "".
	RawLine string
	Upgrade string // protocol of an Upgrade request that is also named by Connection, lower case ("websocket"), else ""
}

// Version is the protocol version as the request named it: "HTTP/1.1", of a refused request any text. A request line without a version is one of
// HTTP/0.9 (RFC 1945 section 4.1).
func (r *Request) Version() string {
	if r.Proto != 0 || r.RawLine == "" {
		return r.Proto.String()
	}
	i := strings.LastIndexByte(r.RawLine, ' ')
	if v := r.RawLine[i+1:]; v != "" && v != r.Target && v != r.Method {
		return v
	}
	return "HTTP/0.9"
}

// Line is the request line: RawLine, or what Method, Target and Proto make.
func (r *Request) Line() string {
	if r.RawLine != "" {
		return r.RawLine
	}
	return r.Method + " " + r.Target + " " + r.Proto.String()
}

// Response is a response head, and its body where it came from an origin.
type Response struct {
	Status int
	Phrase string // reason phrase; may be empty (RFC 9112 section 4)
	Proto  Proto
	Header Header
	Length int64 // body length in bytes, Chunked or UntilClose
	Body   Body  // for a response from an origin never nil; NoBody when there is none
	Close  bool  // the peer will close after this message

	// Upgraded is the byte stream after a 101; nil otherwise. Closing it ends the origin connection.
	Upgraded io.ReadWriteCloser
}

// Body is a message body as a stream.
type Body interface {
	// Read returns decoded content (no chunk framing). It may return n > 0 together with io.EOF.
	// Any other error carries a reason (*reason.Error).
	Read(p []byte) (int, error)
	// Trailer returns the trailer section; only meaningful after Read returned io.EOF.
	Trailer() Header
	// Close ends interest in the body. A connection whose body was not read to its end is not reused.
	Close() error
}

// NoBody is the body of a message without one.
var NoBody Body = noBody{}

type noBody struct{}

func (noBody) Read([]byte) (int, error) { return 0, io.EOF }
func (noBody) Trailer() Header          { return nil }
func (noBody) Close() error             { return nil }

// ResponseWriter sends the answer to one request; the listener provides it. Not safe for concurrent use.
type ResponseWriter interface {
	// Informational sends a 1xx other than 101 at once (100 is answered by the listener itself and ignored here).
	Informational(status int, h Header) error
	// Head queues the final head; it leaves together with the first bytes of the body. Framing fields
	// (Content-Length, Transfer-Encoding, Connection) are written by the listener from r.Length; those in r.Header are dropped.
	Head(r *Response) error
	// Body sends p now, with the queued head where it has not left; last ends the message.
	// For a response to HEAD, and for 204 and 304, p is dropped.
	Body(p []byte, last bool) error
	// Trailer ends the message with a trailer section; instead of Body(…, true).
	Trailer(h Header) error
	// Upgrade sends a 101 head and hands over the client's byte stream; the listener closes the connection when Serve returns.
	Upgrade(r *Response) (io.ReadWriteCloser, error)
}
