// Package finding is a cause as it is stated: what, how bad, how sure, on what evidence, and how to mend it.
//
// Input: the checks of diagnosis/check state findings. Output: [Finding.Lines] puts one into words, the same in a terminal, a log,
// a page and a ticket. Promises: plain data, standard library and earlier leaves only; the same finding gives the same words.
// Non-goals: finding causes (diagnosis/check), drawing flows (diagnosis/explain).
package finding

import (
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Code names a cause, phase.cause. It is a table of its own: a finding refines the reason that an attempt carries.
type Code string

// Phase is the part before the dot.
func (c Code) Phase() string {
	phase, _, _ := strings.Cut(string(c), ".")
	return phase
}

// Severity is how bad a cause is for who wants the site.
type Severity uint8

// The severities.
const (
	Info     Severity = 1 + iota // worth knowing; nothing fails
	Warning                      // it works, badly or by luck, or will fail soon
	Critical                     // requests fail
)

func (s Severity) String() string {
	return [...]string{"", "info", "warning", "critical"}[min(s, Critical)]
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Confidence is how well the facts bear a cause out.
type Confidence uint8

// The confidences.
const (
	Possible Confidence = 1 + iota // the facts fit it, and other causes too
	Likely                         // the facts fit it best; Finding.Settle says what would prove it
	Certain                        // the facts prove it
)

func (c Confidence) String() string {
	return [...]string{"", "possible", "likely", "certain"}[min(c, Certain)]
}

// MarshalText implements encoding.TextMarshaler.
func (c Confidence) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// System is where a mend is made.
type System string

// The systems that mends are written for.
const (
	IIS     System = "IIS"
	Nginx   System = "nginx"
	Apache  System = "Apache httpd"
	Java    System = "Java/Tomcat"
	Node    System = "Node.js"
	OpenSSL System = "OpenSSL"
	Origin  System = "origin"  // whatever it runs
	Network System = "network" // firewalls, load balancers, DNS
	Lunette System = "Lunette"
)

// Mend is one way to be rid of a cause.
type Mend struct {
	On    System `json:"on"`
	Do    string `json:"do"`              // one sentence: what to change, and what that costs
	Lines string `json:"lines,omitempty"` // commands as they are typed; for Lunette the YAML below sites[]; a word in capitals is to be filled in
}

// Proof is one fact that a finding rests on.
type Proof struct {
	Index int       `json:"index"`           // in the facts of the connection, -1 for a fact of no connection or of another one
	Conn  uint64    `json:"conn,omitempty"`  // of the fact
	At    time.Time `json:"at"`              // when
	After int64     `json:"after_ns"`        // nanoseconds since the connection began
	File  int       `json:"file,omitempty"`  // of the capture that has the packet, from 0, where several were read
	Frame int64     `json:"frame,omitempty"` // number of the packet, where a capture shows it
	Text  string    `json:"text"`            // what it shows, a phrase
}

// Timer is a known timer that fits the length of a stall, and no more than that.
type Timer struct {
	Seconds float64 `json:"seconds"`
	Owner   string  `json:"owner"` // "http.sys Timer_SslRenegotiation"
}

// Finding is one cause, as stated about one connection.
type Finding struct {
	Code       Code          `json:"code"`
	Title      string        `json:"title"`
	Severity   Severity      `json:"severity"`
	Confidence Confidence    `json:"confidence"`
	Conn       uint64        `json:"conn,omitempty"`
	Summary    string        `json:"summary"`             // one sentence, with the figures of this case
	Proof      []Proof       `json:"proof"`               // in order of time
	Waited     time.Duration `json:"waited_ns,omitempty"` // how long the stall was, where there was one
	Timers     []Timer       `json:"timers,omitempty"`    // that fit Waited
	Settle     string        `json:"settle,omitempty"`    // what would make it certain; "" when it is
	Hides      []Code        `json:"hides,omitempty"`     // symptoms of it that were found too
	Refines    []reason.Code `json:"refines,omitempty"`   // the reasons that an attempt with this cause may carry
	Mends      []Mend        `json:"mends"`               // those for the origin that was seen first
	Sources    []string      `json:"sources,omitempty"`   // RFC sections, vendors' pages, threads
}
