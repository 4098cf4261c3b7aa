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
		switch r := recordingOf(a.Tape); {
		case r != nil:
			recs = append(recs, r)
		case a.Tape != nil:
			s.Missing = append(s.Missing, incident.Missing{File: incident.PacketsFile, Why: wiped})
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

// Why a sample lacks what was recorded.
const (
	wiped = "a connection of the request is missing: its recording was wiped, because flight_memory was used up or because it had ended long before; raise flight_memory if the log says that it was used up"
	facts = "no packets: by its setting flight: facts the site keeps neither bytes nor secrets of its connections; flight: packets keeps those of connections that fail"
	short = "bytes or secrets of a connection are missing: flight_memory was used up; raise it, or lower flight_bytes of the site that holds most (the log names it)"
)

// addFiles lets s write what recs hold, as packets and as HAR.
func addFiles(s *incident.Sample, recs []*recording.Recording, version string) {
	if slices.ContainsFunc(recs, func(r *recording.Recording) bool { return r.Short }) {
		s.Missing = append(s.Missing, incident.Missing{File: incident.PacketsFile, Why: short}, incident.Missing{File: incident.HARFile, Why: short})
	}
	if slices.ContainsFunc(recs, factsAlone) {
		s.Missing = append(s.Missing, incident.Missing{File: incident.PacketsFile, Why: facts}, incident.Missing{File: incident.HARFile, Why: facts})
		recs = slices.DeleteFunc(recs, factsAlone)
	}
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

// factsAlone reports whether bytes crossed a connection and none were to be kept.
func factsAlone(r *recording.Recording) bool {
	return r.Omitted > 0 && !r.Short && len(r.KeyLog) == 0 && !slices.ContainsFunc(r.Pieces, func(p recording.Piece) bool { return len(p.Data) > 0 })
}
