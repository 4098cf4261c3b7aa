package cli

import (
	"context"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

// runCompare sets the flow of one capture against that of another; secrets and filters hold for both.
func (e *explainFlags) runCompare(ctx context.Context, files []string, std explainIO, store *secrets.Store, o explain.Options) error {
	abnormal, normal, err := e.readBoth(ctx, files, std, store)
	if err != nil {
		return err
	}
	if e.format == "json" {
		return explain.CompareJSON(std.stdout, abnormal, normal)
	}
	return explain.Compare(std.stdout, abnormal, normal, o)
}

// readBoth reads both captures, or the one in which both flows are.
func (e *explainFlags) readBoth(ctx context.Context, files []string, std explainIO, store *secrets.Store) (abnormal, normal *explain.Capture, err error) {
	if e.compare == "" {
		if abnormal, err = e.read(ctx, files, std, store, e.flow, e.with); err != nil {
			return nil, nil, err
		}
		e.remarks(std.stderr, abnormal)
		other := *abnormal
		abnormal.Only, other.Only = e.flow, e.with
		return abnormal, &other, nil
	}
	if normal, err = e.read(ctx, []string{e.compare}, std, store, e.with); err != nil {
		return nil, nil, err
	}
	if abnormal, err = e.read(ctx, files, std, store, e.flow); err != nil {
		return nil, nil, err
	}
	e.remarks(std.stderr, normal, abnormal)
	normal.Only, abnormal.Only = e.with, e.flow
	return abnormal, normal, nil
}
