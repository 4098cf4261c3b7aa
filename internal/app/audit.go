package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/redact"
	"github.com/lunette-waf/lunette/internal/rules/audit"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// auditLog writes exchanges that rules looked at into the audit log. A nil one writes nothing.
type auditLog struct {
	render  *audit.Log
	file    *telemetry.File
	buffers sync.Pool // *[]byte
}

// keptRecord is how large a buffer may be that is used again, in bytes.
const keptRecord = 64 << 10

// openAudit opens the audit log where there shall be one.
func (a *App) openAudit(cfg *config.Config, mask *redact.Masker) error {
	c := &cfg.AuditLog
	if c.File == "off" || c.File == "" {
		return nil
	}
	render, err := audit.New(audit.Config{Format: c.Format, When: c.When, Parts: c.Parts, Body: int(c.Body), Version: a.opts.Version, Mask: mask})
	if err != nil {
		return err
	}
	l := &auditLog{render: render}
	fc := telemetry.FileConfig{Name: "audit log", Whole: audit.Whole(c.Format), Failing: func(err error) { a.auditFailing(l, err) }}
	switch c.File {
	case "stdout":
		fc.Output = a.opts.Access
	case "stderr":
		fc.Output = io.Writer(os.Stderr)
	default:
		fc.File = c.File
	}
	if l.file, err = telemetry.OpenFile(fc); err != nil {
		return err
	}
	a.rec.Metrics().AuditLog(l.file)
	a.audit, a.sh.keepBody = l, c.Body
	return nil
}

// auditFailing hears of a disk that is full or broken, and of one that is well again. Requests are served meanwhile.
func (a *App) auditFailing(l *auditLog, err error) {
	if err != nil {
		a.log.Error("the audit log cannot be written: make room; records wait in memory, then they are lost and counted in lunette_audit_log_dropped_total", "error", err)
		return
	}
	a.log.Info("the audit log is written again", "lost", l.file.Lost())
}

// record writes down x where it belongs into the log. It does not keep x.
func (l *auditLog) record(x *exchange.Exchange) {
	if l == nil || !l.render.Wants(x) {
		return
	}
	b, _ := l.buffers.Get().(*[]byte)
	if b == nil {
		b = new([]byte)
	}
	*b = l.render.Append((*b)[:0], x)
	if len(*b) > 0 {
		l.file.Append(*b)
	}
	if cap(*b) <= keptRecord {
		l.buffers.Put(b)
	}
}

// reopen opens the file anew, for logrotate.
func (l *auditLog) reopen(ctx context.Context) error {
	if l == nil {
		return nil
	}
	return l.file.Reopen(ctx)
}

// close writes what waits.
func (l *auditLog) close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	err := l.file.Close(ctx)
	if lost := l.file.Lost(); lost > 0 {
		err = errors.Join(err, fmt.Errorf("close audit log: %d records were lost", lost))
	}
	return err
}

// scribe is who writes down an exchange that is over: into the access log, and into the audit log what belongs there.
type scribe struct {
	*telemetry.Recorder
	audit *auditLog
}

// Record implements recorder.
func (s scribe) Record(x *exchange.Exchange) {
	s.audit.record(x)
	s.Recorder.Record(x)
}
