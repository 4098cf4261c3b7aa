package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// watchRepeat is how often it is told that an incident goes on.
const watchRepeat = 10 * time.Second

// watchText tells failures to people: a block for each incident, a line now and then for those that come again.
type watchText struct {
	out     io.Writer
	loc     *time.Location
	pending []*watchRepeats // in the order of their first repeat
	by      map[watchKey]*watchRepeats
	told    map[watchKey]netip.AddrPort // clients of those that lasted as their incident was told; as many as there are incidents
}

// watchRepeats are failures of an incident that were not told yet.
type watchRepeats struct {
	of    *watchIncident
	since time.Time
	more  int64
}

func (w *watchText) failure(f *watchFailure) {
	switch {
	case f.fresh:
	case f.over && w.told[f.watchKey] == f.client:
		delete(w.told, f.watchKey)
		w.print("%s  over: %s · %s → %s · client %s\n  %s\n\n", w.clock(f.at), f.cause, printable(f.site), f.origin, f.client, printable(f.finding.Summary))
		return
	case f.again:
		return
	default:
		w.again(f)
		return
	}
	if delete(w.told, f.watchKey); f.lasts {
		if w.told == nil {
			w.told = map[watchKey]netip.AddrPort{}
		}
		w.told[f.watchKey] = f.client
	}
	lasts := ""
	if f.lasts {
		lasts = ", it lasts"
	}
	id := ""
	if f.id != "" {
		id = " · incident " + f.id
	}
	w.print("%s  %s → %s%s\n  client %s%s\n", w.clock(f.at), printable(f.site), f.origin, id, f.client, lasts)
	for _, line := range f.finding.Lines() {
		w.print("  %s\n", printable(line))
	}
	w.print("\n")
}

func (w *watchText) again(f *watchFailure) {
	r := w.by[f.watchKey]
	if r == nil {
		r = &watchRepeats{of: f.watchIncident, since: f.at}
		if w.by == nil {
			w.by = map[watchKey]*watchRepeats{}
		}
		w.by[f.watchKey] = r
		w.pending = append(w.pending, r)
	}
	r.more++
}

func (w *watchText) tick(at time.Time) {
	for len(w.pending) > 0 && at.Sub(w.pending[0].since) >= watchRepeat {
		w.repeat(w.pending[0])
		w.pending = w.pending[1:]
	}
}

func (w *watchText) repeat(r *watchRepeats) {
	delete(w.by, r.of.watchKey)
	w.print("%s  again: %s · %s → %s · %d more, %d in all\n", w.clock(r.of.last), r.of.cause, printable(r.of.site), r.of.origin, r.more, r.of.count)
}

func (w *watchText) end(s *watchSummary) {
	for _, r := range w.pending {
		w.repeat(r)
	}
	w.pending = nil
	w.print("Watched %s in %s", counted(int(s.live.Connections), "connection"), finding.Span(s.took))
	w.print(" (%s, %s).", counted(int(s.live.Packets), "packet"), watchDropped(s.dropped))
	if all := s.live.Opened + s.live.Sealed; all > 0 {
		w.print(" TLS was opened in %d of %d.", s.live.Opened, all)
	}
	w.print("\n")
	if s.live.Unjudged > 0 {
		w.print("%s given up for want of room before it was clear how they went: allow more (--memory), or narrow the filter.\n", counted(int(s.live.Unjudged), "connection"))
	}
	if s.live.Packets == 0 {
		w.print("Nothing came by: is it the right interface, and does --host name the leg that fails?\n")
		return
	}
	if len(s.incidents) == 0 {
		w.print("Nothing failed.\n")
		return
	}
	w.print("%s:\n", counted(len(s.incidents), "incident"))
	for _, in := range s.incidents {
		w.print("  %5d × %s · %s · %s  %s → %s, %s to %s\n", in.count, in.cause, in.worst.Severity, in.worst.Confidence, printable(in.site), in.origin, w.clock(in.first), w.clock(in.last))
	}
}

func watchDropped(n uint64) string {
	if n == 0 {
		return "none dropped"
	}
	return fmt.Sprintf("%d dropped: narrow the filter, what is missing is no proof", n)
}

func (w *watchText) clock(t time.Time) string { return t.In(w.loc).Format("15:04:05") }

func (w *watchText) print(format string, args ...any) { _, _ = fmt.Fprintf(w.out, format, args...) }

// watchJSON tells failures to programs.
type watchJSON struct{ enc *json.Encoder }

func newWatchJSON(w io.Writer) *watchJSON {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &watchJSON{enc}
}

// watchLine is a failure, or with Kind "summary" the sum at the end.
type watchLine struct {
	Kind     string           `json:"kind"` // failure, summary
	At       time.Time        `json:"at,omitzero"`
	New      bool             `json:"new,omitempty"`   // the first of its incident, or the first that is so sure
	Count    int64            `json:"count,omitempty"` // of the incident so far
	Incident string           `json:"incident,omitempty"`
	Site     string           `json:"site,omitempty"`
	Origin   string           `json:"origin,omitempty"`
	Client   string           `json:"client,omitempty"`
	Lasts    bool             `json:"lasts,omitempty"`
	Again    bool             `json:"again,omitempty"` // counted before: surer now, or over
	Over     bool             `json:"over,omitempty"`  // it was told while it lasted, and lasts no more
	Finding  *finding.Finding `json:"finding,omitempty"`

	Seconds     float64 `json:"seconds,omitempty"`
	Connections *int64  `json:"connections,omitempty"`
	Packets     *int64  `json:"packets,omitempty"`
	Dropped     *uint64 `json:"dropped,omitempty"`
	Opened      *int64  `json:"opened,omitempty"` // connections whose TLS was opened
	Sealed      *int64  `json:"sealed,omitempty"` // and those whose was not
	Unjudged    *int64  `json:"unjudged,omitempty"`
	Incidents   *int    `json:"incidents,omitempty"`
}

func (w *watchJSON) failure(f *watchFailure) {
	_ = w.enc.Encode(watchLine{Kind: "failure", At: f.at.UTC(), New: f.fresh, Count: f.count, Incident: f.id, Site: f.site, Origin: f.origin,
		Client: f.client.String(), Lasts: f.lasts, Again: f.again, Over: f.over, Finding: &f.finding})
}

func (w *watchJSON) tick(time.Time) {}

func (w *watchJSON) end(s *watchSummary) {
	n := len(s.incidents)
	_ = w.enc.Encode(watchLine{Kind: "summary", Seconds: s.took.Seconds(), Connections: &s.live.Connections, Packets: &s.live.Packets, Dropped: &s.dropped,
		Opened: &s.live.Opened, Sealed: &s.live.Sealed, Unjudged: &s.live.Unjudged, Incidents: &n})
}
