package explain

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

type jsonHTTP struct {
	Number    int            `json:"number"`
	Stream    uint32         `json:"stream,omitempty"`
	Request   *jsonMessage   `json:"request,omitempty"`
	Interim   []*jsonMessage `json:"interim,omitempty"`
	Response  *jsonMessage   `json:"response,omitempty"`
	Timing    jsonTiming     `json:"timing"`
	Upgraded  string         `json:"upgraded,omitempty"`
	WebSocket *jsonWebSocket `json:"websocket,omitempty"`
	Broken    []string       `json:"broken,omitempty"`
	Reset     string         `json:"reset,omitempty"`
}

type jsonMessage struct {
	At         *time.Time   `json:"at,omitempty"`
	AtS        float64      `json:"at_s"`
	File       int          `json:"file,omitempty"`
	Frame      int64        `json:"frame,omitempty"`
	Method     string       `json:"method,omitempty"`
	Target     string       `json:"target,omitempty"`
	Scheme     string       `json:"scheme,omitempty"`
	Authority  string       `json:"authority,omitempty"`
	Status     int          `json:"status,omitempty"`
	Phrase     string       `json:"phrase,omitempty"`
	Proto      string       `json:"proto,omitempty"`
	Headers    []fact.Field `json:"headers"`
	HeadSize   int          `json:"head_size"`
	Size       int64        `json:"body_size"`
	Announced  int64        `json:"body_announced"`
	SHA256     string       `json:"body_sha256,omitempty"`
	Missing    int64        `json:"body_missing,omitempty"`
	Complete   bool         `json:"complete"`
	Body       string       `json:"body,omitempty"`
	BodyBase64 []byte       `json:"body_base64,omitempty"`
	Trailers   []fact.Field `json:"trailers,omitempty"`
}

type jsonTiming struct {
	Send    *float64 `json:"send_s,omitempty"`
	Wait    *float64 `json:"wait_s,omitempty"`
	Receive *float64 `json:"receive_s,omitempty"`
	Total   *float64 `json:"total_s,omitempty"`
}

type jsonWebSocket struct {
	Messages   jsonSides `json:"messages"`
	Bytes      jsonSides `json:"bytes"`
	Pings      jsonSides `json:"pings"`
	Pongs      jsonSides `json:"pongs"`
	CloseCode  jsonSides `json:"close_code"`
	Compressed bool      `json:"compressed"`
}
