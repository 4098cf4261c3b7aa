package counterfactual

import (
	"context"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Case is one attempt that failed.
type Case struct {
	Reason  reason.Code // "" where the origin's status was the failure
	Status  int         // that status; 0 with a Reason
	Finding string      // code of what the checks said of it, "" for nothing
	Did     Did
}

// Did is what the attempt did, as far as it can be changed.
type Did struct {
	TLS           bool
	Reused        bool     // the connection had served before
	ALPN          []string // offered
	ServerName    string   // SNI that was sent, "" for none
	Names         []string // other names that the origin may know, likely ones first; the first two are tried
	MaxVersion    uint16   // offered; 0: TLS 1.3
	Version       uint16   // chosen, 0 where it did not come to that
	Profile       string   // "modern", "compatible", "legacy"
	Groups        []string // as set; nil: the default, with a post-quantum group
	Renegotiation string   // "auto", "never", "once", "freely"
	InsecureReneg bool
	Certificate   bool // a client certificate is configured
}

// Trier makes one request as the failed attempt made it.
type Trier interface {
	// Try makes it with one change; the zero Change is none. What takes longer than limit has failed. Where the attempt was on a
	// connection that had served before, so is this one, after a request that is made for that, unless the change says otherwise.
	Try(ctx context.Context, c Change, limit time.Duration) Outcome
}

// Outcome is what came of one try.
type Outcome struct {
	Reason      reason.Code   // "" where an answer came, whatever it says
	Detail      string        // of the reason
	Status      int           // of the answer, 0 without
	Took        time.Duration // of all of it
	Connections int           // that were opened or tried to
	Err         error         // the try could not be made at all: the settings contradict one another
}

// alike puts codes together that one and the same fault may give, by the order in which packets arrive or by which timer was shorter.
func alike(c reason.Code) reason.Code {
	switch c {
	case reason.TLSEOF:
		return reason.TLSReset
	case reason.ReadEOFBeforeHeader, reason.ReadStaleReusedConnection, reason.WriteReset, reason.WriteEOF:
		return reason.ReadResetBeforeHeader
	case reason.ReadOverTotalTime, reason.WriteTimeout:
		return reason.ReadFirstByteTimeout
	}
	return c
}

// failsAlike reports whether o is the failure that the case is about.
func (c *Case) failsAlike(o *Outcome) bool {
	if c.Reason == "" {
		return o.Reason == "" && o.Err == nil && o.Status == c.Status
	}
	return alike(o.Reason) == alike(c.Reason)
}

// works reports whether the failure is gone, and no refusal has taken its place that the change itself may have brought about.
func (c *Case) works(o *Outcome) bool {
	switch {
	case o.Err != nil || o.Reason != "" || o.Status == 0:
		return false
	case o.Status == 400 || o.Status == 421 || overloaded(o):
		return false
	}
	return o.Status != c.Status
}

// cures reports whether o shows that a change helps: it works, and where the failure was a wait that was given up, it does so in half the
// time that a try has. Else an origin that is merely slow would be cured by what makes it a little faster.
func (c *Case) cures(o *Outcome, patience time.Duration) bool {
	return c.works(o) && (!c.waited() || o.Took <= patience/2)
}

// waited reports whether the failure was that a timer ran out.
func (c *Case) waited() bool {
	switch alike(c.Reason) {
	case reason.TLSTimeout, reason.ReadFirstByteTimeout, reason.ReadHeaderStall, reason.ReadBodyStall, reason.TLSRenegotiationFailed:
		return true
	}
	return false
}

// overloaded reports whether the origin asks for less.
func overloaded(o *Outcome) bool { return o.Status == 429 || o.Status == 503 }
