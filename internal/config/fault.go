package config

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity is how bad a fault is.
type Severity uint8

// Severities. A file with an Error is not used; a Warning does not keep it from being used. A Note asks for nothing.
const (
	Error Severity = iota
	Warning
	Note
)

func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Note:
		return "note"
	}
	return "error"
}

// MarshalText gives the word, for JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Fault is one thing that is wrong with a file.
type Fault struct {
	Severity Severity `json:"severity"`
	File     string   `json:"file"`             // as it was given
	Line     int      `json:"line,omitempty"`   // from 1; 0 when the file could not be read
	Column   int      `json:"column,omitempty"` // in characters, from 1
	Width    int      `json:"width,omitempty"`  // characters that the caret marks
	Key      string   `json:"key,omitempty"`    // sites[0].origin.host
	Message  string   `json:"message"`          // what is wrong
	Hint     string   `json:"hint,omitempty"`   // what to do
	Source   string   `json:"source,omitempty"` // the line, secrets masked, cut to 160 characters around the column

	caret int // column within Source; 0: Column, for faults of files that are not ours to read
}

// Faults is everything wrong with a file, in its order.
type Faults []Fault

// maxFaults bounds a report: nobody reads further, and a hostile file could hold a million.
const maxFaults = 200

// Failed reports whether one of the faults is an error, so that the file must not be used.
func (fs Faults) Failed() bool {
	return slices.ContainsFunc(fs, func(f Fault) bool { return f.Severity == Error })
}

// Count returns how many errors and warnings there are, notes aside.
func (fs Faults) Count() (errors, warnings int) {
	for i := range fs {
		switch fs[i].Severity {
		case Error:
			errors++
		case Warning:
			warnings++
		}
	}
	return errors, warnings
}

// Error makes Faults an error: its print.
func (fs Faults) Error() string { return fs.String() }

// String is what Print writes.
func (fs Faults) String() string {
	var b strings.Builder
	_ = fs.Print(&b)
	return b.String()
}

// Print writes the faults as a compiler does:
//
//	lunette.yaml:7:5: error: sites[0]: unknown key "orgin"
//	    7 |     orgin: {}
//	      |     ^^^^^
//	      = did you mean "origin"?
func (fs Faults) Print(w io.Writer) error {
	for i := range fs {
		if _, err := io.WriteString(w, fs[i].String()); err != nil {
			return err
		}
	}
	return nil
}

// String is one fault as Print writes it.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	fmt.Fprintf(&b, ": %s: ", f.Severity)
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	b.WriteString(f.Message + "\n")
	if f.Line > 0 && f.Source != "" {
		fmt.Fprintf(&b, "%5d | %s\n", f.Line, f.Source)
		fmt.Fprintf(&b, "      | %s%s\n", blank(f.Source, cmp.Or(f.caret, min(f.Column, utf8.RuneCountInString(f.Source)))-1), strings.Repeat("^", max(f.Width, 1)))
	}
	if f.Hint != "" {
		b.WriteString("      = " + f.Hint + "\n")
	}
	return b.String()
}

// blank is n characters of s as white space; tabs stay, so that what follows lines up.
func blank(s string, n int) string {
	var b strings.Builder
	for _, r := range s {
		if n--; n < 0 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String() + strings.Repeat(" ", max(n, 0))
}

// ordered returns the faults by place, each once, and no more than maxFaults.
func ordered(fs Faults) Faults {
	slices.SortStableFunc(fs, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity))
	})
	fs = slices.CompactFunc(fs, func(a, b Fault) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Message == b.Message
	})
	if len(fs) <= maxFaults {
		return fs
	}
	last := fs[maxFaults-1]
	last.Severity, last.Key, last.Hint = Error, "", ""
	last.Message = fmt.Sprintf("and %d more faults from here on", len(fs)-maxFaults+1)
	return append(fs[:maxFaults-1:maxFaults-1], last)
}

// quote shows a value from the file, bounded.
func quote(s string) string { return fmt.Sprintf("%q", bounded(s)) }

func bounded(s string) string {
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return s
}
