package secrets

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// maxFaults is how many faults of a key log are kept as text.
const maxFaults = 20

// maxStrange is after how many lines a source in which nothing looks like a key log is read no further.
const maxStrange = 1 << 20

// Report is what a key log held.
type Report struct {
	Secrets   int // new ones
	Duplicate int // known already, with the same value
	Unused    int // lines that are good and not needed: ECH_SECRET, ECH_CONFIG, CLIENT_TRAFFIC_SECRET_1 and later
	Lines     int
	Faults    []string // "keys.txt:7: CLIENT_RANDOM wants 64 and 96 hex digits, got 64 and 90"
	More      int      // faults beyond the most that are kept
}

// AddKeyLog reads a key log of any length. Faulty lines are reported (at most 20, each with name and line; of what is no key log 3) and passed over;
// of two lines that contradict each other the first counts. A file without secrets is no error when there is nothing but
// comments in it. An error means that the source failed, that the Store is full, or a [*FormatError]: nothing in it looks like a key log.
func (s *Store) AddKeyLog(name string, r io.Reader) (Report, error) {
	text, head, err := newLines(r)
	if err != nil {
		return Report{}, fmt.Errorf("read key log %s: %w", name, err)
	}
	if f, ok := notKeyLog(head); ok {
		return Report{}, &FormatError{Name: name, Want: "key log", Seems: f.seems, Next: f.next}
	}
	k := keyLog{store: s, name: name}
	for k.known || k.report.Lines < maxStrange {
		line, long, err := text.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return k.report, fmt.Errorf("read key log %s after line %d: %w", name, k.report.Lines, err)
		}
		k.report.Lines++
		if long {
			k.fault(fmt.Sprintf("the line is longer than %d bytes", maxLine))
			continue
		}
		if err := k.line(bytes.TrimSpace(line)); err != nil {
			return k.report, err
		}
	}
	if !k.known && k.report.Lines > k.empty {
		k.report.shorten()
		next := "a key log has lines such as CLIENT_RANDOM, then 64 and 96 hex digits (\"lunette keys\" says how to get one)"
		if k.dump {
			return k.report, &FormatError{Name: name, Want: "key log", Seems: "a session of openssl s_client without a Master-Key (TLS 1.3 has none)", Next: "record again with s_client -keylogfile FILE"}
		}
		return k.report, &FormatError{Name: name, Want: "key log", Next: next}
	}
	return k.report, nil
}

// shorten leaves few of the faults of what is no key log: each of its lines is one.
func (r *Report) shorten() {
	const few = 3
	if n := len(r.Faults) - few; n > 0 {
		r.Faults, r.More = r.Faults[:few], r.More+n
	}
}

// keyLog is one that is being read.
type keyLog struct {
	store   *Store
	name    string
	report  Report
	known   bool // at least one line had a label of key logs
	empty   int  // lines with nothing to read
	dump    bool // within what openssl s_client prints of a session
	session []byte
	scratch line
}

// fault notes what is wrong with the line that is being read. The text must hold nothing of a secret.
func (k *keyLog) fault(text string) {
	if len(k.report.Faults) >= maxFaults {
		k.report.More++
		return
	}
	k.report.Faults = append(k.report.Faults, k.name+":"+strconv.Itoa(k.report.Lines)+": "+text)
}

// line reads one line without space around it. An error ends the reading.
func (k *keyLog) line(text []byte) error {
	if len(text) == 0 || text[0] == '#' {
		k.empty++
		return nil
	}
	label, rest := cut(text)
	l := &k.scratch
	switch l.kind = kindOf(label, rest); l.kind {
	case kindUnknown:
		return k.other(label, rest)
	case kindUnused:
		k.known = true
		k.report.Unused++
		return nil
	}
	k.known = true
	if fault := l.read(label, rest); fault != "" {
		k.fault(fault)
		return nil
	}
	return k.add(label)
}

// add puts the line that was read into the Store.
func (k *keyLog) add(label []byte) error {
	switch k.store.add(&k.scratch) {
	case added:
		k.report.Secrets++
	case duplicate:
		k.report.Duplicate++
	case conflict:
		k.fault(string(label) + " contradicts an earlier line, which counts")
	case full:
		return fmt.Errorf("read key log %s, line %d: more than %d secrets: keep only the lines of the time that was recorded", k.name, k.report.Lines, k.store.limit)
	}
	return nil
}
