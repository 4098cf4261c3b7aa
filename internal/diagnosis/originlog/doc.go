// Package originlog reads what an origin logged and says which connection each line is about.
//
// Input: HTTPERR and W3C logs of IIS, its Failed Request Tracing, error and access logs of Apache httpd and nginx; and connections, as
// facts tell of them. Output: [Read] gives entries, [Join] the facts of kind origin_logged for each connection, with an estimate of how
// far the origin's clock is ahead of ours. Promises: memory is bounded by [Config]; a line that cannot be read is counted and named, never guessed; a line
// is joined to a connection only where its port, or its time, method, target and status leave no other; secrets are masked.
// Non-goals: what a line means for a cause (diagnosis/check); packed logs; following a log that grows.
package originlog

import (
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/redact"
)

// The formats, as fact.OriginLog names them.
const (
	HTTPErr      = "httperr"
	W3C          = "w3c"
	Freb         = "freb"
	ApacheError  = "apache_error"
	ApacheAccess = "apache_access"
	NginxError   = "nginx_error"
	NginxAccess  = "nginx_access"
	Access       = "access" // common or combined, of whom is unknown
)

// Moment is which moment of a request the time of a line is.
type Moment uint8

// The moments.
const (
	During Moment = iota // any, while the connection lasted
	Began                // the request came
	Ended                // it was over
)

// Entry is one line of a log, or one record.
type Entry struct {
	fact.OriginLog
	From netip.AddrPort // of the connection's client; its port is 0 where the line lacks it
	Code string         // what it says in short: a reason phrase, a number, a status
	When Moment
	Fine bool // its time is finer than seconds
}

// Config says how logs are read. Zero values mean the defaults.
type Config struct {
	Masker   *redact.Masker    // default: that of the zero redact.Config
	Unmask   bool              // keep credentials
	Location *time.Location    // of times without a zone (error logs of Apache and nginx); default UTC
	Keep     func(*Entry) bool // which entries are wanted; default all
	Most     int               // entries to keep, default 200,000; later ones are counted
}

// Report is what reading a log came to.
type Report struct {
	Name    string
	Format  string // of the first line that was read, "" where none was
	Lines   int64  // that say something
	Kept    int64
	Omitted int64    // wanted, beyond Config.Most
	Damaged int64    // could not be read
	Faults  []string // the first few of them: "line 12: no time"
}

const (
	defaultMost = 200_000
	maxLine     = 64 << 10
	maxFaults   = 5
	maxMessage  = 512 // bytes of a line's own words
	maxRecord   = 16 << 20
	maxDepth    = 64 // elements of XML within one another
)
