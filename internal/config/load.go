package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"
)

// Load reads the file at path. The Config is nil when the faults hold an error; else it is whole, defaults and all,
// and the faults are warnings.
func Load(path string) (*Config, Faults) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, Faults{{File: path, Message: "find folder: " + err.Error()}}
	}
	data, p := readBounded(abs, maxFile)
	if p != nil && p.absent {
		p.hint = "lunette check --example prints a file to begin with"
	}
	if p != nil {
		return nil, Faults{{File: path, Message: p.message, Hint: p.hint}}
	}
	cfg, faults := Parse(path, filepath.Dir(abs), data, time.Now())
	if cfg != nil {
		cfg.File = abs
	}
	return cfg, faults
}

// Parse is Load for a file in memory. name stands in faults; relative paths start at dir; now decides which
// certificates have expired.
func Parse(name, dir string, data []byte, now time.Time) (*Config, Faults) {
	cfg, faults := parse(name, dir, data, now)
	if faults.Failed() {
		return nil, faults
	}
	return cfg, faults
}

// parse is Parse that gives the configuration as far as it was read, with faults too; nil where there is none.
func parse(name, dir string, data []byte, now time.Time) (*Config, Faults) {
	l := &loading{name: name, source: newSource("")}
	if len(data) > maxFile {
		return nil, Faults{{File: name, Message: fmt.Sprintf("the file is larger than %d MiB", maxFile>>20)}}
	}
	if !utf8.Valid(data) {
		return nil, Faults{{File: name, Message: "the file is not UTF-8", Hint: "save it as UTF-8 without a byte order mark"}}
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	l.source = newSource(text)
	cfg := l.load(text, dir, now)
	l.showSources()
	return cfg, ordered(l.faults)
}

// loading is one run of Parse.
type loading struct {
	name   string
	source *source
	faults Faults
}

func (l *loading) report(sev Severity, at place, key string, p *problem) {
	if l.enough() {
		return
	}
	l.faults = append(l.faults, Fault{
		Severity: sev, File: l.name, Line: at.line, Column: at.column, Width: at.width,
		Key: key, Message: p.message, Hint: p.hint,
	})
}

// enough says that more faults were found than will be shown.
func (l *loading) enough() bool { return len(l.faults) >= 10*maxFaults }

func (l *loading) load(text, dir string, now time.Time) *Config {
	root := parseTree(text, func(at place, p *problem) { l.report(Error, at, "", p) })
	if root == nil || root.form == broken {
		return nil
	}
	d := &decoder{
		dir: dir, root: objectOf(reflect.TypeFor[Config]()), places: map[string]place{}, refused: map[string]bool{}, meant: map[string]bool{},
		report: l.report, enough: l.enough, secret: l.source.hide,
	}
	cfg := &Config{located: &located{name: l.name, source: l.source, at: d.places, root: root.place}}
	v := reflect.ValueOf(cfg).Elem()
	d.setDefaults(v, d.root)
	d.object(root, v, d.root, "", false)
	if d.nodes > maxNodes {
		l.report(Error, root.place, "", wrong("use fewer anchors", "the file holds more than %d values", maxNodes))
		return nil
	}
	cfg.derive()
	c := &checker{cfg: cfg, dir: dir, now: now, d: d, root: root.place}
	c.all()
	return cfg
}

func (l *loading) showSources() {
	for i := range l.faults {
		l.faults[i].locate(l.source)
	}
}

// locate fills what is shown of the source, and masks what must not be.
func (f *Fault) locate(s *source) {
	f.Column = s.skipBlank(f.Line, f.Column)
	f.Message, f.Hint = s.cover(f.Message), s.cover(f.Hint)
	f.Source, f.caret = s.show(f.Line, f.Column)
	f.Width = max(1, min(f.Width, utf8.RuneCountInString(f.Source)-f.caret+1))
}

// readBounded reads a regular file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, *problem) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, wrong("", "%s is no regular file", quote(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileProblem(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fileProblem(path, err)
	}
	if int64(len(data)) > limit {
		return nil, wrong("", "%s is larger than %d MiB", quote(path), limit>>20)
	}
	return data, nil
}

func fileProblem(path string, err error) *problem {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p := wrong("relative paths start at the folder of the configuration file", "no such file: %s", path)
		p.absent = true
		return p
	case errors.Is(err, fs.ErrPermission):
		return wrong("let the user that runs lunette read it", "not allowed to read %s", path)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return wrong("", "cannot read %s: %v", path, err)
}
