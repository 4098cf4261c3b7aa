package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// PutProfile keeps what was learned of an origin, in place of what was kept before. doc is JSON of at most 1 MiB.
func (s *Store) PutProfile(ctx context.Context, site, origin string, doc []byte) error {
	if len(doc) > mostDoc {
		return fmt.Errorf("keep profile of %s: %d bytes are more than %d", origin, len(doc), mostDoc)
	}
	return s.change(ctx, "keep profile", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO profiles (site, origin, at, doc) VALUES (?, ?, ?, ?)", fit(site), fit(origin), nanos(time.Now()), doc)
		return err
	})
}

// Profiles returns the profiles of all origins, by site and origin.
func (s *Store) Profiles(ctx context.Context) ([]Profile, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all, err := rows(ctx, s.db, func(r *sql.Rows) (Profile, error) {
		var p Profile
		var at int64
		err := r.Scan(&p.Site, &p.Origin, &at, &p.Doc)
		p.At = moment(at)
		return p, err
	}, "SELECT site, origin, at, doc FROM profiles ORDER BY site, origin LIMIT ?", mostLimit)
	if err != nil {
		return nil, fmt.Errorf("read profiles: %w", err)
	}
	return all, nil
}

// AddEvent keeps events, all or none.
func (s *Store) AddEvent(ctx context.Context, events ...Event) error {
	return s.change(ctx, "keep event", func(tx *sql.Tx) error {
		for _, e := range events {
			if _, err := tx.ExecContext(ctx, "INSERT INTO events (at, site, origin, kind, text) VALUES (?, ?, ?, ?, ?)", nanos(e.At), fit(e.Site), fit(e.Origin), fit(e.Kind), fit(e.Text)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Events returns those that q asks for, the newest first.
func (s *Store) Events(ctx context.Context, q Query) ([]Event, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all, err := rows(ctx, s.db, func(r *sql.Rows) (Event, error) {
		var e Event
		var at int64
		err := r.Scan(&at, &e.Site, &e.Origin, &e.Kind, &e.Text)
		e.At = moment(at)
		return e, err
	}, "SELECT at, site, origin, kind, text FROM events WHERE (?1 = '' OR site = ?1) AND (?2 = '' OR kind = ?2) ORDER BY at DESC, number DESC LIMIT ?3", q.Site, q.Kind, q.limit())
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return all, nil
}

// AddAudit keeps who took secrets out.
func (s *Store) AddAudit(ctx context.Context, a Audit) error {
	return s.change(ctx, "keep audit line", func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO audits (at, who, what, of, note) VALUES (?, ?, ?, ?, ?)", nanos(a.At), fit(a.Who), fit(a.What), fit(a.Of), fit(a.Note))
		return err
	})
}

// Audits returns those that q asks for, the newest first.
func (s *Store) Audits(ctx context.Context, q Query) ([]Audit, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all, err := rows(ctx, s.db, func(r *sql.Rows) (Audit, error) {
		var a Audit
		var at int64
		err := r.Scan(&at, &a.Who, &a.What, &a.Of, &a.Note)
		a.At = moment(at)
		return a, err
	}, "SELECT at, who, what, of, note FROM audits WHERE (?1 = '' OR of = ?1) ORDER BY number DESC LIMIT ?2", q.Of, q.limit())
	if err != nil {
		return nil, fmt.Errorf("read audit lines: %w", err)
	}
	return all, nil
}
