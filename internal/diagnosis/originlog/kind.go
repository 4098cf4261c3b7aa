package originlog

import (
	"strings"
	"time"
)

// kind is how the lines of a log are written.
type kind uint8

const (
	extendedLines kind = iota + 1 // HTTPERR and W3C, with their directives
	accesses
	apacheErrors
	nginxErrors
)

// kindOf tells how a line is written, by what no visitor can write into a line of another kind: an access log has its time in
// brackets before a quote, whatever its first field is.
func kindOf(line string) kind {
	switch {
	case hasAccessTime(line):
		return accesses
	case line[0] == '[':
		return apacheErrors
	case len(line) > 19 && line[4] == '/' && line[7] == '/' && line[10] == ' ':
		return nginxErrors
	}
	return extendedLines
}

// hasAccessTime reports whether a time as access logs write it stands anywhere in a line, before a quote.
func hasAccessTime(line string) bool {
	for {
		before, after, ok := strings.Cut(line, "] \"")
		if !ok {
			return false
		}
		if i := strings.LastIndexByte(before, '['); i >= 0 {
			if _, err := time.Parse("02/Jan/2006:15:04:05 -0700", before[i+1:]); err == nil {
				return true
			}
		}
		line = after
	}
}
