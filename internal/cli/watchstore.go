package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/config"
	checks "github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/store"
)

// watchStore keeps incidents where lunette incidents finds them. One without a folder keeps nothing.
type watchStore struct {
	store  *store.Store
	keeper *incident.Keeper
	stop   context.CancelFunc
	done   chan struct{}
}

// openStore opens the store that the flags name.
func (w *watchFlags) openStore(stderr io.Writer) (*watchStore, error) {
	cfg := incident.Config{Folder: w.folder, Recipients: w.recipients, Plain: w.plain}
	if w.config != "" {
		c, faults := config.Load(w.config)
		if c == nil {
			return nil, faults
		}
		in := c.Incidents
		if in.Folder == "" {
			return nil, fmt.Errorf("%s names no incidents.folder: set it, or use --folder", printable(w.config))
		}
		cfg = incident.Config{Folder: in.Folder, Recipients: in.Recipients, Plain: in.Plain, Keep: in.Keep, MaxSize: in.MaxSize, MaxIncidents: in.MaxIncidents, ResolveAfter: in.ResolveAfter}
	}
	if cfg.Folder == "" {
		return &watchStore{}, nil
	}
	cfg.Version = version()
	cfg.Log = slog.New(untold{slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})})
	s, err := store.Open(store.Config{Folder: cfg.Folder, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	k, err := incident.New(cfg, s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &watchStore{store: s, keeper: k}, nil
}

// untold is a log without what the command tells itself.
type untold struct{ slog.Handler }

func (u untold) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "incident opened" {
		return nil
	}
	return u.Handler.Handle(ctx, r)
}

func (s *watchStore) active() bool { return s.keeper != nil }

// start lets the keeper write until close.
func (s *watchStore) start() {
	if !s.active() {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop, s.done = stop, make(chan struct{})
	go func() {
		defer close(s.done)
		s.keeper.Run(ctx)
	}()
}

// close writes what is left.
func (s *watchStore) close() error {
	if !s.active() {
		return nil
	}
	if s.stop != nil {
		s.stop()
		<-s.done
	}
	return s.store.Close()
}

// well says that a connection went well.
func (s *watchStore) well(site string, j *analysis.Judgement) {
	if s.active() {
		s.keeper.Well(site, j.Flow.Server.String(), j.At)
	}
}

// mostTaken bounds the connections of an incident whose end is awaited to take another sample.
const mostTaken = 8

// add keeps a failure and returns the id of its incident. One that was counted before is brought up to date, and so is its sample.
func (s *watchStore) add(in *watchIncident, j *analysis.Judgement, f *finding.Finding, again bool) string {
	if !s.active() {
		return ""
	}
	failure := incident.Failure{At: j.At, Site: in.site, Origin: in.origin, Finding: f, Judged: true, Stall: j.Lasts && !again, Again: again}
	if len(f.Refines) > 0 {
		failure.Reason = f.Refines[0]
	}
	if again && in.taken[j.Flow.Client] || s.keeper.WantsSample(failure.Site, failure.Origin, failure.Reason) {
		failure.Sample = watchSample(j, f)
		delete(in.taken, j.Flow.Client)
		if j.Lasts && len(in.taken) < mostTaken {
			if in.taken == nil {
				in.taken = map[netip.AddrPort]bool{}
			}
			in.taken[j.Flow.Client] = true
		}
	}
	return s.keeper.Add(failure)
}

// watchSample is the evidence of a connection: numbers of packets are those of the packets that are kept.
func watchSample(j *analysis.Judgement, f *finding.Finding) *incident.Sample {
	facts := slices.Clone(j.Flow.Facts)
	for i := range facts {
		facts[i].Frame = j.Frame(facts[i].Frame)
	}
	own := *j.Flow
	own.Facts = facts
	result := checks.Result{Lacking: j.Result.Lacking}
	for _, x := range j.Result.Findings {
		if x.Code == f.Code {
			x = *f
		} else {
			x.Mends = watchMends(x.Mends)
		}
		result.Findings = append(result.Findings, x)
	}
	s := &incident.Sample{Facts: facts, Result: &result, Packets: j.Write, HAR: func(w io.Writer) error {
		return explain.HAR(w, &explain.Capture{Start: own.Start, End: own.End, Connections: 1, Flows: []*flow.Flow{&own}, Program: version()})
	}}
	for _, e := range own.Exchanges {
		if h := e.Request.Head; h != nil {
			s.Method, s.URL = h.Method, maskedTarget(own.Protocol, h)
		}
		if h := e.Response.Head; h != nil {
			s.Status = h.Status
		}
	}
	return s
}

// maskedTarget is where a request went, without its query.
func maskedTarget(protocol string, h *fact.HTTPHead) string {
	scheme := "http"
	if protocol == flow.ProtocolTLS {
		scheme = "https"
	}
	path, _, _ := strings.Cut(h.Target, "?")
	return scheme + "://" + h.Authority + path
}
