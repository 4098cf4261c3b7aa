package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

const columns = `id, site, origin, cause, state, reason, detail, confidence, severity, title, summary, opened, reopened, flaps, last, resolved_at, resolved_by, count, stalls, proven, cure`

const (
	usualLimit = 1000
	mostLimit  = 100_000
)

// reader is what a transaction and a connection share.
type reader interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Incidents returns those that q asks for, the last seen first, with their samples.
func (s *Store) Incidents(ctx context.Context, q Query) ([]Incident, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	where, args := "1", []any{}
	if !q.All {
		where += " AND state <> 'resolved'"
	}
	if q.Site != "" {
		where, args = where+" AND site = ?", append(args, q.Site)
	}
	all, err := some(ctx, s.db, where+" ORDER BY last DESC, id DESC LIMIT ?", append(args, q.limit())...)
	if err == nil && !q.Brief {
		err = withSamples(ctx, s.db, all)
	}
	if err != nil {
		return nil, fmt.Errorf("read incidents: %w", err)
	}
	return all, nil
}

func (q *Query) limit() int {
	if q.Limit <= 0 {
		return usualLimit
	}
	return min(q.Limit, mostLimit)
}

// Incident returns the one with this id, or with an id that begins so (at least 4 characters), or that of a request with this id. Letters
// may be in lower case. The error wraps [ErrNotFound] or [ErrAmbiguous].
func (s *Store) Incident(ctx context.Context, name string) (Incident, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, err := s.find(ctx, name)
	if err != nil {
		return Incident{}, fmt.Errorf("find incident %q: %w", name, err)
	}
	return s.whole(ctx, id)
}

// whole reads one incident with its samples.
func (s *Store) whole(ctx context.Context, id string) (Incident, error) {
	n, err := one(ctx, s.db, "id = ?", id)
	all := []Incident{n}
	if err == nil {
		err = withSamples(ctx, s.db, all)
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Incident{}, fmt.Errorf("read incident %s: %w", id, err)
	}
	return all[0], nil
}

// find is the id of the incident that name means.
func (s *Store) find(ctx context.Context, name string) (string, error) {
	const shortest = 4
	if name == "" {
		return "", ErrNotFound
	}
	for _, try := range []struct{ query, arg string }{
		{"SELECT id FROM incidents WHERE id = ?", name},
		{"SELECT incident FROM requests WHERE request = ?", name},
		{"SELECT incident FROM samples WHERE request = ?", name},
		{"SELECT id FROM incidents WHERE id >= ?1 AND substr(id, 1, length(?1)) = ?1 LIMIT 2", strings.ToUpper(name)},
		{"SELECT DISTINCT incident FROM requests WHERE request >= ?1 AND substr(request, 1, length(?1)) = ?1 AND request < ?1 || '~' LIMIT 2", strings.ToUpper(name)},
	} {
		if strings.Contains(try.query, "LIMIT 2") && len(name) < shortest {
			continue
		}
		ids, err := texts(ctx, s.db, try.query, try.arg)
		switch {
		case err != nil:
			return "", err
		case len(ids) == 1 || len(ids) > 1 && !strings.Contains(try.query, "LIMIT 2"):
			return ids[0], nil
		case len(ids) > 1:
			return "", ErrAmbiguous
		}
	}
	return "", ErrNotFound
}

// texts are the values of a query for one column.
func texts(ctx context.Context, db reader, query string, args ...any) ([]string, error) {
	return rows(ctx, db, func(r *sql.Rows) (text string, err error) { return text, r.Scan(&text) }, query, args...)
}

// rows reads all rows of a query.
func rows[T any](ctx context.Context, db reader, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	r, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	var out []T
	for r.Next() {
		v, err := scan(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, r.Err()
}

func one(ctx context.Context, db reader, where string, args ...any) (Incident, error) {
	all, err := some(ctx, db, where, args...)
	if err != nil {
		return Incident{}, err
	}
	if len(all) == 0 {
		return Incident{}, sql.ErrNoRows
	}
	return all[0], nil
}

func some(ctx context.Context, db reader, where string, args ...any) ([]Incident, error) {
	return rows(ctx, db, scanIncident, "SELECT "+columns+" FROM incidents WHERE "+where, args...)
}

func scanIncident(r *sql.Rows) (Incident, error) {
	var n Incident
	var opened, last, resolved int64
	err := r.Scan(&n.ID, &n.Site, &n.Origin, &n.Cause, &n.State, &n.Reason, &n.Detail, &n.Confidence, &n.Severity, &n.Title, &n.Summary, &opened, &n.Reopened, &n.Flaps,
		&last, &resolved, &n.ResolvedBy, &n.Count, &n.Stalls, &n.Proven, &n.Cure)
	n.Opened, n.Last, n.ResolvedAt = moment(opened), moment(last), moment(resolved)
	return n, err
}

// withSamples fills in the samples of all.
func withSamples(ctx context.Context, db reader, all []Incident) error {
	for i := range all {
		var err error
		if all[i].Samples, err = samplesOf(ctx, db, all[i].ID); err != nil {
			return err
		}
	}
	return nil
}

func samplesOf(ctx context.Context, db reader, id string) ([]Sample, error) {
	return rows(ctx, db, func(r *sql.Rows) (Sample, error) {
		var x Sample
		var at int64
		err := r.Scan(&x.Request, &at, &x.File, &x.Size, &x.Encrypted)
		x.At = moment(at)
		return x, err
	}, "SELECT request, at, file, size, encrypted FROM samples WHERE incident = ? ORDER BY at, file", id)
}

// Resolve ends an incident because by, a person, says so. One that is resolved already stays as it is.
func (s *Store) Resolve(ctx context.Context, name, by string) (Incident, error) {
	n, err := s.Incident(ctx, name)
	if err != nil {
		return n, err
	}
	err = s.change(ctx, "resolve incident "+n.ID, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE incidents SET state = 'resolved', resolved_at = ?, resolved_by = ? WHERE id = ? AND state <> 'resolved'", nanos(time.Now()), fit(by), n.ID)
		return err
	})
	if err != nil {
		return n, err
	}
	return s.Incident(ctx, n.ID)
}

// Quiet ends the incident of a key because its cause was not seen since last. It reports whether it did: not where the incident is resolved
// already, or was seen later than the caller knows.
func (s *Store) Quiet(ctx context.Context, key Key, last, now time.Time) (bool, error) {
	done := false
	err := s.change(ctx, "resolve quiet incident", func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `UPDATE incidents SET state = 'resolved', resolved_at = ?, resolved_by = ?
WHERE site = ? AND origin = ? AND cause = ? AND state <> 'resolved' AND last <= ?`, nanos(now), ByQuiet, fit(key.Site), fit(key.Origin), fit(key.Cause), nanos(last))
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		done = n > 0
		return err
	})
	return done && err == nil, err
}
