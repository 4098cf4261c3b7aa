package check

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Check is one cause with its papers. Its file holds all of it; the page of the manual is made from it.
type Check struct {
	Code     finding.Code
	Title    string // what is wrong, a clause without a full stop: "the origin asked to renegotiate and got no answer"
	Severity finding.Severity
	// Catalogue are the numbers of the failures that it covers, of docs/findings/catalogue.md; none for a check beside it.
	Catalogue []int
	Refines   []reason.Code // the reasons that an attempt with this cause may carry
	// On are the kinds of fact that it begins with: without any of them in the connection, or in the facts of the case, it is not
	// run. None: always run.
	On []fact.Kind
	// Needs is what must have been watched; without all of it the check is skipped, and Lacking says so.
	Needs Watched
	// Silences are the codes of its symptoms: when it is found, they are named beside it and not above it.
	Silences []finding.Code
	// Text is the page of the manual, in Markdown: what happens on the wire and why, what people see of it elsewhere (what nginx,
	// HAProxy, Envoy, Go print), how it is told from what looks alike.
	Text string
	// Asks is what to look at where the wire does not tell: questions and commands for the origin, the resolver, the firewall.
	Asks    []string // commands in backquotes
	Mends   []finding.Mend
	Sources []string // "RFC 5246 section 7.4.1.1", URLs of vendors' pages, "rustls#1999"
	// Run looks at a case and returns nil where the cause is not there. It must not change the case.
	Run func(*Case) *Verdict
}

// Verdict is what a check found.
type Verdict struct {
	Confidence finding.Confidence
	Severity   finding.Severity // 0: the check's own
	Summary    string           // one sentence with the figures of this case, and a full stop
	Proof      []finding.Proof  // made with Flow.Proof; at least one
	Waited     time.Duration    // how long the stall was, where the cause is one: timers that fit are added
	Lasts      bool             // it goes on, and Waited is how long it has so far: timers that may end it are added instead
	Ended      fact.Side        // who left when the stall was over, where that is known: timers of the other end cannot have ended it
	Settle     string           // what would make it certain; "" when it is
	Mends      []finding.Mend   // that this case asks for, in front of the check's own
	Without    []finding.System // where the check's own mends do not fit this case
	Instead    bool             // none of the check's own mends fits: Mends are all there are
}

// Watched is what was looked at when the facts were gathered: the absence of a fact means something only where it would have shown.
type Watched uint16

// What may have been watched.
const (
	Packets   Watched = 1 << iota // every packet: SYNs, what was sent again, windows, resets
	Records                       // the records of TLS, or the bytes in clear: types, lengths, times
	Plain                         // what they carry: HTTP
	Names                         // how the name was looked up
	Others                        // other connections to the same origin
	Variants                      // connections made on purpose with other settings
	OriginLog                     // what the origin wrote about it
	Lasting                       // that it goes on: Flow.End is now, and no packet was lost on the way to who watches
	all       = Packets | Records | Plain | Names | Others | Variants | OriginLog | Lasting
)

var watchedNames = [...]struct {
	bit  Watched
	name string
	how  string
}{
	{Packets, "packets", "a capture of the packets between Lunette and the origin"},
	{Records, "records", "the records of the TLS connection"},
	{Plain, "plain", "the decrypted content: give the secrets (\"lunette keys\" says how to get them)"},
	{Names, "names", "how the name was looked up: run \"lunette doctor\""},
	{Others, "others", "other connections to the same origin"},
	{Variants, "variants", "connections with other settings: run \"lunette doctor\""},
	{OriginLog, "origin_log", "the origin's own log: give it with --origin-log"},
	{Lasting, "lasting", "the connection while it lasts: run \"lunette watch\""},
}

// Names are the words of w.
func (w Watched) Names() []string {
	var out []string
	for _, n := range watchedNames {
		if w&n.bit != 0 {
			out = append(out, n.name)
		}
	}
	return out
}

// How says, for each part of w, how it is come by.
func (w Watched) How() []string {
	var out []string
	for _, n := range watchedNames {
		if w&n.bit != 0 {
			out = append(out, n.how)
		}
	}
	return out
}

// WatchedNamed is the part with this name, 0 for none.
func WatchedNamed(name string) Watched {
	for _, n := range watchedNames {
		if n.name == name {
			return n.bit
		}
	}
	return 0
}
