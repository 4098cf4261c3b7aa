package app

import (
	"context"
	"io"
	"slices"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/redact"
)

const (
	sampleMemory   = 32 << 20 // bytes that reading a sample's recordings may take
	sampleAttempts = 4        // the last ones, whose packets a sample holds
)

// sample gathers the evidence about x. What lies in the flight recorder is copied now: it is wiped soon.
func (f *aftermath) sample(x *exchange.Exchange, result *check.Result) *incident.Sample {
	s := &incident.Sample{Result: result, Record: f.line(x), Method: x.Request.Method, Status: x.Answer.Status, Versions: versions(f.version)}
	s.URL = f.judge.mask.Text(x.Request.Scheme + "://" + x.Request.Authority + x.Request.Path)
	var recs []*recording.Recording
	for i := range x.Attempts {
		a := &x.Attempts[i]
		s.Facts = append(s.Facts, origin.Facts(a, f.judge.mask)...)
		if i < len(x.Attempts)-sampleAttempts || slices.ContainsFunc(recs, func(r *recording.Recording) bool { return r.ID == a.ConnID }) {
			continue
		}
		if r := recordingOf(a.Tape); r != nil {
			recs = append(recs, r)
		}
	}
	slices.SortStableFunc(s.Facts, func(a, b fact.Fact) int { return a.At.Compare(b.At) })
	addFiles(s, recs, f.version)
	return s
}

// stallSample is the evidence about an exchange that still waits.
func stallSample(s flight.Stall, rec *recording.Recording, result *check.Result, mask *redact.Masker, version string) *incident.Sample {
	out := &incident.Sample{Result: result, Facts: rec.Facts, Method: s.Method, Versions: versions(version)}
	out.URL = mask.Text(s.URL + s.Path)
	addFiles(out, []*recording.Recording{rec}, version)
	return out
}

func versions(v string) map[string]string { return map[string]string{"lunette": v} }

// addFiles lets s write what recs hold, as packets and as HAR.
func addFiles(s *incident.Sample, recs []*recording.Recording, version string) {
	if len(recs) == 0 {
		return
	}
	s.Packets = func(w io.Writer) error { return analysis.WriteRecordings(w, recs) }
	s.HAR = func(w io.Writer) error {
		flows, err := analysis.Recorded(context.Background(), recs, analysis.Config{Memory: sampleMemory})
		if err != nil {
			return err
		}
		return explain.HAR(w, &explain.Capture{Flows: flows, Program: version})
	}
}
