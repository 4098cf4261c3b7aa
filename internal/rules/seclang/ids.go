package seclang

import (
	"strconv"
	"strings"
)

// IDRange is the ids First to Last, both included.
type IDRange struct{ First, Last int }

// Has reports whether id is one of r.
func (r IDRange) Has(id int) bool { return id >= r.First && id <= r.Last }

// ParseIDs reads ids and ranges of ids, such as "1-5 7", with blanks or commas between them. At least one is needed. Errors are *SyntaxError.
func ParseIDs(text string) ([]IDRange, error) {
	r, err := idRanges(text)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func idRanges(text string) ([]IDRange, *SyntaxError) {
	var out []IDRange
	var wrong *SyntaxError
	for at := 0; at < len(text); {
		if strings.IndexByte(" \t\n,", text[at]) >= 0 {
			at++
			continue
		}
		end := at
		for end < len(text) && strings.IndexByte(" \t\n,", text[end]) < 0 {
			end++
		}
		r, problem := idRange(text[at:end])
		if problem != "" {
			wrong = wrong.also(&SyntaxError{Offset: at, Text: problem, Hint: "write an id, such as 942100, or a range, such as 942100-942199"})
		}
		out = append(out, r)
		at = end
	}
	if out == nil {
		return nil, &SyntaxError{Text: "no id is given"}
	}
	return out, wrong
}

func idRange(word string) (IDRange, string) {
	from, to, ranged := strings.Cut(word, "-")
	if !ranged {
		to = from
	}
	first, ok1 := ruleID(from)
	last, ok2 := ruleID(to)
	switch {
	case !ok1 || !ok2:
		return IDRange{}, quote(word) + " is no id of a rule"
	case first > last:
		return IDRange{}, "range " + quote(word) + " ends before it begins"
	}
	return IDRange{first, last}, ""
}

// ID returns the id of the rule that d declares, 0 for the others: what follows in a chain, and what is no rule.
func (d *Directive) ID() int {
	if d.Rule == nil {
		return 0
	}
	for _, a := range d.Rule.Actions {
		if a.ID == ActId {
			id, _ := ruleID(a.Value)
			return id
		}
	}
	return 0
}

// ruleID reads a positive number of at most 18 digits.
func ruleID(text string) (int, bool) {
	if text == "" || len(text) > 18 || text[0] < '0' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return int(n), err == nil && n > 0
}
