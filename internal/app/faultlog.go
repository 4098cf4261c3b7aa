package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/lunette-waf/lunette/internal/config"
)

// logFaults writes one record for each thing wrong with a configuration: its place, what is wrong, and what to do.
// It returns how many of them are errors.
func logFaults(log *slog.Logger, err error) int {
	switch e := err.(type) { //nolint:errorlint // the tree is walked here, node by node
	case nil:
		return 0
	case config.Faults:
		failed := 0
		for i := range e {
			level := slog.LevelWarn
			switch e[i].Severity {
			case config.Error:
				level = slog.LevelError
				failed++
			case config.Note:
				level = slog.LevelInfo
			}
			log.Log(context.Background(), level, "configuration fault", faultAttrs(&e[i])...)
		}
		return failed
	case interface{ Unwrap() []error }:
		n := 0
		for _, one := range e.Unwrap() {
			n += logFaults(log, one)
		}
		return n
	}
	if inner := (config.Faults)(nil); errors.As(err, &inner) {
		return logFaults(log, inner)
	}
	log.Error("configuration fault", "error", oneLine(err.Error()))
	return 1
}

func faultAttrs(f *config.Fault) []any {
	place := f.File
	if f.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
	}
	what := f.Message
	if f.Key != "" {
		what = f.Key + ": " + what
	}
	attrs := []any{"place", place, "error", oneLine(what)}
	if f.Hint != "" {
		attrs = append(attrs, "hint", oneLine(f.Hint))
	}
	return attrs
}

// oneLine keeps a text readable where line breaks are written as \n.
func oneLine(s string) string {
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}
