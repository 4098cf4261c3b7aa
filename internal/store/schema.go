package store

import (
	"context"
	"database/sql"
	"fmt"
)

// version is that of the schema, as PRAGMA user_version has it.
const version = 1

// application is what PRAGMA application_id says of our files: "LUNE".
const application = 0x4c554e45

// schema is that of version 1. Times are nanoseconds since the Unix epoch, 0 for none.
const schema = `
CREATE TABLE incidents (
	id TEXT PRIMARY KEY, site TEXT NOT NULL, origin TEXT NOT NULL, cause TEXT NOT NULL,
	state TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, confidence TEXT NOT NULL, severity TEXT NOT NULL,
	title TEXT NOT NULL, summary TEXT NOT NULL, opened INTEGER NOT NULL, reopened INTEGER NOT NULL, flaps INTEGER NOT NULL,
	last INTEGER NOT NULL, resolved_at INTEGER NOT NULL, resolved_by TEXT NOT NULL, count INTEGER NOT NULL, stalls INTEGER NOT NULL,
	proven TEXT NOT NULL, cure TEXT NOT NULL, UNIQUE (site, origin, cause)
) WITHOUT ROWID;
CREATE INDEX incidents_last ON incidents (last);
CREATE TABLE samples (
	file TEXT PRIMARY KEY, incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
	request TEXT NOT NULL, at INTEGER NOT NULL, size INTEGER NOT NULL, encrypted INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX samples_incident ON samples (incident, at);
CREATE TABLE requests (
	number INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE,
	incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE
);
CREATE INDEX requests_incident ON requests (incident);
CREATE TABLE events (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, site TEXT NOT NULL, origin TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE profiles (site TEXT NOT NULL, origin TEXT NOT NULL, at INTEGER NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (site, origin)) WITHOUT ROWID;
CREATE TABLE audits (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, of TEXT NOT NULL, note TEXT NOT NULL);
`

// prepare looks at the file: whole, ours, not newer than this program. An empty one gets the schema.
func (s *Store) prepare(db *sql.DB) error {
	var whole string
	if err := db.QueryRow("PRAGMA quick_check(1)").Scan(&whole); err != nil {
		return err
	}
	if whole != "ok" {
		return fmt.Errorf("%w: %s", ErrDamaged, whole)
	}
	empty, err := s.known(db)
	if err != nil || !empty {
		return err
	}
	if s.cfg.ReadOnly {
		return fmt.Errorf("%s is empty: no gateway has written to it yet", s.path())
	}
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var is int
	if err := tx.QueryRow("PRAGMA user_version").Scan(&is); err != nil || is == version {
		return err // another process was faster
	}
	for _, text := range []string{schema, fmt.Sprintf("PRAGMA user_version = %d", version), fmt.Sprintf("PRAGMA application_id = %d", application)} {
		if _, err := tx.Exec(text); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// known reads the version of the file; empty is one without any.
func (s *Store) known(db *sql.DB) (empty bool, err error) {
	var is, whose, tables int
	if err := db.QueryRow("PRAGMA user_version").Scan(&is); err != nil {
		return false, err
	}
	if err := db.QueryRow("PRAGMA application_id").Scan(&whose); err != nil {
		return false, err
	}
	if err := db.QueryRow("SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return false, err
	}
	switch {
	case is == 0 && whose == 0 && tables == 0:
		return true, nil
	case whose != application:
		return false, fmt.Errorf("%s is a database of another program: give another folder", s.path())
	case is > version:
		return false, fmt.Errorf("%w: %s has schema %d, this one knows up to %d; run the newer one, or move the file away", ErrNewer, s.path(), is, version)
	}
	return false, nil
}
