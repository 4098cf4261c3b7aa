package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/gateway/profile"
	"github.com/lunette-waf/lunette/internal/redact"
	"github.com/lunette-waf/lunette/internal/store"
	"github.com/lunette-waf/lunette/internal/telemetry"
)

// mostEvents is how many events may wait to be written down.
const mostEvents = 256

// profilesEvery is how often what was learned of origins is written down.
const profilesEvery = 5 * time.Second

// openMemory opens what remembers: the store, the incidents, the profiles of origins, the flight recorder. Read at start.
func (a *App) openMemory(cfg *config.Config, mask *redact.Masker) error {
	n := &cfg.Incidents
	a.events = make(chan store.Event, mostEvents)
	keeper, err := a.openIncidents(n, n.Folder)
	if err != nil && n.Folder != "" && !errors.Is(err, store.ErrNewer) {
		a.log.Error("incidents.folder cannot be used: incidents live in memory, without samples, until a restart; mend the folder", "folder", n.Folder, "error", err)
		keeper, err = a.openIncidents(n, "")
	}
	if err != nil {
		return err
	}
	if a.book, err = profile.New(profile.Config{Changed: a.drifted}); err != nil {
		return err
	}
	if err := a.restoreProfiles(); err != nil {
		a.log.Warn("what was learned of origins could not be read; learning begins anew", "error", err)
	}
	a.after = &aftermath{judge: newJudge(mask, a.log), keeper: keeper, book: a.book, line: a.rec.Line, log: a.log, version: a.opts.Version}
	a.prover = newProver(context.Background(), keeper, a.poolOf, a.log)
	a.after.prover = a.prover
	if err := flight.NoCores(); err != nil {
		a.log.Warn("core dumps could not be turned off: one would hold what visitors sent", "error", err)
	}
	a.sh.book = a.book
	if a.sh.flight, err = flight.New(flight.Config{Memory: cfg.FlightMemory, Log: a.log, Stalled: a.stalled}); err != nil {
		return err
	}
	a.rec.Metrics().SetFlight((*flightStats)(a.sh.flight))
	return nil
}

// openIncidents opens the store in folder, "" for one in memory, and who keeps incidents in it.
func (a *App) openIncidents(n *config.Incidents, folder string) (*incident.Keeper, error) {
	s, err := store.Open(store.Config{Folder: folder, Log: a.log})
	if err != nil {
		return nil, fmt.Errorf("open incidents.folder: %w", err)
	}
	k, err := incident.New(incident.Config{
		Folder: folder, Recipients: n.Recipients, Plain: n.Plain, Keep: n.Keep, MaxSize: n.MaxSize, MaxIncidents: n.MaxIncidents,
		ResolveAfter: n.ResolveAfter, Log: a.log, Version: a.opts.Version,
	}, s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	a.store = s
	return k, nil
}

// flightStats tells the metrics of the flight recorder.
type flightStats flight.Recorder

// FlightStats implements telemetry.FlightSource.
func (f *flightStats) FlightStats() telemetry.FlightStat {
	s := (*flight.Recorder)(f).Stats()
	return telemetry.FlightStat{Open: s.Open, Used: s.Used, Limit: s.Limit, Refused: s.Refused, Stalls: s.Stalls}
}

// closeMemory ends all of it. What the keeper has not written yet it writes before its Run ends.
func (a *App) closeMemory() error {
	if a.sh.flight != nil {
		a.sh.flight.Close()
	}
	if a.prover != nil {
		a.prover.close()
	}
	if a.store == nil {
		return nil
	}
	return a.store.Close()
}

// remember writes down what was learned and what happened until ctx ends, and then once more.
func (a *App) remember(ctx context.Context) {
	tick, check := time.NewTicker(profilesEvery), time.NewTicker(time.Minute)
	defer tick.Stop()
	defer check.Stop()
	for {
		select {
		case e := <-a.events:
			a.storeEvent(e)
		case <-tick.C:
			a.storeProfiles(a.book.Unsaved())
		case <-check.C:
			a.book.Check()
		case <-ctx.Done():
			a.storeProfiles(a.book.Profiles())
			for len(a.events) > 0 {
				a.storeEvent(<-a.events)
			}
			return
		}
	}
}

func (a *App) storeProfiles(ps []profile.Profile) {
	ctx, cancel := context.WithTimeout(context.Background(), profilesEvery)
	defer cancel()
	for _, p := range ps {
		doc, err := profile.Marshal(&p)
		if err == nil {
			err = a.store.PutProfile(ctx, p.Site, p.URL, doc)
		}
		if err != nil {
			a.log.Warn("a profile could not be written; it is tried again when it changes", "site", p.Site, "origin", p.URL, "error", err)
		}
	}
}

func (a *App) restoreProfiles() error {
	rows, err := a.store.Profiles(context.Background())
	if err != nil {
		return err
	}
	var all []profile.Profile
	for _, r := range rows {
		p, err := profile.Unmarshal(r.Doc)
		if err != nil {
			a.log.Warn("what was learned of an origin could not be read; learning begins anew", "site", r.Site, "origin", r.Origin, "error", err)
			continue
		}
		all = append(all, p)
	}
	a.book.Restore(all)
	return nil
}

// drifted hears that an origin is no longer as it was.
func (a *App) drifted(d profile.Drift) {
	a.log.Warn("an origin has changed: "+d.Text, "site", d.Site, "origin", d.Origin, "kind", d.Kind, "advice", d.Advice)
	a.event(store.Event{At: d.At, Site: d.Site, Origin: d.Origin, Kind: d.Kind, Text: d.Text})
}

// event hands e to remember. It never waits: in a storm of events the log alone tells of some.
func (a *App) event(e store.Event) {
	select {
	case a.events <- e:
	default:
	}
}

func (a *App) storeEvent(e store.Event) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.store.AddEvent(ctx, e); err != nil {
		a.log.Debug("an event could not be written", "kind", e.Kind, "error", err)
	}
}

// audited writes down who took secrets out.
func (a *App) audited(u store.Audit) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := a.store.AddAudit(ctx, u); err != nil {
		a.log.Warn("an audit line could not be written to the store; this is it", "who", u.Who, "what", u.What, "of", u.Of, "note", u.Note, "error", err)
	}
}

// poolOf is how the connections of a site to url stand.
func (a *App) poolOf(site, url string) (origin.Stats, bool) {
	g := a.pipe.graph.Load()
	if g == nil {
		return origin.Stats{}, false
	}
	for i := range g.routes {
		if g.routes[i].site != site {
			continue
		}
		for _, s := range g.routes[i].origin.Stats() {
			if s.URL == url {
				return s, true
			}
		}
	}
	return origin.Stats{}, false
}
