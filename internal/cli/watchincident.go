package cli

import (
	"cmp"
	"io"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/finding"
)

// mostWatchIncidents bounds the causes that are told apart; those beyond are told each time.
const mostWatchIncidents = 10_000

// watchKey is what makes failures one incident, as in the store.
type watchKey struct {
	site   string
	origin string
	cause  finding.Code
}

// watchIncident is one cause at one origin.
type watchIncident struct {
	watchKey
	worst finding.Finding // the surest so far
	count int64
	first time.Time
	last  time.Time
	id    string                  // of the store, "" without one
	taken map[netip.AddrPort]bool // clients of connections that lasted as a sample of them was taken; at most mostTaken
}

// watchFailure is one connection that failed, or fails.
type watchFailure struct {
	*watchIncident
	fresh   bool // the first of its incident, or the first that is so sure
	again   bool // counted before: it is surer now, or over
	over    bool // it was told while it lasted, and lasts no more
	at      time.Time
	client  netip.AddrPort
	server  netip.AddrPort
	lasts   bool
	finding finding.Finding
}

// watchSummary is what was seen in all.
type watchSummary struct {
	took              time.Duration
	live              analysis.LiveStats
	received, dropped uint64
	secrets           int64
	incidents         []*watchIncident
}

// watcher makes incidents of judgements.
type watcher struct {
	live    *analysis.Live
	source  *liveSource
	secrets *secrets.Store
	hosts   []string
	kept    *watchStore
	stderr  io.Writer
	dropped uint64

	telling sync.Mutex // held while something is told
	out     watchOut
	known   map[watchKey]*watchIncident
	summary watchSummary
}

// judged takes what the checks say of a connection: what is new, and worse than worth knowing, is a failure.
func (t *watcher) judged(j *analysis.Judgement) {
	t.telling.Lock()
	defer t.telling.Unlock()
	fails := false
	for i := range j.Result.Findings {
		fails = fails || j.Result.Findings[i].Severity > finding.Info
	}
	site := t.site(j.Flow)
	if !fails && served(j.Flow) {
		t.kept.well(site, j)
	}
	for i := range j.New {
		if f := &j.New[i]; f.Severity > finding.Info {
			t.failed(site, j, f)
		}
	}
	t.out.tick(j.At)
}

func (t *watcher) failed(site string, j *analysis.Judgement, f *finding.Finding) {
	key := watchKey{site, j.Flow.Server.String(), f.Code}
	in := t.known[key]
	fresh := in == nil
	if in == nil {
		in = &watchIncident{watchKey: key, first: j.At}
		if len(t.known) < mostWatchIncidents {
			t.known[key] = in
		}
	}
	again := !fresh && j.Told(f.Code) // the same connection, and surer now, or over
	if !again {
		in.count++
	}
	if fresh || f.Confidence > in.worst.Confidence {
		in.worst, fresh = *f, true
	}
	in.last = j.At
	own := *f
	own.Mends = watchMends(f.Mends)
	own.Proof = slices.Clone(f.Proof)
	if t.kept.active() { // numbers are those of the packets that are kept with it
		for i := range own.Proof {
			own.Proof[i].Frame = j.Frame(own.Proof[i].Frame)
		}
	}
	in.id = cmp.Or(t.kept.add(in, j, &own, again), in.id)
	t.out.failure(&watchFailure{watchIncident: in, fresh: fresh, again: again, over: again && j.Over(f.Code), at: j.At, client: j.Flow.Client, server: j.Flow.Server, lasts: j.Lasts, finding: own})
}

// site is the name that was wanted: by TLS, by HTTP, as the command line says, or the address.
func (t *watcher) site(f *flow.Flow) string {
	if f.TLS != nil && f.TLS.ServerName != "" {
		return f.TLS.ServerName
	}
	for _, e := range f.Exchanges {
		if e.Request.Head != nil && e.Request.Head.Authority != "" {
			host, _ := splitHost(e.Request.Head.Authority)
			return host
		}
	}
	if len(t.hosts) == 1 {
		host, _ := splitHost(t.hosts[0])
		return host
	}
	return f.Server.Addr().String()
}

// served reports whether a request was answered, by what is no error of the server.
func served(f *flow.Flow) bool {
	for _, e := range f.Exchanges {
		if h := e.Response.Head; h != nil && h.Status > 0 && h.Status < 500 {
			return true
		}
	}
	return false
}

// finish tells the sum.
func (t *watcher) finish() {
	t.summary.live = t.live.Stats()
	t.summary.incidents = slices.SortedFunc(maps.Values(t.known), func(a, b *watchIncident) int {
		return cmp.Or(cmp.Compare(b.worst.Severity, a.worst.Severity), cmp.Compare(b.count, a.count), a.first.Compare(b.first), cmp.Compare(a.cause, b.cause))
	})
	t.out.end(&t.summary)
}
