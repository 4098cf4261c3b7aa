package evidence

import (
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/recording"
)

// FromRecorded is a recording as checks see it; f is what package analysis read from it. Records were watched where TCP was
// connected; packets never were: SYNs, windows and what was sent again do not show in one's own bytes.
func FromRecorded(f *flow.Flow, r *recording.Recording) *check.Flow {
	out := check.Flow{Conn: r.ID, Client: r.Client, Server: r.Server, Name: r.Name, Start: r.Start, End: r.End, Ours: true, Purpose: r.Purpose, Facts: f.Facts}
	if r.Connect >= 0 {
		out.Watched = check.Records | plain(f)
	}
	if out.Name == "" && f.TLS != nil {
		out.Name = f.TLS.ServerName
	}
	return out.Prepared()
}
