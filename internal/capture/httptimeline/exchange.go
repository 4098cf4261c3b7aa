package httptimeline

import "github.com/lunette-waf/lunette/internal/fact"

// Exchange is one request and its response.
type Exchange struct {
	Number    int // on this connection, from 1
	Stream    uint32
	Request   Message   // Head nil when the capture lacks it
	Interim   []Message // 1xx responses, at most 20
	Response  Message   // Head nil when none came
	Upgraded  string    // protocol after a 101, of an accepted extended CONNECT, or "CONNECT" for a tunnel
	WebSocket *WebSocket
	Broken    []string // what RFC 9112 or 9113 does not allow, with its section; at most 20
	Reset     string   // RST_STREAM code, how the connection ended within it, or that its response is lost; "" when it is whole
}

// Message is a request or a response. Behind an upgrade to a protocol that is not read, and in a tunnel, Size goes on counting; the
// frames of a WebSocket are counted there.
type Message struct {
	Head                 *fact.HTTPHead
	HeadSize             int        // bytes on the wire, before decompression for HTTP/2
	First, HeadEnd, Last fact.Stamp // first byte, end of the head, last byte; zero when not reached
	Size                 int64      // body bytes that were seen, transfer coding removed
	SHA256               string     // of these, hex; "" when there are none, some are missing, or the body is not over
	Body                 []byte     // up to Config.Bodies of it
	Trailers             []fact.Field
	Complete             bool
	Missing              int64 // body bytes that the capture lacks, or that did not decrypt
}

// WebSocket counts the messages of a connection (RFC 6455).
type WebSocket struct {
	Messages, Bytes [3]int64 // by fact.Side
	Pings, Pongs    [3]int64
	CloseCode       [3]int // 1005 when a close frame has none
	Compressed      bool   // permessage-deflate (RFC 7692); Bytes are those of the wire then
}

// open is an exchange that is not over, and what only this package wants to know about it.
type open struct {
	x       *Exchange
	method  string // "" when the request is not known
	headers headNotes

	responding bool // the first byte of its final response was told
	reqDone    bool
	respDone   bool
	upgradeTo  string // what the client asks to switch to, lower case
	tunnel     bool   // CONNECT, or upgraded: what follows is no HTTP
	lost       bool   // bytes are missing where its response should begin
	unknown    bool   // stands for a request that the capture lacks
}

// headNotes is what a request's head says that matters later.
type headNotes struct {
	expect  bool // Expect: 100-continue, not yet answered
	deflate bool // permessage-deflate was offered
}

// over reports whether nothing of it is to come.
func (o *open) over() bool { return o.reqDone && o.respDone }

// Weight is about how many bytes of memory the exchange holds.
func (x *Exchange) Weight() int {
	n := 512 + x.Request.weight() + x.Response.weight()
	for i := range x.Interim {
		n += x.Interim[i].weight()
	}
	for _, what := range x.Broken {
		n += len(what)
	}
	return n
}

func (m *Message) weight() int {
	n := cap(m.Body)
	if m.Head != nil {
		n += 256 + len(m.Head.Method) + len(m.Head.Authority) + len(m.Head.Target) + len(m.Head.Phrase) + fieldsWeight(m.Head.Fields)
	}
	return n + fieldsWeight(m.Trailers)
}

func fieldsWeight(fields []fact.Field) (n int) {
	for i := range fields {
		n += 32 + len(fields[i].Name) + len(fields[i].Value)
	}
	return n
}
