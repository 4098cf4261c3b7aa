// Package audit renders exchanges for an audit log: what ModSecurity calls SecAuditLog, for those who feed a SIEM.
//
// Input: an [exchange.Exchange] that is over, with what rules decided about the audit log ([exchange.Audit]). Output: one record of it as
// bytes, ready to be appended to a file: a line of JSON with the field names of Coraza's audit log, the parts of ModSecurity's own format
// between boundaries, or a line with an event of the Open Cybersecurity Schema Framework.
// Promises: what rules say about the log is obeyed (nolog, noauditlog, ctl:auditEngine, ctl:auditLogParts); secrets are masked as in the access
// log, and bodies are shown only where they can be taken apart, so that secrets in them are found by name; no byte of a client
// ends a line, forges a boundary or breaks JSON; a record is bounded (see docs/audit-log.md). Safe for concurrent use.
// Non-goals: files, buffers and rotation (telemetry), shipping, the rules' own decisions (transaction).
package audit

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Config says what is written and how. The zero Config is the documented default.
type Config struct {
	Format  string         // json, native, ocsf; "" means json
	When    string         // relevant, blocked, all; "" means relevant
	Parts   string         // letters of the parts; "" means DefaultParts. A and Z are always there
	Body    int            // bytes of a body that are shown; 0: none
	Version string         // of this build
	Mask    *redact.Masker // nil masks what redact masks by default

	// Boundary returns what tells the parts of one native record from all that stands in them: 16 letters and digits, not to be guessed.
	// nil takes random ones. It is for tests.
	Boundary func() string
}

// DefaultParts are the parts of a record where Config names none.
const DefaultParts = "ABFHJKZ"

// Bounds of a record.
const (
	maxURI      = 4 << 10
	maxName     = 256
	maxValue    = 1 << 10
	maxHeaders  = 64
	maxArgs     = 256
	maxMessages = 256
	maxTags     = 16
	maxRules    = 512
	maxFiles    = 32
)

// Log renders records. Read-only.
type Log struct {
	cfg    Config
	parts  uint32
	render func(l *Log, dst []byte, v *view) []byte
}

// New returns a Log, or an error that names the setting that is wrong.
func New(cfg Config) (*Log, error) {
	l := &Log{cfg: cfg}
	switch cfg.Format {
	case "", "json":
		l.render = (*Log).appendJSON
	case "native":
		l.render = (*Log).appendNative
	case "ocsf":
		l.render = (*Log).appendOCSF
	default:
		return nil, fmt.Errorf("make audit log: format %q: want json, native or ocsf", cfg.Format)
	}
	switch cfg.When {
	case "":
		l.cfg.When = "relevant"
	case "relevant", "blocked", "all":
	default:
		return nil, fmt.Errorf("make audit log: when %q: want relevant, blocked or all", cfg.When)
	}
	if cfg.Parts == "" {
		cfg.Parts = DefaultParts
	}
	if strings.Trim(cfg.Parts, "ABCDEFGHIJKZ") != "" {
		return nil, fmt.Errorf("make audit log: parts %q: want letters of ABCDEFGHIJKZ", cfg.Parts)
	}
	l.parts = exchange.AuditPart(cfg.Parts)
	if cfg.Mask == nil {
		mask, err := redact.New(redact.Config{})
		if err != nil {
			return nil, fmt.Errorf("make audit log: %w", err)
		}
		l.cfg.Mask = mask
	}
	if cfg.Boundary == nil {
		l.cfg.Boundary = randomBoundary
	}
	return l, nil
}

func randomBoundary() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// Append appends the record of x, whole and with its end, or nothing where x does not belong into the log.
func (l *Log) Append(dst []byte, x *exchange.Exchange) []byte {
	if !l.Wants(x) {
		return dst
	}
	return l.render(l, dst, l.look(x))
}

// Wants reports whether x belongs into the log, by its settings and by what rules said. Requests that no rules looked at never do.
func (l *Log) Wants(x *exchange.Exchange) bool {
	w := &x.WAF
	if w.Mode == "" || w.Mode == "off" || w.Verdict == "" {
		return false
	}
	when := l.cfg.When
	switch w.Audit.Engine {
	case exchange.AuditOff:
		return false
	case exchange.AuditOn:
		when = "all"
	case exchange.AuditRelevant:
		when = "relevant"
	}
	switch when {
	case "all":
		return true
	case "blocked":
		return stopped(x) && relevant(x)
	}
	return relevant(x)
}

// relevant reports whether a rule asked for the record. Where none decided, but a limit or a fault of the rules, it is relevant too: no
// rule was there to say otherwise.
func relevant(x *exchange.Exchange) bool {
	return x.WAF.Audit.Asked || denied(x) && decider(x) == 0
}

// stopped reports whether rules, or the lack of what they have to say, ended x, or with mode detect would have.
func stopped(x *exchange.Exchange) bool { return denied(x) || x.WAF.Verdict == "detect" }

// denied reports whether rules, or the lack of what they have to say, ended x.
func denied(x *exchange.Exchange) bool {
	return x.WAF.Verdict == "block" || strings.HasPrefix(string(x.Answer.Reason), "waf.")
}

// Whole returns the function that says how many of the bytes of a log of this format are whole records.
func Whole(format string) func(written []byte) int {
	if format == "native" {
		return wholeNative
	}
	return func(written []byte) int { return strings.LastIndexByte(string(written), '\n') + 1 }
}
