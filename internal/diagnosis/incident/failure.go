package incident

import (
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Failure is one attempt that failed, or a stall that lasts.
type Failure struct {
	At           time.Time
	Site, Origin string
	Request      string // id of the exchange, "" for connections that are not ours
	Reason       reason.Code
	Detail       string
	Finding      *finding.Finding // the best; nil: none, or nobody looked (then it is counted with the last of the same reason)
	Judged       bool             // somebody looked
	Stall        bool             // it still lasts: counted once, and not again when it ends with the same cause
	Again        bool             // it was counted before, while it lasted or was less sure: what is known of it is brought up to date
	Sample       *Sample          // evidence; nil: none was taken
}

// Sample is the evidence of one failure. Its functions are called once, by the goroutine of Run, and may take their time.
type Sample struct {
	Facts    []fact.Fact           // of all attempts, in order of time
	Result   *check.Result         // nil: nobody looked
	Record   []byte                // the line of the access log, JSON; nil for connections that are not ours
	Packets  func(io.Writer) error // flow.pcapng, with secrets
	HAR      func(io.Writer) error // flow.har
	Method   string
	URL      string            // masked
	Status   int               // what the client got
	Versions map[string]string // of what made the sample
	Missing  []Missing         // what the files lack, and why
}
