package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// FileName is that of the store within its folder.
const FileName = "lunette.db"

// Config says where the store lies. The zero value is a store in memory.
type Config struct {
	Folder   string       // made with mode 0700 where it is not there; "" keeps everything in memory
	ReadOnly bool         // nothing is made, changed or set aside; a folder without a store is an error that wraps fs.ErrNotExist
	Log      *slog.Logger // hears of a store that was set aside; nil for none
}

// The errors that callers may ask for.
var (
	ErrNotFound  = errors.New("no incident fits")
	ErrAmbiguous = errors.New("several incidents fit")
	ErrNewer     = errors.New("the store was written by a newer Lunette")
	ErrDamaged   = errors.New("the store is damaged")
)

// Store is an open store. It is safe for concurrent use, and several processes may have the same file open.
type Store struct {
	cfg Config
	mu  sync.RWMutex // held for writing while the file is set aside
	db  *sql.DB
	bad error // why the file was given up, while no new one could be begun
}

// Open opens the store, or begins one. A file that is damaged is set aside under another name, and a new one is begun. One that a newer
// Lunette wrote is an error that wraps [ErrNewer].
func Open(cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{cfg: cfg}
	if cfg.Folder != "" && !cfg.ReadOnly {
		if err := os.MkdirAll(cfg.Folder, 0o700); err != nil {
			return nil, fmt.Errorf("open store: make folder: %w", err)
		}
	}
	if cfg.Folder != "" && !cfg.ReadOnly {
		s.ownFolder()
	}
	err := s.begin()
	if err != nil && damaged(err) && cfg.Folder != "" {
		if cfg.ReadOnly {
			return nil, fmt.Errorf("open store %s: %w: %w; the gateway sets it aside and begins a new one when it starts", s.path(), ErrDamaged, err)
		}
		if err = s.setAside(err); err == nil {
			err = s.begin()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// Folder is where it lies, "" in memory.
func (s *Store) Folder() string { return s.cfg.Folder }

// Close ends the use of the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db.Close()
}

func (s *Store) path() string { return filepath.Join(s.cfg.Folder, FileName) }

// begin opens the file as it is, makes sure that it is one of ours, and brings it to the present schema.
func (s *Store) begin() error {
	name, err := s.source()
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1) // a writer at a time is all that SQLite has, and in memory each connection would be another store
	db.SetConnMaxLifetime(0)
	if err := s.prepare(db); err != nil {
		return errors.Join(err, db.Close())
	}
	s.db = db
	return nil
}

// source is the name by which the driver opens the file, which is made with mode 0600 before.
func (s *Store) source() (string, error) {
	settings := url.Values{"_pragma": {"busy_timeout(5000)", "foreign_keys(1)", "trusted_schema(0)", "cell_size_check(1)"}, "_txlock": {"immediate"}}
	if s.cfg.Folder == "" {
		return "file::memory:?" + settings.Encode(), nil
	}
	if s.cfg.ReadOnly {
		if _, err := os.Stat(s.path()); err != nil {
			return "", err
		}
		settings.Set("mode", "ro")
		settings.Del("_txlock")
	} else {
		if err := noLink(s.path()); err != nil {
			return "", err
		}
		settings["_pragma"] = append(settings["_pragma"], "journal_mode(WAL)", "synchronous(NORMAL)", "journal_size_limit(4194304)")
		f, err := os.OpenFile(s.path(), os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return "", err
		}
		if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
			return "", err
		}
	}
	path, err := filepath.Abs(s.path())
	if err != nil {
		return "", err
	}
	path = filepath.ToSlash(path)
	if path[0] != '/' { // C:/…
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String(), nil
}

// noLink refuses a path that leads elsewhere, where what is written would change a file of somebody else.
func noLink(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file but %s: remove it, or give another folder", path, info.Mode().Type())
	}
	return err
}

// ownFolder says when others may put files into the folder.
func (s *Store) ownFolder() {
	info, err := os.Stat(s.cfg.Folder)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		s.cfg.Log.Warn("the folder of incidents can be written to by others, who may take samples away or put links in their place", "folder", s.cfg.Folder,
			"mode", info.Mode().Perm().String(), "next", "chmod 0700 "+s.cfg.Folder)
	}
}

// SetAside is how the name of a store begins that was damaged.
const SetAside = FileName + ".damaged-"

// setAside renames a damaged file, with what belongs to it, so that nothing of it is lost.
func (s *Store) setAside(cause error) error {
	aside := filepath.Join(s.cfg.Folder, SetAside) + time.Now().UTC().Format("20060102T150405.000")
	if err := os.Rename(s.path(), aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("set damaged store aside: %w", err)
	}
	for _, more := range []string{"-wal", "-shm"} {
		if err := os.Rename(s.path()+more, aside+more); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("set damaged store aside: %w", err)
		}
	}
	s.cfg.Log.Error("the store of incidents is damaged; it was set aside and a new one begun: incidents start from nothing, samples of old ones stay for incidents.keep as long as it lies there",
		"file", s.path(), "aside", aside, "cause", cause.Error(), "next", "look at the disk; sqlite3 "+aside+" .recover may save what is in it")
	return nil
}

// damaged reports whether err says that the file is no database, or a broken one.
func damaged(err error) bool {
	if errors.Is(err, ErrDamaged) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
}

// change runs do in one transaction. Where the file turns out to be damaged, it is set aside, a new one is begun, and do runs once more.
func (s *Store) change(ctx context.Context, what string, do func(*sql.Tx) error) error {
	if s.cfg.ReadOnly {
		return fmt.Errorf("%s: the store was opened for reading", what)
	}
	s.mu.RLock()
	err := s.bad
	s.mu.RUnlock()
	if err == nil {
		err = s.transact(ctx, do)
	}
	if err != nil && s.cfg.Folder != "" && damaged(err) {
		if again := s.heal(err); again != nil {
			return fmt.Errorf("%s: %w", what, again)
		}
		err = s.transact(ctx, do)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// heal begins a new file in place of a damaged one.
func (s *Store) heal(cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.db.Close()
	s.bad = cause
	err := s.begin() // another goroutine may have healed it already
	if err != nil && damaged(err) {
		if err = s.setAside(cause); err == nil {
			err = s.begin()
		}
	}
	if err == nil {
		s.bad = nil
	}
	return err
}
