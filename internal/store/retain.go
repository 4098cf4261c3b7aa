package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
)

// How many rows are kept of what has no setting.
const (
	mostKept   = 50_000 // ids of requests, the newest
	mostEvents = 10_000
	mostAudits = 10_000 // audit.log beside the store has all of them
	mostDoc    = 1 << 20
)

// AddSample gives the incident with this id a sample. Of more than two the oldest and the newest stay; removed are the files of those that
// went, which the caller deletes. An incident that is no longer there is an error that wraps [ErrNotFound].
func (s *Store) AddSample(ctx context.Context, id string, x Sample) (removed []string, err error) {
	err = s.change(ctx, "add sample", func(tx *sql.Tx) error {
		removed = nil
		there, err := texts(ctx, tx, "SELECT id FROM incidents WHERE id = ?", id)
		if err != nil {
			return err
		}
		if len(there) == 0 {
			return ErrNotFound
		}
		if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO samples (file, incident, request, at, size, encrypted) VALUES (?, ?, ?, ?, ?, ?)",
			x.File, id, fit(x.Request), nanos(x.At), x.Size, x.Encrypted); err != nil {
			return err
		}
		all, err := samplesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		for i := 1; i < len(all)-1; i++ {
			removed = append(removed, all[i].File)
		}
		return drop(ctx, tx, removed)
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

// drop forgets samples.
func drop(ctx context.Context, tx *sql.Tx, files []string) error {
	for _, f := range files {
		if _, err := tx.ExecContext(ctx, "DELETE FROM samples WHERE file = ?", f); err != nil {
			return err
		}
	}
	return nil
}

// Files are the names of all samples' files.
func (s *Store) Files(ctx context.Context) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all, err := texts(ctx, s.db, "SELECT file FROM samples")
	if err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	return all, nil
}

// Forget takes a sample out whose file is gone.
func (s *Store) Forget(ctx context.Context, file string) error {
	return s.change(ctx, "forget sample", func(tx *sql.Tx) error { return drop(ctx, tx, []string{file}) })
}

// Prune keeps the store within its limits, and returns the files of samples that went, which the caller deletes. Incidents go by when they
// were last seen, open ones too. Samples go by age, the oldest first.
func (s *Store) Prune(ctx context.Context, l Limits) (removed []string, err error) {
	err = s.change(ctx, "prune store", func(tx *sql.Tx) error {
		var err error
		removed, err = prune(ctx, tx, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	return removed, nil
}

func prune(ctx context.Context, tx *sql.Tx, l Limits) ([]string, error) {
	var gone []string
	if !l.Before.IsZero() {
		ids, err := texts(ctx, tx, "SELECT id FROM incidents WHERE last < ?", nanos(l.Before))
		if err != nil {
			return nil, err
		}
		gone = ids
		if _, err := tx.ExecContext(ctx, "DELETE FROM events WHERE at < ?", nanos(l.Before)); err != nil {
			return nil, err
		}
	}
	if l.MaxIncidents > 0 {
		ids, err := texts(ctx, tx, "SELECT id FROM incidents ORDER BY last DESC, id DESC LIMIT -1 OFFSET ?", l.MaxIncidents)
		if err != nil {
			return nil, err
		}
		gone = append(gone, ids...)
	}
	var removed []string
	for _, id := range gone {
		files, err := texts(ctx, tx, "DELETE FROM samples WHERE incident = ? RETURNING file", id)
		if err != nil {
			return nil, err
		}
		removed = append(removed, files...)
		if _, err := tx.ExecContext(ctx, "DELETE FROM incidents WHERE id = ?", id); err != nil { // and its requests
			return nil, err
		}
	}
	for table, most := range map[string]int{"requests": mostKept, "events": mostEvents, "audits": mostAudits} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE number <= (SELECT max(number) FROM "+table+") - ?", most); err != nil {
			return nil, err
		}
	}
	large, err := pruneSize(ctx, tx, l.MaxSize)
	return slices.Concat(removed, large), err
}

// pruneSize forgets the oldest samples until the rest has at most so many bytes.
func pruneSize(ctx context.Context, tx *sql.Tx, most int64) ([]string, error) {
	if most <= 0 {
		return nil, nil
	}
	files, err := texts(ctx, tx, `SELECT file FROM (SELECT file, sum(size) OVER (ORDER BY at DESC, file DESC) AS sum FROM samples) WHERE sum > ?`, most)
	if err != nil {
		return nil, err
	}
	return files, drop(ctx, tx, files)
}
