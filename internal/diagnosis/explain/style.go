package explain

import "strings"

// style draws: with or without colour, with or without characters beyond ASCII.
type style struct {
	color bool
	ascii bool
}

// SGR sequences (ECMA-48 section 8.3.117).
const (
	sgrBold   = "\x1b[1m"
	sgrDim    = "\x1b[2m"
	sgrRed    = "\x1b[1;31m"
	sgrYellow = "\x1b[33m"
	sgrGreen  = "\x1b[32m"
	sgrReset  = "\x1b[0m"
)

func (s style) paint(sgr, text string) string {
	if !s.color || sgr == "" || strings.Trim(text, " ") == "" {
		return text
	}
	return sgr + text + sgrReset
}

func (s style) of(l level) string {
	switch l {
	case routine:
		return sgrDim
	case warn:
		return sgrYellow
	case bad:
		return sgrRed
	}
	return ""
}

// text is a line as it goes out: in ASCII when that is asked for. All text comes through here. It is clean before, so that its
// columns can be counted; that it is cleaned again makes sure.
func (s style) text(line string) string {
	if line = clean(line); !s.ascii || plain(line) {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		default:
			b.WriteString(inASCII(r))
		}
	}
	return b.String()
}

// inASCII is one column of ASCII for each column of r.
func inASCII(r rune) string {
	switch r {
	case '│':
		return "|"
	case '┊', '·':
		return ":"
	case '─', '┄', '–', '—', '═':
		return "-"
	case '▶', '→':
		return ">"
	case '◀', '←':
		return "<"
	case '…':
		return "~"
	case 'µ':
		return "u"
	case '↑':
		return "^"
	case '↓':
		return "v"
	case '×':
		return "x"
	case '‘', '’':
		return "'"
	case '“', '”':
		return `"`
	}
	return strings.Repeat("?", runeCells(r))
}
