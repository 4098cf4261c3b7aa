package reason

import (
	"slices"
	"strings"
)

// Side is whose doing a fault is, as far as the code alone can say.
type Side uint8

// The sides of an exchange.
const (
	SideClient  Side = iota + 1 // the client of the gateway
	SideUs                      // Lunette, its configuration or its machine
	SideOrigin                  // the origin server, or what ends TLS for it
	SideNetwork                 // between Lunette and the origin, name service included
)

func (s Side) String() string {
	switch s {
	case SideClient:
		return "client"
	case SideUs:
		return "us"
	case SideOrigin:
		return "origin"
	case SideNetwork:
		return "network"
	}
	return ""
}

// Retry says when another attempt is safe after a failure with this code.
type Retry uint8

// The answers to "may it be tried again?".
const (
	RetryNever         Retry = iota + 1 // the same would happen again, or the exchange is over
	RetryIfUnprocessed                  // only when the origin cannot have acted on it, or the method is idempotent (RFC 9110 section 9.2.2)
	RetryAlways                         // no byte of the request was processed: any method
)

func (r Retry) String() string {
	switch r {
	case RetryNever:
		return "never"
	case RetryIfUnprocessed:
		return "if unprocessed"
	case RetryAlways:
		return "always"
	}
	return ""
}

// Info is what is published about a code.
type Info struct {
	Code Code
	Side Side

	// Status is what Lunette answers when it ends an exchange with this code. 0: the code only annotates an answer
	// that went through, or no answer is possible.
	Status int
	// RequestStatus is the answer when the fault lies in the client's own message (the http1 and http2 phases serve both
	// directions). 0: cannot happen there.
	RequestStatus int

	ProxyStatus string // error type of RFC 9209 section 2.3; "" where none is sent
	HAProxy     string // nearest termination state, two letters
	Envoy       string // nearest response flag
	NGINX       string // fragment of nginx's error log
	Cloudflare  int    // nearest 52x, 0 without

	Retry Retry
	Means string // one sentence
	Check string // what to look at first, one sentence
}

// StatusFor returns the status to answer with: inRequest says that the fault lies in the client's message.
// It is never 0: a code that states none gets 400 or 502.
func (i Info) StatusFor(inRequest bool) int {
	switch {
	case inRequest && i.RequestStatus != 0:
		return i.RequestStatus
	case inRequest && i.Status >= 400 && i.Status < 500:
		return i.Status
	case inRequest:
		return 400
	case i.Status != 0:
		return i.Status
	}
	return 502
}

// NotYet reports whether no part of this version gives the code: its name is reserved, and settings that Check names may
// not exist.
func (i Info) NotYet() bool { return slices.Contains(notGiven[:], i.Code) }

// Phase returns the part of the code before the dot.
func (c Code) Phase() string {
	phase, _, _ := strings.Cut(string(c), ".")
	return phase
}
