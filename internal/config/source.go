package config

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// source is the text of a file, for showing lines of it.
type source struct {
	lines  []string
	secret map[int]string // line number to the secret text on it
	mask   *regexp.Regexp
}

// maxShown is how many characters of a line are shown.
const maxShown = 160

func newSource(text string) *source {
	return &source{
		lines:  strings.Split(text, "\n"),
		secret: map[int]string{},
		// Works without a parse, as a file with a syntax error needs it.
		mask: regexp.MustCompile(`(?i)("?\b(?:token|password|secret)"?\s*:\s*)([^\s,}][^,}]*)|(://)([^/@\s]*)@`),
	}
}

// hide keeps text out of what is shown of a line and those that follow it.
func (s *source) hide(line int, text string) {
	for i, part := range strings.Split(text, "\n") {
		if part != "" {
			s.secret[line+i] = part
		}
	}
}

// cover masks the secrets in a message: an alias can bring one to a key that quotes what it got.
func (s *source) cover(message string) string {
	for _, part := range s.secret {
		message = strings.ReplaceAll(message, strings.TrimSuffix(bounded(part), "…"), "***")
	}
	return message
}

// skipBlank moves col off white space: the library counts a tab before a value as part of it.
func (s *source) skipBlank(n, col int) int {
	if n < 1 || n > len(s.lines) {
		return col
	}
	at := 0
	for _, r := range s.lines[n-1] {
		if at++; at < col {
			continue
		}
		if r != ' ' && r != '\t' {
			return at
		}
	}
	return col
}

// show returns line n as it may be shown, and where column col is in it. Both count from 1.
func (s *source) show(n, col int) (line string, caret int) {
	if n < 1 || n > len(s.lines) {
		return "", 1
	}
	line = strings.TrimRight(s.lines[n-1], "\r")
	for _, near := range []int{n, n - 1} { // the text of a block begins on the line below its sign
		if part, ok := s.secret[near]; ok {
			line = strings.ReplaceAll(line, part, stars(part))
		}
	}
	line = s.mask.ReplaceAllStringFunc(line, func(m string) string {
		i := s.mask.FindStringSubmatchIndex(m)
		from, to := max(i[4], i[8]), max(i[5], i[9]) // the second group of either branch
		return m[:from] + stars(m[from:to]) + m[to:]
	})
	runes := []rune(line)
	if len(runes) <= maxShown {
		return printable(line), col
	}
	from := max(0, min(col-1-maxShown/2, len(runes)-maxShown))
	return printable(string(runes[from : from+maxShown])), col - from
}

// stars covers s and keeps its width, so that columns stay.
func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }

// printable keeps a terminal safe from what a file holds.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

func maskURL(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 {
			return scheme + "://***@" + rest[i+1:]
		}
	}
	return s
}
