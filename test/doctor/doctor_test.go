// Package doctor holds "lunette doctor" against origins that fail in known ways: those of the lab and real servers.
package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/cli"
)

// seen is what the tests read of the document that --format json writes.
type seen struct {
	Verdict     string
	Cut         string
	Findings    []finding
	Lines       []struct{ Step, What, Text, Mark string }
	Connections []struct {
		Purpose, Address, Path, Failed, Error string
		Statuses                              []int
		HelloRequests                         int `json:"hello_requests"`
	}
	Settings struct {
		YAML, Unknown, Proof string
		Proven               bool
		Why                  []string
	}
	Differences []struct{ What, A, B string }
	Compared    *struct{ Dialled string } `json:"compared_with"`

	raw string
}

// examine runs the command and reads what it wrote. An exit code of -1 is any.
func examine(t testing.TB, wantExit int, args ...string) *seen {
	t.Helper()
	s, code, err := run(context.Background(), args...)
	if err != nil {
		t.Fatal(err)
	}
	if code != wantExit && wantExit >= 0 {
		t.Errorf("exit code %d, want %d: %s", code, wantExit, s.all())
	}
	return s
}

// run is examine for goroutines of their own.
func run(ctx context.Context, args ...string) (*seen, int, error) {
	var out, errs bytes.Buffer
	code := cli.Main(ctx, append([]string{"doctor", "--format", "json"}, args...), &out, &errs)
	s := &seen{raw: out.String()}
	if err := json.Unmarshal(out.Bytes(), s); err != nil {
		return nil, code, fmt.Errorf("exit code %d, no document: %w: %s %.500s", code, err, errs.String(), out.String())
	}
	return s, code, nil
}

// first is the code of the first finding above info, "" without.
func (s *seen) first() string {
	if len(s.Findings) > 0 && s.Findings[0].Severity != "info" {
		return s.Findings[0].Code
	}
	return ""
}

// told reports whether code stands first, or is told as merely worth knowing with nothing above that.
func (s *seen) told(code string) bool {
	return s.first() == code || s.first() == "" && slices.ContainsFunc(s.Findings, func(f finding) bool { return f.Code == code })
}

// finding is one of them.
type finding struct {
	Code, Severity, Confidence, Summary string
	Hides                               []string
}

func contains(text, part string) bool { return strings.Contains(text, part) }

// all are the findings in short.
func (s *seen) all() string {
	var out []string
	for _, f := range s.Findings {
		out = append(out, f.Code+" "+f.Severity+" "+f.Confidence)
	}
	return strings.Join(out, ", ") + "; " + s.Verdict + " " + s.Settings.Unknown + s.Settings.Proof
}
