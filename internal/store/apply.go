package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/exchange"
)

const (
	mostText     = 4096 // bytes of one text
	mostRequests = 256  // ids of requests in one change
)

// Apply adds what happened to the incidents, all of it or nothing, and says for each change how its incident stands. What is in the file
// counts, not what the caller thinks: another process may have resolved an incident, which is then reopened. A change without a count only
// states what was learned, and begins no incident.
func (s *Store) Apply(ctx context.Context, changes []Change) ([]Applied, error) {
	var out []Applied
	err := s.change(ctx, "count failures", func(tx *sql.Tx) error {
		out = make([]Applied, 0, len(changes))
		for i := range changes {
			a, err := apply(ctx, tx, &changes[i])
			if err != nil {
				return err
			}
			out = append(out, a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func apply(ctx context.Context, tx *sql.Tx, c *Change) (Applied, error) {
	key := Key{fit(c.Site), fit(c.Origin), fit(c.Cause)}
	was, err := one(ctx, tx, "site = ? AND origin = ? AND cause = ?", key.Site, key.Origin, key.Cause)
	a := Applied{Incident: was}
	switch {
	case errors.Is(err, sql.ErrNoRows) && c.Count == 0:
		return Applied{Incident: Incident{Key: key}}, nil
	case errors.Is(err, sql.ErrNoRows):
		a.Opened = true
		a.Incident = Incident{ID: cmp.Or(fit(c.ID), exchange.NewID(c.First)), Key: key, State: StateOpen, Opened: c.First}
	case err != nil:
		return a, err
	case c.Count == 0: // nothing new happened
	case was.State == StateResolved:
		a.Reopened = true
		reopen(&a.Incident, c)
	default:
		a.Incident.State = StateOngoing
	}
	add(&a.Incident, c)
	if err := put(ctx, tx, &a.Incident); err != nil {
		return a, err
	}
	return a, remember(ctx, tx, a.Incident.ID, c)
}

// reopen begins a resolved incident anew. One that comes back soon after it had grown quiet flaps; what a person resolved does not.
func reopen(n *Incident, c *Change) {
	if n.ResolvedBy == ByQuiet && c.First.Sub(n.ResolvedAt) < c.Soon {
		n.Flaps++
	} else {
		n.Flaps = 0
	}
	n.State, n.ResolvedAt, n.ResolvedBy = StateOpen, time.Time{}, ""
	n.Reopened++
}

// add counts c in and takes over what it says; what it does not say stays.
func add(n *Incident, c *Change) {
	n.Count += max(c.Count, 0)
	n.Stalls += max(c.Stalls, 0)
	if c.Last.After(n.Last) {
		n.Last = c.Last
	}
	for _, t := range []struct {
		to   *string
		from string
	}{{&n.Reason, c.Reason}, {&n.Detail, c.Detail}, {&n.Severity, c.Severity}, {&n.Title, c.Title}, {&n.Summary, c.Summary}, {&n.Proven, c.Proven}, {&n.Cure, c.Cure}} {
		*t.to = cmp.Or(fit(t.from), *t.to)
	}
	if sureness(c.Confidence) > sureness(n.Confidence) {
		n.Confidence = fit(c.Confidence)
	}
}

func sureness(confidence string) int {
	return slices.Index([]string{"possible", "likely", "certain"}, confidence)
}

// put writes an incident that was changed.
func put(ctx context.Context, tx *sql.Tx, n *Incident) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO incidents (`+columns+`) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
ON CONFLICT (id) DO UPDATE SET state=excluded.state, reason=excluded.reason, detail=excluded.detail, confidence=excluded.confidence,
severity=excluded.severity, title=excluded.title, summary=excluded.summary, reopened=excluded.reopened, flaps=excluded.flaps, last=excluded.last,
resolved_at=excluded.resolved_at, resolved_by=excluded.resolved_by, count=excluded.count, stalls=excluded.stalls, proven=excluded.proven, cure=excluded.cure`,
		n.ID, n.Site, n.Origin, n.Cause, string(n.State), n.Reason, n.Detail, n.Confidence, n.Severity, n.Title, n.Summary, nanos(n.Opened), n.Reopened, n.Flaps,
		nanos(n.Last), nanos(n.ResolvedAt), n.ResolvedBy, n.Count, n.Stalls, n.Proven, n.Cure)
	return err
}

// remember notes by which ids of requests the incident is found; and the id that the caller gave it, where the file knows it by another.
func remember(ctx context.Context, tx *sql.Tx, id string, c *Change) error {
	names := c.Requests[:min(len(c.Requests), mostRequests)]
	if c.ID != "" && c.ID != id {
		names = append(slices.Clone(names), c.ID)
	}
	if len(names) == 0 {
		return nil
	}
	insert, err := tx.PrepareContext(ctx, "INSERT OR REPLACE INTO requests (request, incident) VALUES (?, ?)")
	if err != nil {
		return err
	}
	defer func() { _ = insert.Close() }()
	for _, name := range names {
		if name == "" {
			continue
		}
		if _, err := insert.ExecContext(ctx, fit(name), id); err != nil {
			return err
		}
	}
	return nil
}

// fit is text that may be kept: UTF-8, of bounded length.
func fit(text string) string {
	if len(text) > mostText {
		end := mostText
		for end > mostText-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// nanos is t as it is stored.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment is what nanos made an int64 of.
func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
