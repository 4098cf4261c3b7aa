package incident

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/store"
)

// Document is incident.json; docs/formats/incident.md has its fields.
type Document struct {
	Format   string          `json:"format"`  // "lunette incident"
	Version  int             `json:"version"` // of the format
	Program  string          `json:"program"`
	Redacted bool            `json:"redacted"`
	Incident Counted         `json:"incident"`
	Sample   Taken           `json:"sample"`
	Finding  *Cause          `json:"finding"`
	Others   []Cause         `json:"further_findings"`
	Lacking  []Lacking       `json:"lacking"`
	Facts    []Seen          `json:"facts"`
	Omitted  int             `json:"omitted_facts"`
	Record   json.RawMessage `json:"record"`
	Missing  []Missing       `json:"missing"`

	packets bool // flow.pcapng lies beside it
}

// Counted is an incident as it stood when the document was written.
type Counted struct {
	ID         string     `json:"id"`
	Site       string     `json:"site"`
	Origin     string     `json:"origin"`
	Cause      string     `json:"cause"`
	State      string     `json:"state"`
	Reason     string     `json:"reason"`
	Detail     string     `json:"detail"`
	Confidence string     `json:"confidence"`
	Severity   string     `json:"severity"`
	Title      string     `json:"title"`
	Summary    string     `json:"summary"`
	Opened     time.Time  `json:"opened"`
	Last       time.Time  `json:"last"`
	Count      int64      `json:"count"`
	Stalls     int64      `json:"stalls"`
	Reopened   int        `json:"reopened"`
	ResolvedAt *time.Time `json:"resolved_at"`
	ResolvedBy string     `json:"resolved_by"`
	Proven     string     `json:"proven"`
	Cure       string     `json:"cure"`
}

// Taken is where a sample is from.
type Taken struct {
	Request  string            `json:"request"`
	At       time.Time         `json:"at"`
	Reason   string            `json:"reason"`
	Detail   string            `json:"detail"`
	Stall    bool              `json:"stall"`
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Status   int               `json:"status"`
	Versions map[string]string `json:"versions"`
}

// Cause is a finding that can be read back.
type Cause struct{ finding.Finding }

// Lacking is a check that could not look.
type Lacking struct {
	Code string   `json:"code"`
	For  []string `json:"for"`
}

// Seen is a fact.
type Seen struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Conn   uint64    `json:"connection,omitempty"`
	Side   string    `json:"side,omitempty"`
	Code   int       `json:"code,omitempty"`
	Size   int64     `json:"size,omitempty"`
	Text   string    `json:"text,omitempty"`
	Frame  int64     `json:"frame,omitempty"`
	Detail any       `json:"detail,omitempty"`
}

// Missing is a file that the bundle should have, or a part of it.
type Missing struct {
	File string `json:"file"`
	Why  string `json:"why"`
}

// Demonstrated is the confidence of an incident whose cure was tried: surer than what any finding says by itself.
const Demonstrated = "demonstrated"

const (
	documentFormat  = "lunette incident"
	documentVersion = 1
	mostFacts       = 10_000
)

// UnmarshalJSON reads what the finding's words for severity and confidence mean.
func (c *Cause) UnmarshalJSON(data []byte) error {
	type plain finding.Finding
	var words struct {
		*plain
		Severity   string `json:"severity"`
		Confidence string `json:"confidence"`
	}
	words.plain = (*plain)(&c.Finding)
	if err := json.Unmarshal(data, &words); err != nil {
		return err
	}
	c.Severity, c.Confidence = ParseSeverity(words.Severity), ParseConfidence(words.Confidence)
	return nil
}

// ParseSeverity is the severity with this name, 0 for none.
func ParseSeverity(name string) finding.Severity {
	for s := finding.Info; s <= finding.Critical; s++ {
		if s.String() == name {
			return s
		}
	}
	return 0
}

// ParseConfidence is the confidence with this name, 0 for none.
func ParseConfidence(name string) finding.Confidence {
	for c := finding.Possible; c <= finding.Certain; c++ {
		if c.String() == name {
			return c
		}
	}
	return 0
}

// CountedOf is n as documents have it.
func CountedOf(n *store.Incident) Counted {
	c := Counted{ID: n.ID, Site: n.Site, Origin: n.Origin, Cause: n.Cause, State: string(n.State), Reason: n.Reason, Detail: WithoutQueries(n.Detail), Confidence: n.Confidence,
		Severity: n.Severity, Title: n.Title, Summary: WithoutQueries(n.Summary), Opened: n.Opened, Last: n.Last, Count: n.Count, Stalls: n.Stalls, Reopened: n.Reopened,
		ResolvedBy: n.ResolvedBy, Proven: n.Proven, Cure: n.Cure}
	if n.Proven != "" {
		c.Confidence = Demonstrated
	}
	if !n.ResolvedAt.IsZero() {
		c.ResolvedAt = &n.ResolvedAt
	}
	return c
}

// NewDocument is incident.json of a failure; version is that of this program.
func NewDocument(n *store.Incident, f *Failure, version string) *Document {
	d := &Document{Format: documentFormat, Version: documentVersion, Program: version, Incident: CountedOf(n), Others: []Cause{}, Lacking: []Lacking{}, Facts: []Seen{}, Missing: []Missing{}}
	d.Sample = Taken{Request: f.Request, At: f.At.UTC(), Reason: string(f.Reason), Detail: WithoutQueries(f.Detail), Stall: f.Stall, Versions: map[string]string{}}
	if f.Finding != nil {
		d.Finding = &Cause{told(*f.Finding, WithoutQueries)}
	}
	s := f.Sample
	if s == nil {
		return d
	}
	d.Sample.Method, d.Sample.URL, d.Sample.Status = s.Method, s.URL, s.Status
	d.Missing = append(d.Missing, s.Missing...)
	if s.Versions != nil {
		d.Sample.Versions = s.Versions
	}
	if json.Valid(s.Record) {
		d.Record = s.Record
	}
	if s.Result != nil {
		for i := range s.Result.Findings {
			if x := s.Result.Findings[i]; f.Finding == nil || x.Code != f.Finding.Code {
				d.Others = append(d.Others, Cause{told(x, WithoutQueries)})
			}
		}
		for _, l := range s.Result.Lacking {
			d.Lacking = append(d.Lacking, Lacking{string(l.Code), l.For.Names()})
		}
	}
	kept := s.Facts[:min(len(s.Facts), mostFacts)]
	d.Omitted = len(s.Facts) - len(kept)
	for i := range kept {
		d.Facts = append(d.Facts, seen(&kept[i]))
	}
	return d
}

func seen(f *fact.Fact) Seen {
	s := Seen{At: f.At.UTC(), Kind: f.Kind.String(), Conn: f.Conn, Side: f.Side.String(), Code: f.Code, Size: f.Size, Text: f.Text, Frame: f.Frame}
	if f.Detail != nil {
		s.Detail = f.Detail
	}
	return s
}

// shows reports whether a fact of this kind was seen.
func (d *Document) shows(k fact.Kind) bool {
	return slices.ContainsFunc(d.Facts, func(s Seen) bool { return s.Kind == k.String() })
}
