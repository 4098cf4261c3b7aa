package cli

import (
	"context"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

// runCompare sets the flow of one capture against that of another; secrets and filters hold for both.
func (e *explainFlags) runCompare(ctx context.Context, files []string, std explainIO, store *secrets.Store, o explain.Options) error {
	abnormal, normal, err := e.readBoth(ctx, files, std, store)
	if err != nil {
		return err
	}
	if a, n, ok := explain.Pick(abnormal.Capture, normal.Capture); ok { // the normal flow is evidence, too
		abnormal.Results[a] = abnormal.report.DiagnoseBeside(a, normal.report, n)
	}
	if e.format == "json" {
		return explain.CompareJSON(std.stdout, abnormal.Capture, normal.Capture)
	}
	return explain.Compare(std.stdout, abnormal.Capture, normal.Capture, o)
}

// side is one of two captures that are compared.
type side struct {
	*explain.Capture
	report *analysis.Report
}

// readBoth reads both captures, or the one in which both flows are.
func (e *explainFlags) readBoth(ctx context.Context, files []string, std explainIO, store *secrets.Store) (abnormal, normal side, err error) {
	if e.compare == "" {
		if abnormal.Capture, abnormal.report, err = e.read(ctx, files, std, store, e.flow, e.with); err != nil {
			return abnormal, normal, err
		}
		e.remarks(std.stderr, abnormal.Capture)
		other := *abnormal.Capture
		abnormal.Only, other.Only = e.flow, e.with
		return abnormal, side{&other, abnormal.report}, nil
	}
	if normal.Capture, normal.report, err = e.read(ctx, []string{e.compare}, std, store, e.with); err != nil {
		return abnormal, normal, err
	}
	if abnormal.Capture, abnormal.report, err = e.read(ctx, files, std, store, e.flow); err != nil {
		return abnormal, normal, err
	}
	e.remarks(std.stderr, normal.Capture, abnormal.Capture)
	normal.Only, abnormal.Only = e.with, e.flow
	return abnormal, normal, nil
}
