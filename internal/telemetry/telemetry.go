// Package telemetry writes down what happened: the access log, the operational log and the metrics.
//
// Input: an [exchange.Exchange] that is over. Output: one JSON line (docs/formats/access-log.md), counters and histograms for
// Prometheus, and for a while the records of blocked requests by id. Beside it the operational log on log/slog.
// Promises: Record never blocks on a disk or a pipe; memory is bounded; a line is valid JSON whatever bytes the exchange
// holds; secrets are masked; metric labels are bounded: site names come from the configuration, reasons from their table.
// When lines cannot be written: the open policy (default) drops lines once the buffer is full and counts them, the closed
// policy has [Recorder.Admit] refuse requests meanwhile. A failed write is tried again, so a full disk that is cleared loses
// nothing that was still in the buffer.
// Non-goals: rotation itself (logrotate moves the file, we reopen it), shipping, storing events (store).
package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Config says what is written and where. The zero value logs to standard output with everything masked.
type Config struct {
	File    string        // access log; "" is standard output
	Output  io.Writer     // instead of standard output; for tests and for "off" (io.Discard)
	Closed  bool          // refuse requests while the access log cannot be written; default: serve and count lost lines
	Pending int           // bytes that may wait for the writer; default 8 MiB, 256 KiB to 1 GiB
	Headers bool          // request headers on every line; default: only where something failed or matched
	Blocked int           // records of blocked requests kept in memory; default 1000 (at most 4 MiB), 1 to 100000
	Mask    redact.Config // what is masked beyond the defaults
	Version string        // of this build, for lunette_build_info

	// Failing hears that the access log can not be written, with the error, and with nil that it can again; once for each
	// change, from the writer's goroutine, which it must not hold up. nil: the metrics alone tell.
	Failing func(err error)
}

// accessLog is what errors call the access log.
const accessLog = "access log"

// Recorder records exchanges. Safe for concurrent use.
type Recorder struct {
	mask    *redact.Masker
	log     *batch
	ring    *ring
	metrics *Metrics
	file    string
	headers bool
	lines   sync.Pool // of *line
	search  sync.Mutex
}

// New opens the access log and starts its writer; Close ends it.
func New(cfg Config) (*Recorder, error) {
	if cfg.Pending == 0 {
		cfg.Pending = dfltPending
	}
	if cfg.Blocked == 0 {
		cfg.Blocked = 1000
	}
	if cfg.Pending < minPending || cfg.Pending > maxPending {
		return nil, fmt.Errorf("make recorder: %d bytes may wait for the access log: want %d to %d", cfg.Pending, minPending, maxPending)
	}
	if cfg.Blocked < 1 || cfg.Blocked > 100000 {
		return nil, fmt.Errorf("make recorder: %d blocked requests to keep: want 1 to 100000", cfg.Blocked)
	}
	mask, err := redact.New(cfg.Mask)
	if err != nil {
		return nil, fmt.Errorf("make recorder: %w", err)
	}
	to, err := openSink(cfg)
	if err != nil {
		return nil, fmt.Errorf("make recorder: %w", err)
	}
	r := &Recorder{mask: mask, ring: newRing(cfg.Blocked), file: cfg.File, headers: cfg.Headers}
	if cfg.Failing != nil {
		to = &told{sink: to, tell: cfg.Failing}
	}
	r.log = newBatch(to, cfg.Pending, cfg.Closed)
	r.metrics = newMetrics(cfg.Version, r.log)
	return r, nil
}

func openSink(cfg Config) (sink, error) {
	switch {
	case cfg.File != "":
		return openLogFile(cfg.File)
	case cfg.Output != nil:
		return stream{cfg.Output}, nil
	}
	return stream{os.Stdout}, nil
}

// render puts x into a line; give it back with keep.
func (r *Recorder) render(x *exchange.Exchange) *line {
	l, _ := r.lines.Get().(*line)
	if l == nil {
		l = &line{b: make([]byte, 0, 4<<10), scratch: make([]byte, 0, 1<<10), mask: r.mask, all: r.headers}
	}
	l.b = l.b[:0]
	l.exchange(x)
	return l
}

func (r *Recorder) keep(l *line) {
	if cap(l.b) <= flushBytes {
		r.lines.Put(l)
	}
}

// Line is the access log line of x, JSON with every secret masked, without its end. Nothing is written down.
func (r *Recorder) Line(x *exchange.Exchange) []byte {
	l := r.render(x)
	defer r.keep(l)
	return bytes.Clone(l.b[:len(l.b)-1])
}

// Record writes down one exchange that is over. It does not keep x.
func (r *Recorder) Record(x *exchange.Exchange) {
	l := r.render(x)
	defer r.keep(l)
	r.log.append(l.b)
	if blocked(x) {
		r.ring.put(x.ID, bytes.Clone(l.b[:len(l.b)-1]))
	}
	r.metrics.exchange(x)
}

func blocked(x *exchange.Exchange) bool {
	return x.WAF.Verdict == "block" || x.WAF.Verdict == "detect" || strings.HasPrefix(string(x.Answer.Reason), "waf.")
}

// Admit returns nil, or with the closed policy a *reason.Error (us.log_failed) while the access log cannot be written.
// It costs a few nanoseconds: ask before each request.
func (r *Recorder) Admit() error { return r.log.admit() }

// Metrics returns the counters that others feed, and their HTTP handler.
func (r *Recorder) Metrics() *Metrics { return r.metrics }

// Block returns the access log record, as JSON, of a request that the rules stopped or would have stopped: from memory, else
// from the access log file; false when neither has it.
func (r *Recorder) Block(id string) ([]byte, bool) {
	if b, ok := r.ring.get(id); ok {
		return b, true
	}
	if r.file == "" || !ValidID(id) {
		return nil, false
	}
	r.search.Lock() // one reader of a large file is enough
	defer r.search.Unlock()
	b, err := findLine(r.file, id)
	if err != nil {
		return nil, false
	}
	var rec Record
	if json.Unmarshal(b, &rec) != nil || rec.WAF == nil || rec.WAF.Verdict != "block" && rec.WAF.Verdict != "detect" && !strings.HasPrefix(rec.Reason, "waf.") {
		return nil, false
	}
	return b, true
}

// Reopen opens the access log file anew, for logrotate. (A file that was moved away is also noticed within a second or so.)
func (r *Recorder) Reopen(ctx context.Context) error { return r.log.Reopen(ctx) }

// Close writes what waits, until ctx ends, and closes the access log. Lines recorded after it are dropped and counted.
func (r *Recorder) Close(ctx context.Context) error { return r.log.Close(ctx) }
