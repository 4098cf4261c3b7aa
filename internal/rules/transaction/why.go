package transaction

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// Rules whose match means that a request could not be read, not that it is an attack.
const (
	idUnparsable = 200002
	idMultipart  = 200003
	idTooMany    = 200007
)

// why returns the reason of an end by rule id; blocked is that of every other rule.
func (w *work) why(id int, blocked reason.Code) *reason.Error {
	detail := "rule " + strconv.Itoa(id)
	cause := w.cause(id)
	switch id {
	case idUnparsable, idMultipart:
		if cause != "" {
			detail += ", " + cause
		}
		return reason.New(reason.WAFParseError, detail, nil)
	case idTooMany:
		return reason.New(reason.LimitTooManyArgs, cause, nil)
	}
	return reason.New(blocked, detail, nil)
}

// cause says in one printable line what rule id found wrong with the request, "" where it is no rule about what can be read. Where a setting
// bounds it, its key stands first: a text of the client's cannot stand in that place.
func (w *work) cause(id int) string {
	switch id {
	case idUnparsable:
		text := w.oneOf(seclang.VarReqbodyErrorMsg)
		if w.body.Depth {
			text = "waf.depth: " + text
		}
		return printable(bounded(text, maxMessage))
	case idMultipart:
		return "MULTIPART: " + w.strictErrors()
	case idTooMany:
		return w.tooMany()
	}
	return ""
}

// counters names the counts and the numbers in collections that other members of a chain matched than the one that is shown: without them nobody
// sees why a rule about a rate matched. Other values of theirs are left out, for they could not be masked by their names.
func counters(all []datum, shown uint8) string {
	list := make([]string, 0, 4)
	for i := range all {
		d := &all[i]
		if d.member == shown || len(list) == cap(list) || !d.count && !d.variable.Persistent() {
			continue
		}
		if _, err := strconv.Atoi(d.value); err != nil {
			continue
		}
		list = append(list, targetName(d)+" = "+d.value)
	}
	return strings.Join(list, ", ")
}

// tooMany says which bound of values was reached.
func (w *work) tooMany() string {
	arguments := "waf.arguments: rules look at " + strconv.Itoa(w.engine.cfg.Arguments) + " values"
	if !w.body.TooMany {
		return arguments + " of the query"
	}
	name := w.oneOf(seclang.VarReqbodyProcessor)
	switch {
	case w.body.Multipart.FileLimitExceeded:
		return "rules look at 1000 files of a multipart body"
	case strings.EqualFold(name, "MULTIPART"), strings.EqualFold(name, "URLENCODED"):
		return arguments + " of a form"
	}
	leaves := w.engine.cfg.Body.Values
	if leaves <= 0 {
		leaves = defaultLeaves
	}
	if len(w.body.Args)+len(w.body.Texts)+len(w.body.Attributes) < leaves {
		// The bound of what names and decompressed messages take, which no setting changes.
		return "the names or the compressed messages of the " + printable(bounded(name, 20)) + " body take more memory than rules give them"
	}
	return "waf.leaves: rules look at " + strconv.Itoa(leaves) + " values of a body of type " + printable(bounded(name, 20))
}

// strictFlags returns the variables that say what a multipart body has that strict readers refuse.
func (w *work) strictFlags() (list []seclang.Variable) {
	m := &w.body.Multipart
	for _, f := range []struct {
		v  seclang.Variable
		on bool
	}{
		{seclang.VarMultipartBoundaryQuoted, m.BoundaryQuoted}, {seclang.VarMultipartBoundaryWhitespace, m.BoundaryWhitespace},
		{seclang.VarMultipartDataBefore, m.DataBefore}, {seclang.VarMultipartDataAfter, m.DataAfter},
		{seclang.VarMultipartHeaderFolding, m.HeaderFolding}, {seclang.VarMultipartInvalidHeaderFolding, m.InvalidHeaderFolding},
		{seclang.VarMultipartLFLine, m.LFLine}, {seclang.VarMultipartCRLFLFLines, m.CRLFLFLines},
		{seclang.VarMultipartMissingSemicolon, m.MissingSemicolon}, {seclang.VarMultipartUnmatchedBoundary, m.UnmatchedBoundary},
		{seclang.VarMultipartInvalidPart, m.InvalidPart}, {seclang.VarMultipartInvalidQuoting, m.InvalidQuoting},
		{seclang.VarMultipartDuplicatePartHeader, m.DuplicatePartHeader}, {seclang.VarMultipartFileLimitExceeded, m.FileLimitExceeded},
	} {
		if f.on {
			list = append(list, f.v)
		}
	}
	return list
}

// strictErrors names what a multipart body has that strict readers refuse, as the variables are named that say so.
func (w *work) strictErrors() string {
	flags := w.strictFlags()
	if len(flags) == 0 {
		return "it breaks the form that all readers understand in the same way"
	}
	names := make([]string, len(flags))
	for i, v := range flags {
		names[i] = v.String()
	}
	return strings.Join(names, ", ")
}

// printable returns s with ? for what does not print.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}
