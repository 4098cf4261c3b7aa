package originlog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Read reads a log to its end. The error is one of r, or says that nothing in it is of a known format.
func Read(r io.Reader, name string, cfg Config) ([]Entry, Report, error) {
	if cfg.Masker == nil {
		cfg.Masker, _ = redact.New(redact.Config{})
	}
	if cfg.Location == nil {
		cfg.Location = time.UTC
	}
	if cfg.Most <= 0 {
		cfg.Most = defaultMost
	}
	s := &reader{cfg: cfg, report: Report{Name: name}, lines: bufio.NewReaderSize(r, maxLine)}
	err := s.run()
	if err == nil && s.report.Lines == 0 && s.report.Damaged > 0 {
		err = errors.New("no known format; there are HTTPERR, IIS W3C, Failed Request Tracing, Apache and nginx error and access logs")
	}
	if err != nil {
		return nil, s.report, fmt.Errorf("read log %s: %w", name, err)
	}
	return s.entries, s.report, nil
}

// reader reads one log.
type reader struct {
	cfg     Config
	lines   *bufio.Reader
	n       int // of the line
	entries []Entry
	report  Report
	fields  []string // of the last #Fields
	day     string   // of the last #Date
	httperr bool     // the #Software was http.sys
	access  string   // whose access log it is, once something told
	kind    kind     // of the lines that were read, 0 before the first
}

var (
	errKind    = errors.New("of another kind than the lines before it")
	errSeveral = errors.New("several clients")
	errTime    = errors.New("no time")
	errFormat  = errors.New("unknown format")
	errFields  = errors.New("not as many fields as #Fields names")
)

func (s *reader) run() error {
	start, err := s.lines.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xFF, 0xFE}), bytes.HasPrefix(start, []byte{0xFE, 0xFF}):
		return errors.New("it is UTF-16: save it as UTF-8")
	case bytes.HasPrefix(start, []byte{0x1F, 0x8B}):
		return errors.New("it is packed: unpack it first (gzip -d)")
	case bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}):
		_, _ = s.lines.Discard(3)
		start, _ = s.lines.Peek(1)
	}
	if len(start) > 0 && start[0] == '<' {
		return s.freb()
	}
	for {
		line, err := s.next()
		if line != "" {
			s.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// next is the next line without its end. One that is too long is left out and counted.
func (s *reader) next() (string, error) {
	s.n++
	part, err := s.lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return strings.ToValidUTF8(strings.TrimRight(string(part), "\r\n"), "?"), err
	}
	s.damaged(fmt.Errorf("longer than %d bytes", maxLine))
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = s.lines.ReadSlice('\n')
	}
	return "", err
}

// line reads a line. A log is of one kind, that of its first line: what begins like another kind is what a visitor or an application
// made the server write.
func (s *reader) line(line string) {
	var e Entry
	var err error
	kind := kindOf(line)
	switch {
	case s.kind != 0 && s.kind != kind:
		err = errKind
	case kind == extendedLines && line[0] == '#':
		s.directive(line)
		return
	case kind == apacheErrors:
		err = s.apacheError(&e, line)
	case kind == nginxErrors:
		err = s.nginxError(&e, line)
	case kind == accesses:
		err = s.accessLine(&e, line)
	case s.fields != nil:
		err = s.extended(&e, line)
	default:
		err = s.fragment(&e, line)
	}
	if err != nil {
		s.damaged(err)
		return
	}
	s.kind = kind
	s.add(&e)
}

// add keeps an entry that is wanted.
func (s *reader) add(e *Entry) {
	if y := e.At.Year(); y < 1990 || y > 2200 { // nobody logged then, and times must be fit to be reckoned with
		s.damaged(errTime)
		return
	}
	s.report.Lines++
	if s.report.Format == "" {
		s.report.Format = e.Format
	}
	e.File, e.Line = s.report.Name, s.n
	if s.cfg.Keep != nil && !s.cfg.Keep(e) {
		return
	}
	if len(s.entries) >= s.cfg.Most {
		s.report.Omitted++
		return
	}
	if e.From.Port() != 0 {
		e.Client = e.From.String()
	} else if e.From.Addr().IsValid() {
		e.Client = e.From.Addr().String()
	}
	s.entries = append(s.entries, *e)
	s.report.Kept++
}

func (s *reader) damaged(err error) {
	s.report.Damaged++
	if len(s.report.Faults) < maxFaults {
		s.report.Faults = append(s.report.Faults, fmt.Sprintf("line %d: %v", s.n, err))
	}
}

// target is the target of a request as it may be shown.
func (s *reader) target(t string) string {
	if !s.cfg.Unmask {
		t = s.cfg.Masker.Target(t)
	}
	return bounded(t)
}

// message are a line's own words as they may be shown.
func (s *reader) message(m string) string {
	if !s.cfg.Unmask {
		m = s.cfg.Masker.Text(m)
	}
	return bounded(m)
}

func bounded(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}

// Fact is the entry as a fact about connection conn. The origin's clock is ahead of ours as k tells.
func (e *Entry) Fact(conn uint64, k Clock) fact.Fact {
	l := e.OriginLog
	l.Offset, l.OffsetPairs = int64(k.Offset), k.Pairs
	return fact.Fact{Kind: fact.OriginLogged, At: l.At.Add(-k.Offset), Conn: conn, Side: fact.SideServer, Code: l.Status, Text: e.Code, Detail: &l}
}
