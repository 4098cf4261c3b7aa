package cli

import (
	"context"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

// runCompare sets the flow of one capture against that of another; secrets and filters hold for both.
func (e *explainFlags) runCompare(ctx context.Context, files []string, std explainIO, store *secrets.Store, o explain.Options) error {
	normal, err := e.read(ctx, []string{e.compare}, std, store)
	if err != nil {
		return err
	}
	abnormal, err := e.read(ctx, files, std, store)
	if err != nil {
		return err
	}
	e.remarks(std.stderr, normal, abnormal)
	if e.format == "json" {
		return explain.CompareJSON(std.stdout, abnormal, normal)
	}
	return explain.Compare(std.stdout, abnormal, normal, o)
}
