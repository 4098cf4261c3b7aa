package policy

import (
	"fmt"
	"os"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// Defaults of [Config].
const (
	DefaultRequestLimit  = 12800 << 10
	DefaultResponseLimit = 512 << 10
	DefaultMemory        = 64 << 10 // clients that stall within a body hold it, so many at once must be affordable
	DefaultBudget        = 5 * time.Second
	MaxLimit             = 1 << 30 // of a body
)

// Config is the policy of one site or route. The zero Config blocks, with the defaults above.
type Config struct {
	Mode Mode // "" means Block

	// RequestLimit is how many bytes of a request body rules see, up to MaxLimit; 0 means DefaultRequestLimit.
	// A longer body is refused with limit.body_too_big, or with Partial inspected up to the limit and streamed on.
	RequestLimit int64
	Partial      bool

	// ResponseLimit is how many bytes of a response body rules see, up to MaxLimit; 0 means DefaultResponseLimit, less than 0 none.
	// The rest of a longer one streams on without inspection. Only bodies of ResponseTypes are held back for it; nil means
	// DefaultResponseTypes.
	ResponseLimit int64
	ResponseTypes []string

	Memory  int64         // bytes of one body that lie in memory before a file is used; 0 means DefaultMemory
	TempDir string        // of those files; "" means the system's
	Budget  time.Duration // that rules may take for one exchange, waiting for bodies aside; 0 means DefaultBudget, less than 0 no bound

	Gate *Gate // bounds how many large bodies are inspected at once; share one between stages. nil: no bound

	// FailOpen lets exchanges pass whose rules failed. The default ends them. Detect always lets them pass.
	FailOpen bool

	// KeepBody is how many bytes of the beginning of each body that rules see are kept in the record for the audit log, unmasked; 0: none.
	KeepBody int64

	// Mask hides secrets in a matched part of the variable target before it reaches the record. nil hides every part whole.
	Mask func(target, part string) string
}

// DefaultResponseTypes returns the media types whose bodies are inspected where Config names none.
func DefaultResponseTypes() []string {
	return []string{"text/html", "text/plain", "text/xml", "application/xml", "application/json"}
}

// Stage is the policy of one site or route. Safe for concurrent use.
type Stage struct {
	cfg    Config
	engine Engine
}

// New returns a stage. engine may be nil when cfg.Mode is Off.
func New(cfg Config, engine Engine) (*Stage, error) {
	switch cfg.Mode {
	case "":
		cfg.Mode = Block
	case Block, Detect, Off:
	default:
		return nil, fmt.Errorf("make policy: mode %q: want block, detect or off", cfg.Mode)
	}
	if cfg.Mode != Off && engine == nil {
		return nil, fmt.Errorf("make policy: mode %s needs a rules engine", cfg.Mode)
	}
	setDefault(&cfg.RequestLimit, DefaultRequestLimit)
	setDefault(&cfg.ResponseLimit, DefaultResponseLimit)
	setDefault(&cfg.Memory, DefaultMemory)
	setDefault(&cfg.Budget, DefaultBudget)
	if cfg.RequestLimit < 0 || cfg.RequestLimit > MaxLimit || cfg.ResponseLimit > MaxLimit || cfg.Memory < 0 {
		return nil, fmt.Errorf("make policy: body limit out of range: want 1 to %d bytes", int64(MaxLimit))
	}
	if cfg.ResponseTypes == nil {
		cfg.ResponseTypes = DefaultResponseTypes()
	}
	if cfg.TempDir == "" {
		cfg.TempDir = os.TempDir()
	}
	if cfg.Mask == nil {
		cfg.Mask = func(_, part string) string { return fmt.Sprintf("[%d bytes]", len(part)) }
	}
	return &Stage{cfg: cfg, engine: engine}, nil
}

func setDefault[T int64 | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

// InspectsResponses reports whether response bodies are inspected at all. Where they are, a pipeline that wants rules to
// see every body asks the origin for no codings but gzip and deflate.
func (s *Stage) InspectsResponses() bool { return s.cfg.Mode != Off && s.cfg.ResponseLimit > 0 }

// Begin starts on an exchange. The result is nil with mode off; every method of a nil *Transaction does nothing.
func (s *Stage) Begin(x *exchange.Exchange) *Transaction {
	x.WAF.Mode = string(s.cfg.Mode)
	if s.cfg.Mode == Off {
		return nil
	}
	return &Transaction{stage: s, x: x}
}
