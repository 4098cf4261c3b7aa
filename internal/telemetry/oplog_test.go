package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lunette-waf/lunette/internal/redact"
)

func TestLoggerMasks(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		log, err := NewLogger(LogConfig{JSON: asJSON, Level: slog.LevelDebug, Redact: redact.Config{Names: []string{"kunde"}}}, &out)
		if err != nil {
			t.Fatal(err)
		}
		log.With("token", "hunter2").WithGroup("g").Warn("sent password=hunter2", "cookie", "a=hunter2", "kunde", "hunter2",
			"err", fmt.Errorf("get: %w", errors.New("Authorization: Bearer hunter2")), "url", []byte("/?secret=hunter2"), "n", 7,
			slog.Group("inner", "api_key", "hunter2"), "any", struct{ Header string }{"password=hunter2"}, "nothing", nil)
		if strings.Contains(out.String(), "hunter2") {
			t.Errorf("secret shows: %s", out.String())
		}
		for _, want := range []string{"[masked 7 bytes]", "get: Authorization", "WARN"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("no %s in %s", want, out.String())
			}
		}
		if asJSON && !json.Valid(out.Bytes()) {
			t.Errorf("not JSON: %s", out.String())
		}
		out.Reset()
		log.Debug("x")
		if out.Len() == 0 {
			t.Error("level debug is not logged")
		}
	}
}

func TestLoggerLevel(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(LogConfig{}, &out)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("x")
	if out.Len() != 0 {
		t.Errorf("debug by default: %s", out.String())
	}
	if _, err := NewLogger(LogConfig{Every: -1}, &out); err == nil {
		t.Error("a negative interval was accepted")
	}
}

func TestLoggerHoldsRepetitionsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log, err := NewLogger(LogConfig{Burst: 3, Every: time.Minute}, &out)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			log.With("k", 1).Error("disk full")
		}
		log.Warn("disk full") // another level is another message
		log.Error("other")
		if n := strings.Count(out.String(), "\n"); n != 5 {
			t.Errorf("%d lines, want 5:\n%s", n, out.String())
		}
		out.Reset()
		time.Sleep(time.Minute)
		log.Error("disk full")
		if !strings.Contains(out.String(), "suppressed=7") {
			t.Errorf("the next one does not say how many were held back: %s", out.String())
		}
		out.Reset()
		for i := range 3 * maxRepeatKeys {
			log.Error(fmt.Sprint("m", i))
		}
		if n := strings.Count(out.String(), "\n"); n != 3*maxRepeatKeys {
			t.Errorf("%d of %d different messages", n, 3*maxRepeatKeys)
		}
		if n := len(log.Handler().(*limiter).state.seen); n > maxRepeatKeys {
			t.Errorf("%d messages remembered", n)
		}
	})
}
