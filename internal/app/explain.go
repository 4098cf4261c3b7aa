package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// maxBlockRecord bounds an answer of the admin address, in bytes.
const maxBlockRecord = 4 << 20

// ExplainBlock says in words why the request with this id was blocked: from the access log file, else from the running
// gateway's admin address, both as the configuration at path names them. logFile overrides the first.
func ExplainBlock(path, logFile, id string) (string, error) {
	if !telemetry.ValidID(id) {
		return "", fmt.Errorf("find request %.70q: not an id", id)
	}
	cfg, err := explainConfig(path)
	if err != nil {
		return "", err
	}
	rec, err := findRecord(cfg, logFile, id)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("Request %s at %s\n%s %s://%s%s → %d", rec.ID, rec.Time.UTC().Format(time.RFC3339), policy.Printable(rec.Request.Method), policy.Printable(rec.Request.Scheme), policy.Printable(rec.Request.Host), policy.Printable(rec.Request.Path), rec.Status)
	if rec.Reason != "" {
		head += " " + policy.Printable(rec.Reason)
	}
	if rec.WAF == nil || refused(rec) {
		return head + "\n\n" + unruled(rec), nil
	}
	return head + "\n\n" + policy.Explain(wafOf(rec.WAF), policy.Explained{Path: rec.Request.Path, Site: rec.Site, Route: rec.Route, Key: keyOf(cfg, rec.Site, rec.Route)}), nil
}

// explainConfig loads the configuration at path, nil for none.
func explainConfig(path string) (*config.Config, error) {
	if path == "" {
		return nil, nil
	}
	cfg, faults := config.Load(path)
	if faults.Failed() {
		return nil, faults
	}
	return cfg, nil
}

// keyOf returns the key of a site or of one of its routes, "" when cfg, which may be nil, has them no more.
func keyOf(cfg *config.Config, site, route string) string {
	if cfg == nil {
		return ""
	}
	for i := range cfg.Sites {
		s := &cfg.Sites[i]
		if len(s.Names) == 0 || s.Names[0] != site {
			continue
		}
		if route == "" {
			return fmt.Sprintf("sites[%d]", i)
		}
		for j := range s.Routes {
			if s.Routes[j].Path == route {
				return fmt.Sprintf("sites[%d].routes[%d]", i, j)
			}
		}
	}
	return ""
}

func findRecord(cfg *config.Config, logFile, id string) (*telemetry.Record, error) {
	if cfg != nil {
		if f := cfg.AccessLog.File; logFile == "" && f != "stdout" && f != "stderr" && f != "off" {
			logFile = f
		}
	}
	var missed []error
	if logFile != "" {
		rec, err := telemetry.FindInLog(logFile, id)
		if err == nil {
			return rec, nil
		}
		missed = append(missed, err)
	}
	if cfg != nil && cfg.Admin.Address != "" {
		rec := new(telemetry.Record)
		err := askAdmin(context.Background(), cfg, "/blocks/"+id, maxBlockRecord, rec)
		if err == nil {
			return rec, nil
		}
		if errors.Is(err, errNotKnown) {
			err = fmt.Errorf("%w, it keeps only recent blocks", err)
		}
		missed = append(missed, err)
	}
	if len(missed) == 0 {
		return nil, errors.New("find the request: the configuration names neither an access log file nor an admin address; give --log FILE")
	}
	return nil, fmt.Errorf("find the request: %w", errors.Join(missed...))
}

func wafOf(w *telemetry.RecordWAF) *exchange.WAF {
	out := &exchange.WAF{
		Mode: w.Mode, Verdict: w.Verdict, Phase: w.Phase, Score: w.Score, Threshold: w.Threshold, Inspected: w.Inspected, Of: w.Of,
		Spent: time.Duration(w.SpentMS * float64(time.Millisecond)),
	}
	for _, r := range w.Rules {
		out.Matches = append(out.Matches, exchange.Match{ID: r.ID, Message: r.Message, Severity: r.Severity, Score: r.Score, Target: r.Target, Part: r.Part, Data: r.Data,
			Tags: r.Tags, Transformations: r.Transformations, Paranoia: r.Paranoia, Scoring: r.Scoring, File: r.File, Line: r.Line})
	}
	return out
}
