package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/redact"
)

// LogConfig is the operational log: what Lunette itself has to say. The zero value logs text from level info up.
type LogConfig struct {
	Level  slog.Level    // default info
	JSON   bool          // one JSON object a line instead of text
	Burst  int           // times that one message of one level may come within Every; default 20, negative for no limit
	Every  time.Duration // default 10 s
	Redact redact.Config
}

// NewLogger returns a logger that writes to w (standard error in production) with secrets masked. A message that repeats
// beyond the burst is held back; the next one that passes says in the attribute "suppressed" how many were.
func NewLogger(cfg LogConfig, w io.Writer) (*slog.Logger, error) {
	if cfg.Burst == 0 {
		cfg.Burst = 20
	}
	if cfg.Every == 0 {
		cfg.Every = 10 * time.Second
	}
	if cfg.Every < 0 {
		return nil, fmt.Errorf("make logger: repeat interval %v: want more than 0", cfg.Every)
	}
	mask, err := redact.New(cfg.Redact)
	if err != nil {
		return nil, fmt.Errorf("make logger: %w", err)
	}
	opts := &slog.HandlerOptions{Level: cfg.Level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return maskAttr(mask, a) }}
	var inner slog.Handler = slog.NewTextHandler(w, opts)
	if cfg.JSON {
		inner = slog.NewJSONHandler(w, opts)
	}
	if cfg.Burst > 0 {
		inner = &limiter{inner: inner, state: &limiterState{burst: cfg.Burst, every: cfg.Every, seen: map[repeatKey]*repeats{}}}
	}
	return slog.New(inner), nil
}

// maskAttr serves every attribute, the message included.
func maskAttr(mask *redact.Masker, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(maskNamed(mask, a.Key, a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case *slog.Source, slog.Level, nil:
		case error:
			a.Value = slog.StringValue(maskNamed(mask, a.Key, v.Error()))
		case fmt.Stringer:
			a.Value = slog.StringValue(maskNamed(mask, a.Key, v.String()))
		case []byte:
			a.Value = slog.StringValue(maskNamed(mask, a.Key, string(v)))
		default:
			a.Value = slog.StringValue(maskNamed(mask, a.Key, fmt.Sprintf("%+v", v)))
		}
	}
	return a
}

func maskNamed(mask *redact.Masker, key, value string) string {
	switch key {
	case slog.MessageKey, slog.LevelKey, slog.TimeKey, "err", "error":
		return mask.Text(value)
	}
	return mask.Header(key, value)
}

const maxRepeatKeys = 1024

type repeatKey struct {
	level   slog.Level
	message string
}

type repeats struct {
	since      time.Time
	count      int
	suppressed int
}

// limiterState is shared by a handler and those made from it.
type limiterState struct {
	burst int
	every time.Duration

	mu   sync.Mutex
	seen map[repeatKey]*repeats
}

// pass reports whether a record may go through, and how many like it were held back before.
func (s *limiterState) pass(k repeatKey, now time.Time) (bool, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.seen[k]
	if r == nil {
		if len(s.seen) >= maxRepeatKeys {
			s.forget(now)
		}
		s.seen[k] = &repeats{since: now, count: 1}
		return true, 0
	}
	if now.Sub(r.since) >= s.every {
		held := r.suppressed
		*r = repeats{since: now, count: 1}
		return true, held
	}
	if r.count < s.burst {
		r.count++
		return true, 0
	}
	r.suppressed++
	return false, 0
}

// forget makes room: what is over, or everything when all is recent.
func (s *limiterState) forget(now time.Time) {
	for k, r := range s.seen {
		if now.Sub(r.since) >= s.every {
			delete(s.seen, k)
		}
	}
	if len(s.seen) >= maxRepeatKeys {
		clear(s.seen)
	}
}

// limiter is a slog.Handler that holds back repetitions.
type limiter struct {
	inner slog.Handler
	state *limiterState
}

func (l *limiter) Enabled(ctx context.Context, level slog.Level) bool {
	return l.inner.Enabled(ctx, level)
}

func (l *limiter) Handle(ctx context.Context, r slog.Record) error {
	ok, held := l.state.pass(repeatKey{r.Level, r.Message}, r.Time)
	if !ok {
		return nil
	}
	if held > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("suppressed", held))
	}
	return l.inner.Handle(ctx, r)
}

func (l *limiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limiter{l.inner.WithAttrs(attrs), l.state}
}

func (l *limiter) WithGroup(name string) slog.Handler {
	return &limiter{l.inner.WithGroup(name), l.state}
}
